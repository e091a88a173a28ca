"""What is computed from a stored network on the host, one probe a file. The catalogue is this folder."""
