"""How parameters move, one optimizer a file. The catalogue is this folder."""
