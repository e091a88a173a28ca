"""A stored network for PyTorch: weights as a `state_dict`, the module that runs them, and its answers to compare."""

import dataclasses
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.interfaces import Model, Params, Signature
from grokjax.core.schedules import at_step
from grokjax.lab.lens_export import lens_config, lens_weights
from grokjax.lab.networks import Networks
from grokjax.models.transformer import Transformer
from grokjax.results.stored_params import nested_params

MODULES = Path(__file__).with_name("torch_modules")
"""What an export takes along: a module for each kind of model, `transformer_lens.py` and `check.py`."""
_NO_KINDS = ("__init__", "check", "transformer_lens")


@dataclasses.dataclass(frozen=True)
class TrainedNetwork:
    """A network after some updates, and all examples of its task.

    Attributes:
      model: with the values that its schedules have at that step.
      params: by path, such as `output/kernel`.
      examples: `inputs`, `targets`, `labels` [example, ...], `train_index` [train example], `logits` [example, class].
      source: where it comes from: `sweep`, `run_id`, `step`.
    """

    model: Model
    signature: Signature
    params: Mapping[str, np.ndarray]
    examples: Mapping[str, np.ndarray]
    source: Mapping[str, Any]


def trained_network(networks: Networks, run_id: str, step: int, params: Mapping[str, np.ndarray]) -> TrainedNetwork:
    """The network of a run with its answers to all examples.

    Args:
      step: after how many updates.
      params: its parameters then, by path.
    """
    model: Model = at_step(networks.run(run_id).model, jnp.asarray(step))
    signature, dataset = networks.signature(run_id), networks.dataset(run_id)
    logits = answers_of(model, signature, nested_params(params), dataset["inputs"])
    examples = {name: dataset[name] for name in ("inputs", "targets", "labels", "train_index")} | {"logits": logits}
    source = {"sweep": networks.sweep.name, "run_id": run_id, "step": step}
    return TrainedNetwork(model, signature, params, examples, source)


def answers_of(model: Model, signature: Signature, params: Params, inputs: np.ndarray) -> np.ndarray:
    """Outputs [example, class] of inputs [example, ...], without noise or dropout, in products of full precision."""

    def outputs(params: Params, inputs: jax.Array) -> jax.Array:
        return model.logits(model.prepare(params, signature), inputs, signature, None)

    is_double = any(leaf.dtype == np.float64 for leaf in jax.tree.leaves(params))
    with jax.default_matmul_precision("highest"), jax.enable_x64(is_double):
        return np.asarray(jax.jit(outputs)(params, inputs))


def check_torch(model: Model) -> None:
    """Refuse, in one line, a model of which there is no module.

    Raises:
      ValueError: names the setting.
    """
    kinds = sorted(path.stem for path in MODULES.glob("*.py") if path.stem not in _NO_KINDS)
    if model.kind not in kinds or not type(model).__module__.startswith("grokjax."):
        rest = f"there are {', '.join(kinds)}; --format safetensors gives the arrays of any"
        raise ValueError(f"model.kind: {model.kind} has no module in PyTorch; {rest}")
    if model.subtracts_start():
        rule = "subtracts the outputs of the initial network, which the module does not hold"
        raise ValueError(f"model.centred: {rule}; --format safetensors gives the arrays")


def torch_weights(params: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The `state_dict`: `layer_0/mlp/hidden/kernel` [in, out] is `layer_0.mlp.hidden.weight` [out, in].

    Embeddings and gains are `weight` too, as they are; the kernel of a convolution [row, column, in, out] is
    [out, in, row, column].
    """
    weights = {}
    for path, leaf in params.items():
        *modules, name = path.split("/")
        if name == "kernel":
            leaf = leaf.transpose(3, 2, 0, 1) if leaf.ndim == 4 else leaf.T
        weights[".".join([*modules, name if name in ("bias", "output_bias") else "weight"])] = leaf
    return weights


def torch_config(network: TrainedNetwork) -> dict[str, Any]:
    """The settings of the model, what it must know of the task, and where it comes from; for JSON."""
    signature = network.signature
    settings = {field.name: getattr(network.model, field.name) for field in dataclasses.fields(network.model)}
    plain = {name: value.item() if isinstance(value, jax.Array) else value for name, value in settings.items()}
    task = {
        "vocabulary": signature.vocabulary,
        "operands": signature.operands,
        "classes": signature.num_classes,
        "answers": signature.num_answers,
    }
    return {"kind": network.model.kind, "model": plain, "task": task, "source": network.source}


def write_torch(folder: Path, network: TrainedNetwork) -> None:
    """`model.py` with `load()`, `weights.safetensors`, `config.json`, `examples.safetensors`, `check.py`.

    Raises:
      ImportError: safetensors is not installed.
    """
    module = MODULES / f"{network.model.kind}.py"
    _write(folder, network, module, torch_weights(network.params), torch_config(network))


def write_lens(folder: Path, network: TrainedNetwork) -> None:
    """The same files with the names, layouts and settings of TransformerLens, of a model that `check_lens` lets pass.

    Raises:
      ImportError: safetensors is not installed.
    """
    assert isinstance(network.model, Transformer)
    weights = lens_weights(network.model, network.params, network.signature)
    config = lens_config(network.model, weights) | {
        "model_name": f"{network.source['sweep']} {network.source['run_id']}"
    }
    _write(folder, network, MODULES / "transformer_lens.py", weights, config)


def _write(
    folder: Path, network: TrainedNetwork, module: Path, weights: Mapping[str, np.ndarray], config: dict[str, Any]
) -> None:
    from safetensors.numpy import save_file

    folder.mkdir(parents=True)
    shutil.copyfile(module, folder / "model.py")
    shutil.copyfile(MODULES / "check.py", folder / "check.py")
    for name, arrays in (("weights", weights), ("examples", network.examples)):
        save_file({key: np.ascontiguousarray(leaf) for key, leaf in arrays.items()}, folder / f"{name}.safetensors")
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
