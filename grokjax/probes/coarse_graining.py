"""Coarse networks: all weights rounded to multiples of one step, matrices cut to fewer singular directions.

Paper: DeMoss, Sapora, Foerster, Hawes, Posner 2024 (arXiv 2412.09810). One SVD of each matrix serves every step and
every threshold.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
import scipy.linalg
from scipy.linalg import blas

from grokjax.core.interfaces import Params
from grokjax.core.singular_values import use_one_thread
from grokjax.probes.code_length import Histogram, entropy_bits

Ranks = tuple[int | None, ...]
"""For each parameter in the order of the tree: singular directions that are kept; None where it is not factored."""


_STEPS_KEPT = 16  # rounded copies of all parameters: points are walked by length, which leaps from step to step


@dataclasses.dataclass(frozen=True)
class Factors:
    """A matrix W as `left @ right`.

    Attributes:
      left: [row, direction], U diag(s).
      right: [direction, column], V^T.
      shares: [direction] share of the first so many singular values in the sum of all; zeros for a matrix of zeros.
    """

    left: np.ndarray
    right: np.ndarray
    shares: np.ndarray

    def rank(self, threshold: float) -> int:
        """The least k so that the first k singular values make `threshold` of their sum; the sum of none is 0.

        The code of the paper counts one direction less.
        """
        return int(np.searchsorted(np.append(0.0, self.shares), threshold)) if self.shares[-1] > 0 else 0


def factors_of(matrix: np.ndarray) -> Factors:
    """Singular directions of a parameter [..., column] with two axes or more; all but the last are made one.

    From the eigenvectors of the shorter Gram matrix in float64, a third of the time of an SVD in float32 and no less
    exact: singular values are right to 1e-8 of the largest.
    """
    flat = np.asarray(matrix, np.float64).reshape(-1, matrix.shape[-1])
    is_wide = flat.shape[0] <= flat.shape[1]
    wide = flat if is_wide else flat.T
    use_one_thread()
    squares, directions = scipy.linalg.eigh(wide @ wide.T, driver="evd")
    values, short = np.sqrt(np.maximum(squares[::-1], 0)), directions[:, ::-1]
    long = short.T @ wide  # diag(s) V^T
    unit = long / np.maximum(np.linalg.norm(long, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    left, right = (short * values, unit) if is_wide else (long.T, short.T)
    sums = np.cumsum(values)
    shares = sums / sums[-1] if sums[-1] > 0 else sums
    return Factors(left.astype(np.float32), right.astype(np.float32), shares)


class CoarseGraining:
    """The coarse networks of one network.

    A coarse network has a step Delta, one for all parameters, and a rank for each matrix. A matrix [m, n] is stored as
    the factors U_k diag(s_k) and V_k^T, each rounded, if k (m + n) < m n, and else rounded as it is, like every other
    parameter.
    """

    def __init__(self, params: Params):
        """`params`: nested dict of finite float arrays. One SVD of each matrix is done here."""
        leaves, self._structure = jax.tree.flatten(params)
        self.leaves = [np.asarray(leaf, np.float32) for leaf in leaves]
        self.factors = [factors_of(leaf) if leaf.ndim > 1 else None for leaf in self.leaves]
        self._rounded = functools.lru_cache(_STEPS_KEPT)(self._rounded_at)

    def ranks(self, threshold: float) -> Ranks:
        """Ranks of all parameters at one threshold, a share of the sum of singular values in [0, 1]."""
        return tuple(
            None if factors is None else _factored(factors.rank(threshold), factors) for factors in self.factors
        )

    def mean_rank(self, ranks: Ranks) -> float:
        """Directions that a matrix keeps, averaged over matrices; all of them where it is not factored."""
        kept = [
            len(factors.shares) if rank is None else rank
            for rank, factors in zip(ranks, self.factors, strict=True)
            if factors is not None
        ]
        return float(np.mean(kept)) if kept else 0.0

    def levels(self, delta: float, ranks: Ranks) -> list[np.ndarray]:
        """The integers that are stored, as float32 arrays: one for each parameter, two where it is factored."""
        return [level for pieces in self._levels(delta, ranks) for level in pieces]

    def params(self, delta: float, ranks: Ranks) -> Params:
        """Parameters of the coarse network, float32, a tree like those of the network."""
        step = np.float32(delta)
        leaves = [
            (_product(pieces[0], pieces[1]) * (step * step) if len(pieces) == 2 else pieces[0] * step).reshape(
                leaf.shape
            )
            for leaf, pieces in zip(self.leaves, self._levels(delta, ranks), strict=True)
        ]
        return jax.tree.unflatten(self._structure, leaves)

    def entropy_bits(self, delta: float, forms: Sequence[Ranks]) -> np.ndarray:
        """[form] bits of the entropy code at one step, for several choices of ranks at once."""
        bits = np.zeros(len(forms))
        for index, factors in enumerate(self.factors):
            ranks = [form[index] for form in forms]
            known: dict[int | None, float] = {}
            if None in ranks:
                known[None] = entropy_bits(self._rounded(delta)[index][0])
            if factors is not None:
                _, left, right = self._rounded(delta)[index]
                known |= _bits_by_rank(left, right, sorted({rank for rank in ranks if rank is not None}))
            bits += [known[rank] for rank in ranks]
        return bits

    def _levels(self, delta: float, ranks: Ranks) -> list[list[np.ndarray]]:
        return [
            [pieces[0]] if rank is None else [pieces[1][:, :rank], pieces[2][:rank]]
            for pieces, rank in zip(self._rounded(delta), ranks, strict=True)
        ]

    def _rounded_at(self, delta: float) -> list[list[np.ndarray]]:
        """[parameter] it and both of its factors at one step."""
        return [
            [rounded(leaf, delta)]
            if factors is None
            else [rounded(leaf, delta), rounded(factors.left, delta), rounded(factors.right, delta)]
            for leaf, factors in zip(self.leaves, self.factors, strict=True)
        ]


def rounded(values: np.ndarray, delta: float) -> np.ndarray:
    """Nearest multiples of delta, as whole numbers in float32; halves go to the even one, and there is no -0."""
    return np.rint(values / np.float32(delta)) + np.float32(0)


def _product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """`left @ right` in float32, on one thread: NumPy's would stand in the way of those that compute losses."""
    return blas.sgemm(1.0, right.T, left.T).T  # pyright: ignore[reportAttributeAccessIssue]


def _factored(rank: int, factors: Factors) -> int | None:
    rows, columns = len(factors.left), factors.right.shape[1]
    return rank if rank * (rows + columns) < rows * columns else None


def _bits_by_rank(left: np.ndarray, right: np.ndarray, ranks: Sequence[int]) -> Mapping[int | None, float]:
    """Bits of both factors by rank; each direction is counted once, whatever number of ranks is asked for."""
    of_left, of_right = Histogram(left), Histogram(right)
    bits: dict[int | None, float] = {}
    for before, rank in zip([0, *ranks], ranks, strict=False):
        of_left.add(left[:, before:rank])
        of_right.add(right[before:rank])
        bits[rank] = of_left.entropy_bits() + of_right.entropy_bits()
    return bits


def all_finite(params: Any) -> bool:
    """Whether every number of a tree is finite."""
    return all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(params))
