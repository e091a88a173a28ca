"""A fully connected network trained by grokjax, in plain PyTorch: `from model import load; net = load()`.

Parameters have the names and values of grokjax; a matrix is [output, input], the transpose of what is stored there.
"""

import json
import math
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
            shape = weights[f"{name}.weight"].shape
            if name.startswith("embed"):
                self.add_module(name, nn.Embedding(*shape))
            elif name.startswith("norm"):
                self.add_module(name, nn.LayerNorm(shape, eps=1e-6))
            else:
                self.add_module(name, nn.Linear(shape[1], shape[0], bias=f"{name}.bias" in weights))

    def forward(self, inputs: Tensor) -> Tensor:
        activation, layer = ACTIVATIONS[self.model["activation"]], self.get_submodule
        hidden = activation(layer("hidden_0")(self.encoded(inputs)))
        for index in range(1, self.model["depth"]):
            read = layer(f"norm_{index}")(hidden) if self.model["norm"] == "layer" else hidden
            added = activation(layer(f"hidden_{index}")(read))
            hidden = hidden + added if self.model["residual"] else added
        outputs = layer("output")(hidden)
        return outputs if self.model["output_scale"] is None else outputs * self.model["output_scale"]

    def encoded(self, inputs: Tensor) -> Tensor:
        """What the first matrix reads, [example, feature]."""
        first = self.get_submodule("hidden_0").weight
        if self.task["vocabulary"] is None:
            return inputs.flatten(1).to(first.dtype)
        operands = inputs[:, self.task["operands"]].long()
        if self.model["encoding"] == "one_hot":
            symbols = first.shape[1] // operands.shape[1]
            return functional.one_hot(operands, symbols).flatten(1).to(first.dtype)
        names = ["embed" if self.model["shared_embedding"] else f"embed_{index}" for index in range(operands.shape[1])]
        vectors = [self.get_submodule(name)(operands[:, index]) for index, name in enumerate(names)]
        if self.model["encoding"] == "concatenated":
            return torch.cat(vectors, dim=1)
        if self.model["encoding"] == "summed":
            return torch.stack(vectors).sum(dim=0)
        side = math.isqrt(vectors[0].shape[1])  # encoding product: vectors are matrices, row by row
        product = vectors[0].unflatten(1, (side, side))
        for vector in vectors[1:]:
            product = product @ vector.unflatten(1, (side, side))
        return product.flatten(1)
