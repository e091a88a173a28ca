"""Are all lists there once, with the answers that plain Python gives?"""

import itertools

import numpy as np
import pytest

from grokjax.tasks.list_operation import ListOperation

OP, EQUALS, END = 6, 7, 8
BY_HAND = {"sort": sorted, "reverse": lambda symbols: list(reversed(symbols)), "copy": list}


def examples(folder):
    del folder
    return [
        ListOperation(operation="sort", symbols=5, length=3),
        ListOperation(operation="reverse", symbols=6, length=2),
    ]


@pytest.mark.parametrize("operation", BY_HAND)
def test_every_list_of_different_symbols_is_there_once_with_its_answer(operation):
    table = ListOperation(operation=operation, symbols=6, length=3).table()
    expected = [
        ([END, OP, *symbols, EQUALS, *BY_HAND[operation](symbols)], [*BY_HAND[operation](symbols), END])
        for symbols in itertools.permutations(range(6), 3)
    ]
    assert list(zip(table.inputs.tolist(), table.targets.tolist(), strict=True)) == expected
    assert table.num_classes == table.vocabulary == 9 and table.operands == (2, 3, 4)


def test_an_answer_is_given_to_those_after_it_and_to_none_before():
    task = ListOperation(operation="sort", symbols=6, length=4)
    table, signature = task.table(), task.signature()
    assert signature.num_answers == 5 and signature.fixed == (END, OP, EQUALS)
    np.testing.assert_array_equal(table.inputs[:, -4:], table.targets[:, :-1])
    np.testing.assert_array_equal(table.inputs[:, -5], EQUALS)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"symbols": 4, "length": 5}, r"task.length: a list has no symbol twice, so at most 4; got 5"),
        ({"symbols": 97, "length": 4}, r"task.length: 4 of 97 symbols make more lists than the 1,000,000 that fit"),
        ({"symbols": 10**7, "length": 10**6}, r"task.length: 1000000 of 10000000 symbols make more lists than"),
    ],
)
def test_lists_that_are_none_or_too_many_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ListOperation(**settings).table()
