"""Is every table the one that Python's whole numbers give?"""

import itertools

import numpy as np
import pytest

from grokjax.tasks.modular_arithmetic import ModularArithmetic

TRUTH = {
    "x+y": lambda x, y, p: (x + y) % p,
    "x-y": lambda x, y, p: (x - y) % p,
    "x*y": lambda x, y, p: (x * y) % p,
    "x/y": lambda x, y, p: x * pow(y, -1, p) % p if y else None,
    "x/y if y odd else x-y": lambda x, y, p: x * pow(y, -1, p) % p if y & 1 else (x - y) % p,
    "x^2+y^2": lambda x, y, p: (pow(x, 2) + pow(y, 2)) % p,
    "x^2+xy+y^2": lambda x, y, p: (pow(x, 2) + x * y + pow(y, 2)) % p,
    "x^2+xy+y^2+x": lambda x, y, p: (pow(x, 2) + x * y + pow(y, 2) + x) % p,
    "x^3+xy": lambda x, y, p: (pow(x, 3) + x * y) % p,
    "x^3+xy^2+y": lambda x, y, p: (pow(x, 3) + x * pow(y, 2) + y) % p,
    "x^2+y": lambda x, y, p: (pow(x, 2) + y) % p,
    "x^3+y": lambda x, y, p: (pow(x, 3) + y) % p,
    "x+y if x even else x*y": lambda x, y, p: (x * y if x & 1 else x + y) % p,
    "x+y if x even else x-y": lambda x, y, p: (x - y if x & 1 else x + y) % p,
    "(x+y)^3": lambda x, y, p: pow(x + y, 3, p),
    "(x^2-2y+1)^5": lambda x, y, p: pow(pow(x, 2) - 2 * y + 1, 5, p),
    "x^999y^7-3y": lambda x, y, p: (pow(x, 999) * pow(y, 7) - 3 * y) % p,
}
COMMUTATIVE = {"x+y", "x*y", "x^2+y^2", "x^2+xy+y^2", "(x+y)^3"}


def examples(folder):
    del folder
    return [
        ModularArithmetic(modulus=11),
        ModularArithmetic(modulus=11, operation="x/y", sequence="x op y ="),
        ModularArithmetic(modulus=11, operation="x^2+xy+y^2", pairs="unordered", sequence="x y"),
        ModularArithmetic(modulus=11, operation="x*y", sequence="end x op y = z end"),
    ]


@pytest.mark.parametrize("modulus", [2, 3, 13, 97])
@pytest.mark.parametrize("operation", TRUTH)
def test_table_agrees_with_whole_numbers_of_python(operation, modulus):
    table = ModularArithmetic(operation=operation, modulus=modulus).table()
    found = {(x, y): answer for (x, y, _), answer in zip(table.inputs.tolist(), table.targets.tolist(), strict=True)}
    truth = {(x, y): TRUTH[operation](x, y, modulus) for x, y in itertools.product(range(modulus), repeat=2)}
    assert found == {pair: answer for pair, answer in truth.items() if answer is not None}


def test_the_named_operations_stand_in_the_catalogue():
    about = ModularArithmetic.__dataclass_fields__["operation"].metadata["about"]
    assert all(operation in about for operation in list(TRUTH)[:14])


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ("y+x", "has another spelling; did you mean 'x+y'"),
        ("x^2 + y", "makes no sense from ' + y' on"),
        ("yx", "makes no sense from 'x' on; did you mean 'x*y'"),
        ("x-x", "has no term"),
        ("(x+y)^1", "needs a power of at least 2"),
        ("x^5000", "has a number above 1000"),
        ("x//y", "makes no sense from '//y' on; did you mean 'x/y'"),
        ("__import__('os')", "makes no sense from"),
        ("", "has no term; valid: x*y, x/y"),
    ],
)
def test_what_is_no_operation_is_refused_with_the_nearest(operation, said):
    with pytest.raises(ValueError) as caught:
        ModularArithmetic(operation=operation).table()
    assert str(caught.value).startswith("task.operation: ") and said in str(caught.value)


@pytest.mark.parametrize(("modulus", "pairs", "division"), [(97, 9409, 9312), (113, 12769, 12656)])
def test_sizes_are_the_published_ones(modulus, pairs, division):
    for operation in TRUTH:
        size = ModularArithmetic(operation=operation, modulus=modulus).signature().num_examples
        assert size == (division if operation == "x/y" else pairs)


