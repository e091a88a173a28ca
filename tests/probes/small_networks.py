"""A network of any model and task, as a probe sees it, without a folder."""

import jax
import numpy as np

from grokjax.core.interfaces import Network
from grokjax.core.streams import stream
from grokjax.tasks.modular_arithmetic import ModularArithmetic


def network(model, params=None, task=None) -> Network:
    """After no update unless parameters are given; the first half of the table is the train set."""
    task = task or ModularArithmetic(modulus=7)
    signature, table = task.signature(), task.table()
    if params is None:
        params = model.init(stream(0, "init"), signature)

    @jax.jit
    def answered(params):
        return model.logits(model.prepare(params, signature), table.inputs, signature, None).argmax(axis=1)

    def fit(params):
        is_right = np.asarray(answered(params)) == table.targets
        halves = {"train": is_right[: len(is_right) // 2], "test": is_right[len(is_right) // 2 :]}
        return {f"{name}/correct": half.sum() for name, half in halves.items()} | {
            f"{name}/n": len(half) for name, half in halves.items()
        }

    def refuse(params, at_most=np.inf):
        raise AssertionError("asked for a loss")

    params = jax.tree.map(np.asarray, params)
    return Network(params, 0, len(table.targets) // 2, signature, refuse, fit, 1, model)
