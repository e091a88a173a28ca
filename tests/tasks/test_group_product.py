"""Are these groups, and are answers the products of permutations composed by hand?"""

import itertools
import random

import numpy as np
import pytest

from grokjax.tasks.group_product import GroupProduct, group_table


def examples(folder):
    del folder
    return [GroupProduct(group="S3", sequence="x op y ="), GroupProduct(group="D5", operation="x*y*x^-1")]


def composed(first, second):
    return tuple(first[second[i]] for i in range(len(first)))


def is_even(permutation):
    return sum(a > b for a, b in itertools.combinations(permutation, 2)) % 2 == 0


@pytest.mark.parametrize(
    ("name", "letters", "even"), [("S3", 3, False), ("S5", 5, False), ("A4", 4, True), ("A5", 5, True)]
)
def test_products_are_permutations_composed_by_hand(name, letters, even):
    elements = [one for one in itertools.permutations(range(letters)) if not even or is_even(one)]
    product = group_table(name)
    assert product.shape == (len(elements),) * 2
    for x, y in itertools.product(range(len(elements)), repeat=2):
        assert elements[product[x, y]] == composed(elements[x], elements[y])


@pytest.mark.parametrize(
    ("name", "order"),
    [("S3", 6), ("S5", 120), ("S6", 720), ("A5", 60), ("A6", 360), ("D3", 6), ("D59", 118), ("C113", 113), ("C2", 2)],
)
def test_a_table_is_a_group(name, order):
    product = group_table(name)
    assert product.shape == (order, order)
    assert np.array_equal(product[0], np.arange(order)) and np.array_equal(product[:, 0], np.arange(order))
    assert (np.sort(product, axis=1) == np.arange(order)).all() and (
        np.arange(order) == np.sort(product, axis=0).T
    ).all()
    draw = random.Random(0)
    whole = itertools.product(range(order), repeat=3)
    triples = whole if order <= 12 else [[draw.randrange(order) for _ in range(3)] for _ in range(20_000)]
    for x, y, z in triples:
        assert product[product[x, y], z] == product[x, product[y, z]]


@pytest.mark.parametrize(("name", "classes"), [("S3", 3), ("S5", 7), ("S6", 11), ("A5", 5), ("D59", 31), ("C113", 113)])
def test_as_many_pairs_commute_as_the_number_of_conjugacy_classes_demands(name, classes):
    product = group_table(name)
    assert np.sum(product == product.T) == len(product) * classes


def test_dihedral_relations():
    product, n = group_table("D7"), 7
    turn, flip = 1, n
    power = 0
    for k in range(1, n + 1):
        power = product[power, turn]
        assert power == k % n
    assert product[flip, flip] == 0
    assert product[product[flip, turn], flip] == n - 1  # s r s = r^-1


@pytest.mark.parametrize("operation", ["x*y", "x*y*x^-1", "x*y*x"])
def test_operations_are_products_of_permutations(operation):
    elements = list(itertools.permutations(range(4)))
    table = GroupProduct(group="S4", operation=operation).table()
    for (x, y, _), answer in zip(table.inputs.tolist(), table.targets.tolist(), strict=True):
        x, y = elements[x], elements[y]
        inverse = tuple(x.index(i) for i in range(4))
        last = {"x*y": (0, 1, 2, 3), "x*y*x^-1": inverse, "x*y*x": x}[operation]
        assert elements[answer] == composed(composed(x, y), last)


def test_tokens_of_s5_are_those_of_the_paper():
    table = GroupProduct(group="S5").table()
    assert table.inputs.shape == (14_400, 3) and table.num_classes == 120 and table.vocabulary == 121
    assert set(table.inputs[:, 2].tolist()) == {120}


@pytest.mark.parametrize("name", ["", "S", "Z5", "s5", "S05", "S2", "S8", "A9", "D2", "C1", "C10001", "D5001", "S5 "])
def test_what_is_no_group_that_fits_is_refused_and_says_what_is(name):
    with pytest.raises(ValueError, match=r"^task.group: .*got "):
        GroupProduct(group=name).table()
