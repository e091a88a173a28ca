"""Does each example of a mixture carry its own operator, and the answer of that operation?"""

import numpy as np
import pytest

from grokjax.tasks.modular_mixture import ModularMixture

P = 7


def examples(folder):
    del folder
    return [ModularMixture(modulus=11, train_fraction=0.7)]


def test_every_pair_is_there_once_for_either_operation_with_its_answer():
    table = ModularMixture(first="x-y", second="x^2+y^2", modulus=P).table()
    x, operator, y, equals = table.inputs.T
    assert table.vocabulary == P + 3 and table.num_classes == P and table.operands == (0, 1, 2)
    assert (equals == P + 2).all() and set(operator.tolist()) == {P, P + 1}
    for code, answers in ((P, (x - y) % P), (P + 1, (x * x + y * y) % P)):
        rows = operator == code
        assert rows.sum() == P * P and len({(a, b) for a, b in zip(x[rows], y[rows], strict=True)}) == P * P
        np.testing.assert_array_equal(table.targets[rows], answers[rows])


def test_swapped_pairs_are_mirrors_within_an_operation_that_commutes():
    table = ModularMixture(first="x-y", second="x+y", modulus=P).table()
    x, operator, y, _ = table.inputs.T
    for place, mirror in enumerate(table.mirror):
        if operator[place] == P + 1:
            assert (x[mirror], operator[mirror], y[mirror]) == (y[place], P + 1, x[place])
        else:
            assert mirror == place


def test_division_leaves_its_undefined_pairs_out():
    assert len(ModularMixture(first="x/y", second="x+y", modulus=P).table().inputs) == P * (P - 1) + P * P


def test_equal_and_unknown_operations_are_refused_by_their_own_key():
    with pytest.raises(ValueError, match=r"^task.second: must be another operation than task.first"):
        ModularMixture(first="x+y", second="x+y", modulus=P).table()
    with pytest.raises(ValueError, match=r"^task.second: 'x\*\*y' "):
        ModularMixture(first="x+y", second="x**y", modulus=P).table()
