"""What is added to the loss, the gradient or the update, one a file. The catalogue is this folder."""
