"""Are the examples of either operation looked at apart, and is an accuracy that of its examples?"""

import types

import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.interfaces import Split
from grokjax.measures.by_operation import ByOperation
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.tasks.modular_mixture import ModularMixture
from grokjax.tasks.sparse_parity import SparseParity


def view_of(table, group, outputs):
    split = Split(order=jnp.arange(len(group)), labels=jnp.asarray(table.targets), group=jnp.asarray(group))
    return types.SimpleNamespace(
        inputs=jnp.asarray(table.inputs),
        targets=jnp.asarray(table.targets),
        split=split,
        logits=lambda: jnp.asarray(outputs),
    )


def test_accuracies_are_those_of_numpy():
    table = ModularMixture(first="x+y", second="x*y", modulus=5).table()
    random = np.random.default_rng(0)
    group = random.integers(0, 4, len(table.inputs)).astype(np.int32)
    outputs = random.normal(size=(len(table.inputs), 5)).astype(np.float32)
    found = ByOperation().measure(view_of(table, group, outputs))
    is_right = outputs.argmax(axis=1) == table.targets
    is_second = table.inputs[:, 1] == 6
    for name, of_train in (("train", True), ("test", False)):
        for which, of_second in (("first", False), ("second", True)):
            rows = ((group <= 1) == of_train) & (is_second == of_second)
            assert found[f"{name}_{which}/accuracy"] == np.float32(is_right[rows].mean()) and rows.any()


def test_an_operation_without_examples_has_no_accuracy():
    table = ModularArithmetic(modulus=5, sequence="x op y =").table()
    group = np.zeros(25, np.int32)
    found = ByOperation().measure(view_of(table, group, np.eye(5, dtype=np.float32)[table.targets]))
    assert found.pop("train_first/accuracy") == 1
    assert len(found) == 3 and all(np.isnan(value) for value in found.values())


def test_other_examples_than_x_op_y_are_refused():
    table = SparseParity(bits=6, relevant=2, examples=20, train_size=10).table()
    with pytest.raises(ValueError, match="measure.what: by_operation needs tokens `x op y =`"):
        ByOperation().measure(view_of(table, np.zeros(20, np.int32), np.zeros((20, 2), np.float32)))
