"""Are overlaps those of sets of weights, and is chance what independent masks have?"""

import numpy as np
import pytest

from grokjax.probes.mask_overlap import overlap


def flat(*layers):
    return [np.array(layer, bool) for layer in layers]


def test_they_are_those_of_python_sets():
    random = np.random.default_rng(0)
    first, second = ([random.random(shape) < share for shape in ((7, 5), (5, 4))] for share in (0.6, 0.3))
    whole, by_layer = overlap(first, second, np.array([35, 20]))

    def members(mask, layers):
        return {(layer, *place) for layer in layers for place in np.argwhere(mask[layer]).tolist()}

    for layers, union, minimum in [((0, 1), *whole[0::2]), ((0,), *(values[0] for values in by_layer[0::2]))]:
        one, other = members(first, layers), members(second, layers)
        assert union == pytest.approx(len(one & other) / len(one | other))
        assert minimum == pytest.approx(len(one & other) / min(len(one), len(other)))


def test_equal_masks_overlap_wholly_and_those_apart_not_at_all():
    mask, rest = flat([1, 1, 0, 0], [0, 1]), flat([0, 0, 1, 0], [1, 0])
    assert overlap(mask, mask, np.array([4, 2]))[0][::2] == (1, 1)
    assert overlap(mask, rest, np.array([4, 2]))[0][::2] == (0, 0)


def test_chance_is_the_mean_of_masks_drawn_independently_in_each_layer():
    random, sizes, weights = np.random.default_rng(1), ((40, 90), (60, 20)), np.array([100, 200])

    def drawn(counts):
        return [
            np.isin(np.arange(total), random.choice(total, count, replace=False))
            for count, total in zip(counts, weights, strict=True)
        ]

    told = [overlap(drawn(sizes[0]), drawn(sizes[1]), weights)[0] for _ in range(400)]
    minimum = np.array([draw.minimum for draw in told])
    error = minimum.std() / np.sqrt(len(minimum))
    assert abs(minimum.mean() - told[0].minimum_chance) < 3 * error
    assert told[0].minimum_chance == pytest.approx((40 * 60 / 100 + 90 * 20 / 200) / 80)
    assert np.mean([draw.union for draw in told]) == pytest.approx(told[0].union_chance, rel=0.02)  # a ratio of means
    alike = 130 * 80 / 300 / 80  # as if layers made no difference
    assert abs(minimum.mean() - alike) > 10 * error


def test_nothing_kept_has_no_overlap():
    whole, by_layer = overlap(flat([0, 0], [1, 0]), flat([1, 0], [1, 0]), np.array([2, 2]))
    assert np.isnan(by_layer.union[0]) and by_layer.union[1] == 1 and whole.minimum == 1
    assert all(np.isnan(value) for value in overlap(flat([0, 0]), flat([0, 0]), np.array([2]))[0])
