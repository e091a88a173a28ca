"""Are these all pairs of symbols with their true sums, and is an answer right when its template is the nearest?"""

import numpy as np
import pytest

from grokjax.tasks.symbol_addition import SymbolAddition


def examples(folder):
    del folder
    return [SymbolAddition(), SymbolAddition(symbols=7, target="classes", train_size=20)]


def test_ten_symbols_give_the_55_pairs_of_the_paper():
    table = SymbolAddition(target="classes").table()
    expected = {(i, j): i + j for i in range(10) for j in range(i, 10)}
    assert {
        tuple(row): sum_ for row, sum_ in zip(table.inputs.tolist(), table.targets.tolist(), strict=True)
    } == expected
    assert len(table.inputs) == 55 and table.num_classes == 19


def test_equal_sums_have_the_same_template_and_others_another():
    table = SymbolAddition().table()
    assert table.targets.shape == (55, 30) and table.num_classes == 30
    sums = table.inputs.sum(axis=1)
    for first in range(55):
        for second in range(55):
            same = np.array_equal(table.targets[first], table.targets[second])
            assert same == (sums[first] == sums[second])


def test_templates_are_standard_normal_and_change_with_their_seed_alone():
    task = SymbolAddition(symbols=200, template_size=50)
    drawn = np.unique(task.table().targets, axis=0)
    assert drawn.shape == (399, 50) and abs(drawn.mean()) < 0.04 and abs(drawn.std() - 1) < 0.02
    other = SymbolAddition(symbols=200, template_size=50, template_seed=1)
    assert not np.array_equal(task.table().targets, other.table().targets)


def test_the_answer_is_the_nearest_template():
    task = SymbolAddition(symbols=6, template_size=4)
    targets = task.table().targets
    templates = np.unique(targets, axis=0)
    outputs = targets + np.random.default_rng(0).normal(size=targets.shape).astype(np.float32)
    nearest = [templates[np.argmin(((templates - row) ** 2).sum(axis=1))] for row in outputs]
    expected = [np.array_equal(found, target) for found, target in zip(nearest, targets, strict=True)]
    assert np.asarray(task.correct(outputs, targets)).tolist() == expected and 0 < sum(expected) < len(expected)
    assert np.asarray(task.correct(targets + 1e-3, targets)).all()


def test_more_train_examples_than_pairs_are_refused():
    with pytest.raises(ValueError, match=r"task.train_size: must be at most the pool's 55 examples, got 56"):
        SymbolAddition(train_size=56).counts(SymbolAddition().signature())
