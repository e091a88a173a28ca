"""The networks of the workloads in PyTorch, as a user would write them, and their parameters from a start file."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from benchmarks.peers.start import Start


class MLP(nn.Module):
    """Operands looked up in a table each and concatenated, or real-valued inputs; then dense layers with ReLU."""

    def __init__(self, start: Start):
        super().__init__()
        tables = [leaf for name, leaf in sorted(start.params.items()) if name.startswith("embed_")]
        self.embed = nn.ModuleList(nn.Embedding(*leaf.shape) for leaf in tables)
        names = [f"hidden_{index}" for index in range(start.settings["depth"])]
        self.hidden = nn.ModuleList(linear(start, name) for name in names)
        self.output = linear(start, "output")

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        hidden = inputs
        if len(self.embed):
            hidden = torch.cat([table(inputs[:, place]) for place, table in enumerate(self.embed)], dim=1)
        for layer in self.hidden:
            hidden = functional.relu(layer(hidden))
        return self.output(hidden)


class Transformer(nn.Module):
    """Decoder-only transformer; normalisation and output matrix are computed at the last position only."""

    def __init__(self, start: Start):
        super().__init__()
        symbols, width = start.params["embed/embedding"].shape
        self.embed = nn.Embedding(symbols, width)
        self.positions = nn.Embedding(len(start.params["positions/embedding"]), width)
        self.layers = nn.ModuleList(Layer(start, f"layer_{index}") for index in range(start.settings["layers"]))
        self.norm = normalisation(start, width)
        self.output = linear(start, "output")

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        stream = self.embed(inputs) + self.positions.weight
        for layer in self.layers:
            stream = layer(stream)
        return self.output(self.norm(stream[:, -1]))


class Layer(nn.Module):
    """Attention and MLP around one residual stream."""

    def __init__(self, start: Start, name: str):
        super().__init__()
        width = start.params["embed/embedding"].shape[1]
        self.heads = start.settings["heads"]
        self.attention_norm, self.mlp_norm = normalisation(start, width), normalisation(start, width)
        self.query, self.key, self.value, self.mixed = (
            linear(start, f"{name}/attention/{part}") for part in ("query", "key", "value", "output")
        )
        self.inner, self.outer = linear(start, f"{name}/mlp/hidden"), linear(start, f"{name}/mlp/output")
        tokens = start.inputs.shape[1]
        self.register_buffer("hidden_future", torch.ones(tokens, tokens, dtype=torch.bool).triu(1), persistent=False)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        read = self.attention_norm(stream)
        query, key, value = (
            layer(read).unflatten(-1, (self.heads, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )  # [example, head, token, unit]
        scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
        weights = scores.masked_fill(self.hidden_future, float("-inf")).softmax(-1)
        stream = stream + self.mixed((weights @ value).transpose(1, 2).flatten(2))
        return stream + self.outer(functional.relu(self.inner(self.mlp_norm(stream))))


def linear(start: Start, name: str) -> nn.Linear:
    """A dense layer of the shape that the start file says."""
    inputs, outputs = start.params[f"{name}/kernel"].shape
    return nn.Linear(inputs, outputs, bias=f"{name}/bias" in start.params)


def normalisation(start: Start, width: int) -> nn.Module:
    """Layer normalisation with the epsilon of the reference, or nothing."""
    return nn.LayerNorm(width, eps=1e-6) if start.settings["norm"] == "pre" else nn.Identity()


def build(start: Start) -> nn.Module:
    """The network with the parameters of the start file."""
    if start.settings["network"] == "mlp":
        network, names = MLP(start), {}
    else:
        network, names = Transformer(start), {"mixed": "attention/output", "inner": "mlp/hidden", "outer": "mlp/output"}
        names |= {part: f"attention/{part}" for part in ("query", "key", "value")}
    left = dict(start.params)
    with torch.no_grad():
        for path, parameter in network.named_parameters():
            parameter.copy_(torch.from_numpy(_take(left, path.split("."), names)))
    if left:
        raise ValueError(f"the network has no place for {', '.join(left)}")
    return network


def _take(left: dict, path: list[str], names: dict[str, str]) -> torch.Tensor:
    """The array of one parameter, as PyTorch lays it out: `layers.0.inner.weight` is `layer_0/mlp/hidden/kernel`."""
    *modules, kind = path
    if modules[0] in ("layers", "embed", "hidden") and len(modules) > 1:
        word = {"layers": "layer", "embed": "embed", "hidden": "hidden"}[modules[0]]
        modules = [f"{word}_{modules[1]}", *modules[2:]]
    if modules[0].startswith("layer_"):
        modules[-1] = names.get(modules[-1], modules[-1])
    if modules == ["norm"]:
        modules = ["final_norm"]
    stem = "/".join(modules)
    if kind == "bias":
        return left.pop(f"{stem}/bias")
    for name in ("embedding", "scale"):
        if f"{stem}/{name}" in left:
            return left.pop(f"{stem}/{name}")
    return left.pop(f"{stem}/kernel").T.copy()


def loss_of(start: Start) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Mean loss: outputs, targets -> scalar."""
    return functional.mse_loss if start.settings["loss"] == "mse" else functional.cross_entropy


def examples(start: Start, device: str = "cpu") -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Inputs, targets and the minibatches of the first updates, on the device."""
    inputs, targets = torch.from_numpy(start.inputs), torch.from_numpy(start.targets)
    if not inputs.is_floating_point():
        inputs = inputs.long()
    if not targets.is_floating_point():
        targets = targets.long()
    return inputs.to(device), targets.to(device), torch.from_numpy(start.batches).to(device)
