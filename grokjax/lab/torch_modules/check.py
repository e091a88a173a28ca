"""Does the network answer here as it did where it was trained? `python check.py` asks it all examples of its task."""

import sys
from pathlib import Path

import torch
from model import load
from safetensors.torch import load_file

MOST = 1e-5  # rounding of float32, of outputs above 1 as a share of the largest


def largest_difference(folder: str | Path = Path(__file__).parent) -> float:
    """Over all examples and outputs; infinity where only one of the two is a number."""
    examples, network = load_file(Path(folder, "examples.safetensors")), load(folder)
    wanted = examples["logits"]
    with torch.no_grad():
        outputs = torch.cat([network(inputs) for inputs in examples["inputs"].split(4096)])
    if outputs.shape[1:] != wanted.shape[1:]:  # TransformerLens answers at every token, and the last ones count
        outputs = outputs[:, -1] if wanted.ndim == 2 else outputs[:, -wanted.shape[1] :]
    is_number = wanted.isfinite()
    if not torch.equal(outputs.isfinite(), is_number):
        return torch.inf
    if not is_number.any():  # a run that diverged
        return 0.0
    difference = (outputs - wanted)[is_number].abs().max()
    return float(difference / wanted[is_number].abs().max().clamp(min=1))


if __name__ == "__main__":
    difference = largest_difference()
    print(f"largest difference of an output: {difference:.2g}")
    sys.exit(difference > MOST)
