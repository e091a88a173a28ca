"""A transformer trained by grokjax, in plain PyTorch: `from model import load; net = load()`.

Parameters have the names and values of grokjax; a matrix is [output, input], the transpose of what is stored there.
Head h owns rows [h * width / heads, (h + 1) * width / heads) of query, key and value, and these columns of the output.
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
    """Outputs [example, class] of symbols [example, token]; [example, answer, class] of a task with several answers."""

    def __init__(self, model: dict[str, Any], task: dict[str, Any], weights: dict[str, Tensor]):
        """Sizes and biases are those of the weights."""
        super().__init__()
        self.model, self.answers = model, task["answers"]
        self.columns = task["vocabulary"] if model["outputs"] == "vocabulary" else task["classes"]
        self.embed = nn.Embedding(*weights["embed.weight"].shape)
        if model["positions"] == "learned":
            self.positions = nn.Embedding(*weights["positions.weight"].shape)
        for index in range(model["layers"]):
            self.add_module(f"layer_{index}", Layer(model, weights, f"layer_{index}"))
        if "final_norm.weight" in weights:
            self.final_norm = normalisation(model)
        if not model["tied"]:
            self.output = linear(weights, "output")
        elif model["output_bias"]:
            self.output_bias = nn.Parameter(torch.zeros(self.columns))

    def forward(self, inputs: Tensor) -> Tensor:
        stream = self.embed(inputs) + self.positions_of(inputs.shape[1])  # [example, token, width]
        for index in range(self.model["layers"]):
            stream = self.get_submodule(f"layer_{index}")(stream)
        answer = stream[:, -1] if self.answers == 1 else stream[:, -self.answers :]
        if hasattr(self, "final_norm"):
            answer = self.final_norm(answer)
        if self.model["tied"]:
            outputs = functional.linear(answer, self.embed.weight[: self.columns], getattr(self, "output_bias", None))
        else:
            outputs = self.output(answer)
        return outputs if self.model["output_scale"] is None else outputs * self.model["output_scale"]

    def positions_of(self, tokens: int) -> Tensor:
        """What is added to the embeddings: [token, width]."""
        if self.model["positions"] == "learned":
            return self.positions.weight[:tokens]
        table = torch.zeros(tokens, self.model["width"], dtype=torch.float64)
        if self.model["positions"] == "sinusoidal":
            column = torch.arange(self.model["width"])
            place = torch.arange(tokens, dtype=torch.float64)[:, None]
            angle = place / 10_000 ** (2 * (column // 2) / self.model["width"]).double()
            table = torch.where(column % 2 == 0, angle.sin(), angle.cos())
        return table.to(self.embed.weight)


class Layer(nn.Module):
    """Attention and MLP around one residual stream."""

    def __init__(self, model: dict[str, Any], weights: dict[str, Tensor], name: str):
        super().__init__()
        self.model = model
        self.attention = nn.ModuleDict(
            {part: linear(weights, f"{name}.attention.{part}") for part in ("query", "key", "value", "output")}
        )
        self.mlp = nn.ModuleDict({part: linear(weights, f"{name}.mlp.{part}") for part in ("hidden", "output")})
        if model["norm"] != "none":
            self.attention_norm, self.mlp_norm = normalisation(model), normalisation(model)

    def forward(self, stream: Tensor) -> Tensor:
        norm = self.model["norm"]
        stream = stream + self.attended(self.attention_norm(stream) if norm == "pre" else stream)
        stream = self.attention_norm(stream) if norm == "post" else stream
        read = self.mlp_norm(stream) if norm == "pre" else stream
        units = ACTIVATIONS[self.model["activation"]](self.mlp["hidden"](read))
        stream = stream + self.mlp["output"](units)
        return self.mlp_norm(stream) if norm == "post" else stream

    def attended(self, read: Tensor) -> Tensor:
        """What attention adds to the stream."""
        query, key, value = (
            self.attention[part](read).unflatten(-1, (self.model["heads"], -1)).transpose(1, 2)
            for part in ("query", "key", "value")
        )  # [example, head, token, unit]
        scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
        if self.model["causal"]:
            later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
            scores = scores.masked_fill(later, -torch.inf)
        mixed = scores.softmax(-1) @ value
        return self.attention["output"](mixed.transpose(1, 2).flatten(2))


def normalisation(model: dict[str, Any]) -> nn.Module:
    """Layer normalisation with gain and shift, or by the root mean square with a gain."""
    kind = nn.RMSNorm if model["norm_kind"] == "rms" else nn.LayerNorm
    return kind(model["width"], eps=model["norm_epsilon"])


def linear(weights: dict[str, Tensor], name: str) -> nn.Linear:
    """A dense layer of the size of its weights."""
    outputs, inputs = weights[f"{name}.weight"].shape
    return nn.Linear(inputs, outputs, bias=f"{name}.bias" in weights)
