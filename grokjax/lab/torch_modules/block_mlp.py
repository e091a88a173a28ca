"""Blocks of fully connected layers trained by grokjax, in plain PyTorch: `from model import load; net = load()`.

Parameters have the names and values of grokjax; a matrix is [output, input], the transpose of what is stored there.
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
    """Outputs [example, class] of symbols [example, token], of which operands are read, or of values [example, ...]."""

    def __init__(self, model: dict[str, Any], task: dict[str, Any], weights: dict[str, Tensor]):
        """Sizes and biases are those of the weights."""
        super().__init__()
        self.model, self.task = model, task
        for name in dict.fromkeys(key.split(".")[0] for key in weights):
            outputs, inputs = weights[f"{name}.weight"].shape
            self.add_module(name, nn.Linear(inputs, outputs, bias=f"{name}.bias" in weights))

    def forward(self, inputs: Tensor) -> Tensor:
        activation, layer = ACTIVATIONS[self.model["activation"]], self.get_submodule
        hidden = activation(layer("hidden_0")(self.encoded(inputs)))
        for index in range(1, self.model["depth"]):
            own = hidden.chunk(self.model["blocks"], dim=1)  # a block reads its own units alone
            blocks = [layer(f"hidden_{index}_block_{block}")(units) for block, units in enumerate(own)]
            hidden = activation(torch.cat(blocks, dim=1))
        return layer("output")(hidden)

    def encoded(self, inputs: Tensor) -> Tensor:
        """What the first matrix reads, [example, feature]."""
        first = self.get_submodule("hidden_0").weight
        if self.task["vocabulary"] is None:
            return inputs.flatten(1).to(first.dtype)
        operands = inputs[:, self.task["operands"]].long()
        symbols = first.shape[1] // operands.shape[1]
        return functional.one_hot(operands, symbols).flatten(1).to(first.dtype)