def test_unordered_pairs_of_67_are_2278():
    table = ModularArithmetic(modulus=67, pairs="unordered").table()
    assert len(table.inputs) == 2278
    assert (table.inputs[:, 0] <= table.inputs[:, 1]).all()
    assert np.array_equal(table.mirror, np.arange(2278))


@pytest.mark.parametrize("operation", TRUTH)
def test_mirror_is_the_swapped_pair_of_commutative_operations_only(operation):
    table = ModularArithmetic(operation=operation, modulus=13).table()
    place = {tuple(pair): index for index, pair in enumerate(table.inputs[:, :2].tolist())}
    for index, (x, y) in enumerate(table.inputs[:, :2].tolist()):
        assert table.mirror[index] == (place[y, x] if operation in COMMUTATIVE else index)


@pytest.mark.parametrize(
    ("sequence", "first", "vocabulary", "operands"),
    [("x y", [3, 4], 7, (0, 1)), ("x y =", [3, 4, 7], 8, (0, 1)), ("x op y =", [3, 7, 4, 8], 9, (0, 2))],
)
def test_constant_tokens_are_the_last_symbols(sequence, first, vocabulary, operands):
    table = ModularArithmetic(modulus=7, sequence=sequence).table()
    assert table.inputs[3 * 7 + 4].tolist() == first
    assert (table.vocabulary, table.operands, table.num_classes) == (vocabulary, operands, 7)


def test_a_sequence_with_its_end_is_answered_twice():
    task = ModularArithmetic(modulus=7, sequence="end x op y = z end")
    table, signature, example = task.table(), task.signature(), 3 * 7 + 6
    assert table.inputs[example].tolist() == [9, 3, 7, 6, 8, 2]  # behind the symbols: op 7, = 8, end 9
    assert table.targets[example].tolist() == [2, 9]
    assert (table.vocabulary, table.num_classes, table.operands) == (10, 10, (1, 3))
    assert (signature.num_answers, signature.fixed) == (2, (9, 7, 8))
    outputs = np.full((2, 2, 10), -1.0)
    outputs[:, 0, 2] = outputs[0, 1, 9] = outputs[1, 1, 3] = 1.0  # the second is wrong about its end
    assert task.correct(outputs, table.targets[[example] * 2]).tolist() == [True, False]


def test_operations_of_equal_size_share_a_signature():
    signatures = {ModularArithmetic(operation=operation).signature() for operation in TRUTH if operation != "x/y"}
    assert len(signatures) == 1
    assert ModularArithmetic(operation="x/y").signature() not in signatures


@pytest.mark.parametrize("operation", ["x/y", "x/y if y odd else x-y"])
@pytest.mark.parametrize(("modulus", "nearest"), [(96, "89 and 97"), (9, "7 and 11"), (4, "3 and 5")])
def test_division_needs_a_prime_modulus(operation, modulus, nearest):
    with pytest.raises(ValueError, match=rf"task.modulus.*prime modulus, got {modulus}; nearest primes: {nearest}$"):
        ModularArithmetic(operation=operation, modulus=modulus).table()


@pytest.mark.parametrize("operation", sorted(set(TRUTH) - COMMUTATIVE))
def test_unordered_pairs_are_refused_where_order_matters(operation):
    with pytest.raises(ValueError, match=r"task.pairs.*these are: x\+y, x\^2\+y\^2, x\^2\+xy\+y\^2, x\*y$"):
        ModularArithmetic(operation=operation, pairs="unordered").table()


def test_shared_tables_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        ModularArithmetic().table().inputs[0] = 1


@pytest.mark.parametrize(
    ("modulus", "operation", "fraction", "n_train"),
    [
        (113, "x+y", 0.2, 2553),
        (113, "x-y", 0.3, 3830),
        (113, "x/y", 0.3, 3796),
        (113, "x^2+y^2", 0.4, 5107),
        (97, "x+y", 0.4, 3763),
    ],
)
def test_train_counts_are_the_published_ones(modulus, operation, fraction, n_train):
    task = ModularArithmetic(modulus=modulus, operation=operation, train_fraction=fraction)
    assert task.counts(task.signature()).n_train == n_train


def test_counts_of_noise_are_rounded_down():
    task = ModularArithmetic(modulus=10, train_fraction=0.29, label_noise=0.7)
    assert task.counts(task.signature()) == (29, 20)


def test_a_fraction_that_leaves_no_train_example_is_refused():
    task = ModularArithmetic(modulus=5, train_fraction=0.01)
    with pytest.raises(ValueError, match="no train example is left of 25"):
        task.counts(task.signature())
