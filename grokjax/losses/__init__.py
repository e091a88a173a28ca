"""What is minimised, one loss a file. The catalogue is this folder."""
