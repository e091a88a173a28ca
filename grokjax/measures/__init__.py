"""What is looked at during training, one measure a file. The catalogue is this folder."""
