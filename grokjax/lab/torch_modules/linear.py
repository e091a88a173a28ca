"""A linear map trained by grokjax, in plain PyTorch: `from model import load; net = load()`.

Its matrix is [output, input], the transpose of what is stored there.
"""

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor, nn


def load(folder: str | Path = Path(__file__).parent) -> "Network":
    """The network whose weights lie in a folder, ready to be evaluated."""
    config = json.loads(Path(folder, "config.json").read_text())
    weights = load_file(Path(folder, "weights.safetensors"))
    network = Network(config["model"], config["task"], weights)
    network.load_state_dict(weights, assign=True)
    return network.eval()


class Network(nn.Module):
    """Outputs [example, class] of real values [example, ...]."""

    def __init__(self, model: dict[str, Any], task: dict[str, Any], weights: dict[str, Tensor]):
        super().__init__()
        self.output = nn.Linear(*reversed(weights["output.weight"].shape), bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.output(inputs.flatten(1).to(self.output.weight.dtype))
