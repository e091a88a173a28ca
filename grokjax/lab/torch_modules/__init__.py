"""What an export to PyTorch takes along: files that are copied and never imported here, one for each kind of model.

Each is whole by itself: `load(folder)` builds the network from the weights beside it. Only PyTorch and safetensors are
needed there, so the few lines that all have in common are written out in each, and a test keeps them equal.
"""
