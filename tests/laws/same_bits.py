"""What the laws mean by the same run: every bit of its weights, its optimizer and its history."""

import jax
import numpy as np

from grokjax.train.program import Lane


def assert_same_bits(left: Lane, right: Lane) -> None:
    """Two lanes hold the same run."""
    mine, other = jax.tree_util.tree_leaves_with_path(left), jax.tree.leaves(right)
    assert len(mine) == len(other)
    for (path, one), two in zip(mine, other, strict=True):
        one, two = np.asarray(one), np.asarray(two)
        assert one.dtype == two.dtype and one.shape == two.shape, jax.tree_util.keystr(path)
        same = np.ascontiguousarray(one).tobytes() == np.ascontiguousarray(two).tobytes()
        assert same, f"{jax.tree_util.keystr(path)} differs"


def assert_same_weights(left: Lane, right: Lane) -> None:
    """Two lanes hold the same weights and optimizer state, whatever was looked at."""
    for one, two in zip(jax.tree.leaves(left.state), jax.tree.leaves(right.state), strict=True):
        assert np.asarray(one).tobytes() == np.asarray(two).tobytes()
