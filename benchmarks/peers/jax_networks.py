"""The networks in JAX without any of our exact savings beyond what everybody does, and AdamW as optax has it."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.peers.start import Start

Params = Any
Objective = Callable[..., jax.Array]


def outputs_of(start: Start) -> Objective:
    """The network: parameters, inputs -> outputs [example, ...]."""
    network = _mlp if start.settings["network"] == "mlp" else _transformer
    return lambda params, inputs: network(params, start.settings, inputs)


def objective_of(start: Start) -> Objective:
    """Mean loss: parameters, inputs, targets -> scalar."""
    outputs = outputs_of(start)

    def objective(params: Params, inputs: jax.Array, targets: jax.Array) -> jax.Array:
        found = outputs(params, inputs)
        if start.settings["loss"] == "mse":
            return jnp.mean(jnp.square(found - targets))
        return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(found, targets))

    return objective


def optimizer_of(start: Start, learning_rate: Any = None, weight_decay: Any = None) -> optax.GradientTransformation:
    """AdamW with the settings of the start file, or with other numbers, traced ones too."""
    settings = start.settings
    return optax.adamw(
        settings["learning_rate"] if learning_rate is None else learning_rate,
        b1=settings["betas"][0],
        b2=settings["betas"][1],
        eps=settings["eps"],
        weight_decay=settings["weight_decay"] if weight_decay is None else weight_decay,
    )


def params_of(start: Start) -> Params:
    """Parameters by path."""
    return {name: jnp.asarray(leaf) for name, leaf in start.params.items()}


def over_devices(tree: Any) -> Any:
    """Arrays [run, ...] with each device a share of the runs."""
    mesh = jax.sharding.Mesh(np.asarray(jax.devices()), ("runs",))
    return jax.device_put(tree, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("runs")))


def _dense(params: Params, name: str, inputs: jax.Array) -> jax.Array:
    outputs = inputs @ params[f"{name}/kernel"]
    return outputs + params[f"{name}/bias"] if f"{name}/bias" in params else outputs


def _mlp(params: Params, settings: dict[str, Any], inputs: jax.Array) -> jax.Array:
    tables = sorted(name for name in params if name.startswith("embed_"))
    hidden = inputs
    if tables:
        hidden = jnp.concatenate([params[name][inputs[:, place]] for place, name in enumerate(tables)], axis=1)
    for index in range(settings["depth"]):
        hidden = jax.nn.relu(_dense(params, f"hidden_{index}", hidden))
    return _dense(params, "output", hidden)


def _norm(params: Params, name: str, stream: jax.Array) -> jax.Array:
    if f"{name}/scale" not in params:
        return stream
    return jax.nn.standardize(stream, axis=-1, epsilon=1e-6) * params[f"{name}/scale"] + params[f"{name}/bias"]


def _transformer(params: Params, settings: dict[str, Any], inputs: jax.Array) -> jax.Array:
    stream = params["embed/embedding"][inputs] + params["positions/embedding"]
    tokens, heads = inputs.shape[1], settings["heads"]
    is_visible = np.tri(tokens, dtype=bool)
    for index in range(settings["layers"]):
        name = f"layer_{index}"
        read = _norm(params, f"{name}/attention_norm", stream)
        query, key, value = (
            _dense(params, f"{name}/attention/{part}", read).reshape(*read.shape[:2], heads, -1)
            for part in ("query", "key", "value")
        )
        scores = jnp.einsum("eqhu,ekhu->ehqk", query, key) / query.shape[-1] ** 0.5
        weights = jax.nn.softmax(jnp.where(is_visible, scores, -jnp.inf))
        mixed = jnp.einsum("ehqk,ekhu->eqhu", weights, value).reshape(stream.shape)
        stream = stream + _dense(params, f"{name}/attention/output", mixed)
        inner = jax.nn.relu(_dense(params, f"{name}/mlp/hidden", _norm(params, f"{name}/mlp_norm", stream)))
        stream = stream + _dense(params, f"{name}/mlp/output", inner)
    return _dense(params, "output", _norm(params, "final_norm", stream[:, -1]))
