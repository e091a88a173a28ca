"""Are lengths of codes those of a count by hand and of bzip2 itself?"""

import bz2

import numpy as np
import pytest

from grokjax.probes import code_length
from grokjax.probes.code_length import Histogram, bzip2_bytes, entropy_bits


def test_entropy_of_a_known_distribution():
    levels = np.repeat(np.array([0, 1, -3, 7], np.float32), [512, 256, 128, 128])
    assert entropy_bits(levels) == pytest.approx(1024 * 1.75, rel=1e-12)
    assert entropy_bits(np.zeros(100, np.float32)) == 0 and entropy_bits(np.zeros(0, np.float32)) == 0


def test_whole_numbers_that_spread_far_are_counted_the_same(monkeypatch):
    levels = np.random.default_rng(0).integers(-50, 50, 1000).astype(np.float32)
    narrow = entropy_bits(levels)
    monkeypatch.setattr(code_length, "_MOST_BINS", 10)
    assert entropy_bits(levels) == pytest.approx(narrow, rel=1e-12)


def test_a_histogram_of_pieces_is_that_of_the_whole():
    levels = np.random.default_rng(1).integers(0, 9, (20, 30)).astype(np.float32)
    histogram = Histogram(levels)
    for piece in np.split(levels, 4):
        histogram.add(piece)
    assert histogram.entropy_bits() == pytest.approx(entropy_bits(levels), rel=1e-12)


def test_bytes_are_those_of_bzip2_on_flat_float32_arrays():
    rng, delta = np.random.default_rng(2), 0.03
    weights = [rng.normal(0, 0.1, shape).astype(np.float32) for shape in ((40, 30), (30,), (30, 50))]
    step = np.float32(delta)
    flat = b""
    for weight in weights:  # as the paper's code has it, but for the container
        coarse = np.round(weight / step) * step
        coarse[coarse == 0] = 0.0
        flat += coarse.ravel().tobytes()
    levels = [np.round(weight / step) for weight in weights]
    assert any(np.signbit(level[level == 0]).any() for level in levels)
    assert bzip2_bytes(levels, delta) == len(bz2.compress(flat))
