"""A network of factored matrices trained by grokjax, in plain PyTorch: `from model import load; net = load()`.

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
    """Outputs [example, class] of symbols [example, token], of which operands are read."""

    def __init__(self, model: dict[str, Any], task: dict[str, Any], weights: dict[str, Tensor]):
        """Sizes are those of the weights; nothing has a bias."""
        super().__init__()
        self.model, self.task = model, task
        for name in (key.split(".")[0] for key in weights):
            rows, columns = weights[f"{name}.weight"].shape
            is_table = name.startswith("embed")
            self.add_module(name, nn.Embedding(rows, columns) if is_table else nn.Linear(columns, rows, bias=False))

    def forward(self, inputs: Tensor) -> Tensor:
        layer, hidden = self.get_submodule, 0
        for index, place in enumerate(self.task["operands"]):
            row = layer("embed" if self.model["tied"] != "none" else f"embed_{index}")(inputs[:, place])
            if not self.model["collapsed_in"]:
                row = layer("hidden" if self.model["shared_hidden"] else f"hidden_{index}")(row)
            hidden = hidden + row
        answer = ACTIVATIONS[self.model["activation"]](hidden)
        if not self.model["collapsed_out"]:
            answer = layer("output")(answer)
        if hasattr(self, "unembed"):
            return self.unembed(answer)
        return answer @ layer("embed").weight[: self.task["classes"]].T
