"""Is the class the parity of the first bits, over a pool of distinct examples that stays what it is?"""

import itertools
import math

import numpy as np
import pytest

from grokjax.tasks.sparse_parity import SparseParity


def examples(folder):
    del folder
    return [
        SparseParity(bits=20, examples=120, train_size=60),
        SparseParity(bits=6, relevant=2, coding="bits", examples=64, train_size=20),
        SparseParity(bits=20, examples=120, train_size=60, targets="signs", constant=True),
    ]


@pytest.mark.parametrize("coding", ["signs", "bits"])
@pytest.mark.parametrize("relevant", [1, 3, 4])
def test_class_is_the_parity_of_the_first_bits(coding, relevant):
    table = SparseParity(bits=40, relevant=relevant, coding=coding, examples=200, train_size=100).table()
    for row, target in zip(table.inputs.tolist(), table.targets.tolist(), strict=True):
        assert set(row) <= ({-1.0, 1.0} if coding == "signs" else {0.0, 1.0})
        if coding == "signs":
            assert math.prod(row[:relevant]) == (-1) ** target
        else:
            assert sum(row[:relevant]) % 2 == target


def test_signs_are_plus_one_where_an_odd_number_of_relevant_bits_is_one():
    table = SparseParity(bits=40, coding="bits", examples=200, targets="signs").table()
    assert table.targets.shape == (200, 1) and table.targets.dtype == np.float32 and table.num_classes == 1
    assert table.targets[:, 0].tolist() == [1.0 if sum(row[:3]) in (1, 3) else -1.0 for row in table.inputs.tolist()]


def test_sign_is_answered_by_the_sign_of_the_one_output_and_zero_is_wrong():
    task = SparseParity(targets="signs")
    outputs, targets = np.array([[0.1], [-0.1], [-9.0], [9.0], [0.0], [0.0]]), np.array([[1.0], [-1.0]] * 3)
    assert np.asarray(task.correct(outputs, targets)).tolist() == [True, True, False, False, False, False]


@pytest.mark.parametrize("coding", ["signs", "bits"])
def test_constant_is_one_more_input_behind_the_same_bits(coding):
    plain, longer = (SparseParity(bits=12, coding=coding, examples=300, constant=has).table() for has in (False, True))
    assert longer.inputs.shape == (300, 13) and longer.inputs.dtype == np.float32
    assert np.array_equal(longer.inputs[:, :12], plain.inputs) and (longer.inputs[:, 12] == 1).all()
    assert np.array_equal(longer.targets, plain.targets)


def test_a_small_cube_is_taken_whole():
    table = SparseParity(bits=5, examples=32, train_size=10, coding="bits").table()
    assert {tuple(row) for row in table.inputs.tolist()} == set(itertools.product([0.0, 1.0], repeat=5))
    assert table.targets.sum() == 16


@pytest.mark.parametrize(("bits", "pool"), [(6, 63), (12, 4000), (64, 500), (65, 500), (130, 500)])
def test_pool_has_the_size_asked_for_and_no_example_twice(bits, pool):
    inputs = SparseParity(bits=bits, examples=pool, train_size=10).table().inputs
    assert inputs.shape == (pool, bits)
    assert len(np.unique(inputs, axis=0)) == pool


def test_bits_are_fair_and_independent():
    inputs = SparseParity(bits=70, examples=4000).table().inputs
    assert np.abs(inputs.mean(axis=0)).max() < 5 / np.sqrt(4000)
    products = inputs.T @ inputs / 4000 - np.eye(70)
    assert np.abs(products).max() < 5.5 / np.sqrt(4000)


def test_larger_pool_starts_with_the_smaller_one():
    small, large = (SparseParity(bits=12, examples=size, train_size=10).table().inputs for size in (100, 1000))
    assert np.array_equal(small, large[:100])


def test_pool_seed_alone_changes_the_pool():
    first, again, other = (SparseParity(examples=50, pool_seed=seed).table().inputs for seed in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_pool_is_made_of_the_raw_words_of_philox():
    words = np.random.Philox(7).random_raw(3)
    inputs = SparseParity(bits=10, examples=3, train_size=1, pool_seed=7, coding="bits").table().inputs
    assert inputs.tolist() == [[float(int(word) >> place & 1) for place in range(10)] for word in words]


def test_train_size_is_the_number_of_train_examples():
    task = SparseParity(train_size=1250)
    assert task.counts(task.signature()) == (1250, 0)


def test_more_train_examples_than_the_pool_holds_are_refused():
    task = SparseParity(bits=12, examples=9000, train_size=5000)
    with pytest.raises(ValueError, match=r"task.train_size: must be at most the pool's 4096 examples, got 5000"):
        task.counts(task.signature())


def test_more_relevant_bits_than_bits_are_refused():
    with pytest.raises(ValueError, match=r"task.relevant: must be at most task.bits = 5, got 6"):
        SparseParity(bits=5, relevant=6).table()
