"""What is learned, one family of tasks a file. The catalogue is this folder."""
