"""Networks of every kind that an export to PyTorch has a module for, random in every number, on small tasks."""

import functools

import jax
import numpy as np

from grokjax.core.streams import stream
from grokjax.lab.torch_export import TrainedNetwork, answers_of
from grokjax.models.block_mlp import BlockMlp
from grokjax.models.cnn import CNN
from grokjax.models.factored import Factored
from grokjax.models.linear import Linear
from grokjax.models.mlp import MLP
from grokjax.models.presets import MLPS, TRANSFORMERS
from grokjax.models.transformer import Transformer
from grokjax.store.records import flat_params
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.tasks.teacher_student import TeacherStudent

SUM = ModularArithmetic(operation="x+y", modulus=7)
WITH_END = ModularArithmetic(operation="x+y", modulus=7, sequence="end x op y = z end")
WITH_EQUALS = ModularArithmetic(operation="x+y", modulus=7, sequence="x y =")
VALUES = TeacherStudent(inputs=9, outputs=3, examples=12)
NARROW = {"width": 8, "heads": 2, "mlp_width": 12, "form": "plain"}  # compiled in half the time

MLP_SETTINGS = {
    "square": {"activation": "square", "output_scale": 0.5},
    "deep": {"depth": 3, "residual": True, "norm": "layer", "bias": True, "activation": "gelu"},
    "concatenated": {"encoding": "concatenated", "embedding": 5, "bias": True, "activation": "gelu_exact"},
    "summed": {"encoding": "summed", "embedding": 4, "shared_embedding": False, "activation": "silu"},
    "product": {"encoding": "product", "embedding": 9, "activation": "tanh", "bias": True, "output_bias": False},
}
LENS_SETTINGS = {
    "nanda2023": TRANSFORMERS["nanda2023"],
    "chughtai2023": TRANSFORMERS["chughtai2023"],
    "pre": {"layers": 2, "norm": "pre", "norm_epsilon": 1e-5, "output_bias": True, "attention_bias": True},
    "rms": {"layers": 2, "norm": "pre", "norm_kind": "rms", "causal": False, "activation": "gelu", "tied": True},
    "sinusoidal": {"layers": 2, "positions": "sinusoidal", "activation": "gelu_exact", "outputs": "classes"},
    "no_positions": {"positions": "none", "activation": "silu", "mlp_bias": False},
}
TORCH_SETTINGS = {
    **{name: TRANSFORMERS[name] for name in ("power2022", "demoss2024", "danielmamay")},
    "tied": {"tied": True, "output_bias": True, "activation": "square", "output_scale": 0.5},
    "rms_post": {"layers": 2, "norm": "post", "norm_kind": "rms", "final_norm": True, "activation": "tanh"},
}


def lens_networks():
    """What TransformerLens can express, by name: model and task."""
    models = {name: Transformer(**{**settings, **NARROW}) for name, settings in LENS_SETTINGS.items()}
    named = {name: (model, WITH_EQUALS) for name, model in models.items()}
    return named | {"two_answers": (Transformer(layers=2, **NARROW), WITH_END)}


def transformers():
    models = {name: Transformer(**{**settings, **NARROW}) for name, settings in TORCH_SETTINGS.items()}
    return lens_networks() | {name: (model, WITH_EQUALS) for name, model in models.items()}


def mlps():
    presets = {name: MLP(**{**settings, "width": 6}) for name, settings in MLPS.items()}
    models = {name: MLP(**{"width": 6, **settings}) for name, settings in MLP_SETTINGS.items()} | presets
    named = {name: (model, WITH_EQUALS if name == "summed" else SUM) for name, model in models.items()}
    return named | {"values": (MLP(depth=2, width=6, bias=True), VALUES)}


def others():
    return {
        "linear": (Linear(), VALUES),
        "blocks": (BlockMlp(blocks=3, depth=3, width=9, bias=True, activation="tanh"), SUM),
        "blocks_of_values": (BlockMlp(blocks=2, width=8), VALUES),
        "convolutions": (CNN(channels=3, activation="gelu"), VALUES),
        "window_of_4": (CNN(layers=1, channels=2, kernel=4, bias=False), VALUES),
        "factored": (Factored(embedding=5, width=4), SUM),
        "untied": (Factored(embedding=5, width=4, tied="none", shared_hidden=False, collapsed_out=True), SUM),
        "collapsed": (Factored(width=4, tied="all", collapsed_in=True, collapsed_out=True, activation="square"), SUM),
    }


@functools.cache
def random_network(model, task) -> TrainedNetwork:
    """Random in biases and gains too, which are 0 and 1 where nothing was trained."""
    signature, table, random = task.signature(), task.table(), np.random.RandomState(1)
    shapes = jax.eval_shape(lambda: model.init(stream(3, "init"), signature))
    params = jax.tree.map(lambda leaf: np.asarray(0.4 * random.randn(*leaf.shape), np.float32), shapes)
    order = np.arange(len(table.inputs), dtype=np.int32)
    examples = {"inputs": table.inputs, "targets": table.targets, "labels": table.targets, "train_index": order[:5]}
    examples |= {"logits": answers_of(model, signature, params, table.inputs)}
    source = {"sweep": "small", "run_id": "0" * 16, "step": 3}
    return TrainedNetwork(model, signature, flat_params(params), examples, source)
