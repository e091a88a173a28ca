"""A convolutional network trained by grokjax, in plain PyTorch: `from model import load; net = load()`.

Parameters have the names and values of grokjax in the layouts of PyTorch: a matrix is [output, input], a kernel
[output, input, row, column]. Inputs of the matrix are in the order row, column, channel.
"""

import json
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

ACTIVATIONS = {
    "relu": functional.relu,
    "gelu": partial(functional.gelu, approximate="tanh"),
    "gelu_exact": functional.gelu,
    "silu": functional.silu,
    "tanh": torch.tanh,
    "square": torch.square,
}


def load(folder: str | Path = Path(__file__).parent) -> "Network":
    """The network whose weights lie in a folder, ready to be evaluated."""
    config = json.loads(Path(folder, "config.json").read_text())
    weights = load_file(Path(folder, "weights.safetensors"))
    network = Network(config["model"], config["task"], weights)
    network.load_state_dict(weights, assign=True)
    return network.eval()


class Network(nn.Module):
    """Outputs [example, class] of images [example, row, column(, channel)], or of flat squares [example, pixel]."""

    def __init__(self, model: dict[str, Any], task: dict[str, Any], weights: dict[str, Tensor]):
        """Sizes and biases are those of the weights."""
        super().__init__()
        self.model = model
        for name in dict.fromkeys(key.split(".")[0] for key in weights):
            outputs, inputs, *window = weights[f"{name}.weight"].shape
            has_bias = f"{name}.bias" in weights
            dense = nn.Conv2d(inputs, outputs, window, stride=2, bias=has_bias) if window else None
            self.add_module(name, dense or nn.Linear(inputs, outputs, bias=has_bias))

    def forward(self, inputs: Tensor) -> Tensor:
        layer, activation = self.get_submodule, ACTIVATIONS[self.model["activation"]]
        side = round(inputs[0].numel() ** 0.5)
        images = inputs.reshape(-1, side, side) if inputs.ndim == 2 else inputs
        maps = images.permute(0, 3, 1, 2) if images.ndim == 4 else images[:, None]  # [example, channel, row, column]
        maps = maps.to(layer("output").weight.dtype)
        for index in range(self.model["layers"]):
            maps = activation(layer(f"conv_{index}")(functional.pad(maps, self.edges(maps))))
        return layer("output")(maps.permute(0, 2, 3, 1).flatten(1))

    def edges(self, maps: Tensor) -> list[int]:
        """Zeros left, right, above and below that make a layer halve rows and columns, rounded up."""
        edges = []
        for length in reversed(maps.shape[2:]):
            missing = max((-(-length // 2) - 1) * 2 + self.model["kernel"] - length, 0)
            edges += [missing // 2, missing - missing // 2]
        return edges
