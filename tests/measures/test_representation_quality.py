"""Are parallelograms counted as by a loop, and is a line of embeddings a perfect one?"""

import itertools

import numpy as np
import pytest

from grokjax.measures.representation_quality import RepresentationQuality, parallelograms
from grokjax.models.mlp import MLP
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.check import check_programs
from grokjax.reader.errors import SpecError
from grokjax.reader.run import Run
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.tasks.symbol_addition import SymbolAddition
from tests.measures.small_runs import shown

TASK = SymbolAddition(target="classes")


def run_of(embedding=2, task=TASK, encoding="summed"):
    return Run(task=task, model=MLP(width=8, encoding=encoding, embedding=embedding), optimizer=AdamW())


def quadruples(symbols):
    for i, j, m, n in itertools.product(range(symbols), repeat=4):
        if i < j <= m < n and i + n == j + m:
            yield i, j, m, n


def test_parallelograms_are_those_of_a_loop():
    assert sorted(zip(*parallelograms(10), strict=True)) == sorted(quadruples(10))


@pytest.mark.parametrize("tolerance", [0.01, 0.5])
def test_the_index_is_that_of_a_loop_over_parallelograms(tolerance):
    bent = np.stack([np.arange(10) ** 1.2, np.sqrt(np.arange(10)) + np.arange(10)], axis=1).astype(np.float32)
    params = shown(run_of(), RepresentationQuality()).params
    params["embed"]["embedding"] = bent
    found = shown(run_of(), RepresentationQuality(tolerance=tolerance), params).measured
    table = (bent - bent.mean(axis=0)) / bent.std(axis=0)
    closed = [np.mean((table[i] + table[n] - table[j] - table[m]) ** 2) < tolerance for i, j, m, n in quadruples(10)]
    assert found["representation_quality/index"] == np.float32(np.mean(closed)) and np.mean(closed) > 0
    assert (tolerance < 0.1) == (np.mean(closed) < 1)


def test_a_line_is_a_perfect_representation_and_a_circle_is_none():
    params = shown(run_of(), RepresentationQuality()).params
    angle = 2 * np.pi * np.arange(10) / 10
    for table, index in (
        (np.outer(3 - 2 * np.arange(10), [1, -4]), 1.0),
        (np.stack([np.cos(angle), np.sin(angle)], axis=1), 0.0),
    ):
        params["embed"]["embedding"] = table.astype(np.float32)
        assert shown(run_of(), RepresentationQuality(), params).measured["representation_quality/index"] == index


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (
            run_of(task=ModularArithmetic(modulus=7)),
            "needs symbol_addition of 4 to 128 symbols, .* got ModularArithmetic",
        ),
        (run_of(encoding="one_hot"), "needs an embedding"),
    ],
)
def test_what_is_no_addition_of_embedded_numbers_is_refused(run, message):
    with pytest.raises(SpecError, match=f"representation_quality {message}"):
        check_programs([run], [RepresentationQuality()])
