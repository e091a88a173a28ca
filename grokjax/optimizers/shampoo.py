"""Shampoo: gradients of matrices are whitened on both sides by what was seen of them; the rest by Adam.

Paper: Gupta, Koren, Singer 2018 (arXiv 1802.09568), algorithm 1. Mean gradient, forgetting, ridge as a share and the
size of another update ("grafting") are those of Anil et al. 2020 (arXiv 2002.09018). Parameters of more than two axes
follow `rest`, and so do matrices that are longer than `longest`: roots cost the cube of a side.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from grokjax.core.fixed_product import fixed_product
from grokjax.core.interfaces import Optimizer, Params
from grokjax.core.part import Swept, part, setting
from grokjax.optimizers.adamw import AdamW
from grokjax.optimizers.fourth_root import MOST_TURNS, inverse_fourth_root
from grokjax.optimizers.matrices_and_rest import MatricesAndRest
from grokjax.optimizers.warmup import ABOUT_WARMUP


class Memory(NamedTuple):
    """What was seen of one matrix [row, column], as sums that no correction has touched.

    Attributes:
      mean: of gradients, [row, column].
      square: of their squares, [row, column]; None where Adam's size is not asked for.
      left: of G G^T, [row, row].
      right: of G^T G, [column, column].
      left_root: the mean that `left` made when roots were last computed, to the power of -1/4.
      right_root: of `right`.
    """

    mean: jax.Array
    square: jax.Array | None
    left: jax.Array
    right: jax.Array
    left_root: jax.Array
    right_root: jax.Array


class ShampooState(NamedTuple):
    """Updates done, int32 scalar, and for each matrix its `Memory`."""

    updates_done: jax.Array
    memory: Params


@part
class Shampoo(MatricesAndRest):
    """w -= lr_t * (c L^(-1/4) m R^(-1/4) + weight_decay * w): m, L and R means of g, g g^T, g^T g, c by grafting.

    Settings of the rest are `optimizer.rest.learning_rate` and so on; it may be `grouped`.
    """

    paper = "Gupta, Koren, Singer 2018, arXiv 1802.09568; Anil et al. 2020, arXiv 2002.09018"

    learning_rate: Swept = setting(
        1e-3, "size of an update of a matrix, as for the optimizer that `grafting` names", above=0
    )
    weight_decay: Swept = setting(
        0.0, "shrinkage of matrices by lr_t * weight_decay an update: learning rate and warm-up scale it", at_least=0
    )
    b1: Swept = setting(0.9, "memory of the mean gradient", at_least=0, below=1)
    b2: Swept = setting(
        0.98, "memory of the means of squares and products; 1 keeps sums, as in the paper", at_least=0, at_most=1
    )
    eps: Swept = setting(
        1e-6, "added to each eigenvalue of L and R, as a share of the sum of them all", above=0, strict=True
    )
    grafting: str = setting(
        "adam",
        "whose norm an update has: Adam's (at b2 = 1 Adagrad's), that of the mean gradient, or, with none, its own",
        choices=("adam", "gradient", "none"),
    )
    adam_eps: Swept = setting(1e-8, "eps of the Adam that is grafted on", above=0, strict=True)
    roots_every: int = setting(1, "roots of L and R are computed at every so many updates", unit="updates", at_least=1)
    warmup: Swept = setting(0.0, ABOUT_WARMUP, unit="updates", at_least=0)
    longest: int = setting(1024, "matrices with more rows or columns follow `rest` too", at_least=1)
    excluded: tuple[str, ...] = setting((), "matrices that follow `rest` too: shell patterns over their names")
    rest: Optimizer = setting(AdamW(), "optimizer of all other parameters")

    def idle_settings(self) -> tuple[str, ...]:
        return () if self.grafting == "adam" else ("adam_eps",)

    def takes(self, leaf: Any) -> bool:
        return leaf.ndim == 2 and max(leaf.shape) <= self.longest

    def matrix_in_words(self) -> str:
        return f"matrix of at most {self.longest} rows and columns (optimizer.longest)"

    def groups(self) -> dict[str, str]:
        return {f"matrices of at most {self.longest} rows and columns": "", "others": "rest"}

    def direction(self) -> tuple[optax.GradientTransformation, ...]:
        def init(params: Params) -> ShampooState:
            return ShampooState(jnp.zeros((), jnp.int32), jax.tree.map(self._nothing_seen, params))

        def update(updates: Params, state: Any, params: Params | None = None) -> tuple[Params, ShampooState]:
            del params
            count = state.updates_done + 1
            memory = jax.tree.map(functools.partial(self._remember, count=count), updates, state.memory)
            moves = jax.tree.map(lambda leaf, of: self._whitened(of, count).astype(leaf.dtype), updates, memory)
            return moves, ShampooState(count, memory)

        return (optax.GradientTransformation(init, update),)

    def _nothing_seen(self, matrix: jax.Array) -> Memory:
        zeros = jnp.zeros_like(matrix)
        left, right = (jnp.zeros((side, side), matrix.dtype) for side in matrix.shape)
        return Memory(zeros, zeros if self.grafting == "adam" else None, left, right, left, right)

    def _remember(self, gradient: jax.Array, memory: Memory, count: jax.Array) -> Memory:
        share = jnp.where(self.b2 == 1, 1.0, 1.0 - self.b2)

        def add(before: jax.Array, seen: jax.Array) -> jax.Array:
            return (self.b2 * before + share * seen).astype(before.dtype)

        # Behind the barrier it lies turned: summed over its first axis, a product may be split by the pool.
        turned = jax.lax.optimization_barrier(gradient.T)
        with jax.default_matmul_precision("highest"):
            left = add(memory.left, fixed_product(gradient, turned))
            right = add(memory.right, fixed_product(turned, gradient))
        mean = (self.b1 * memory.mean + (1.0 - self.b1) * gradient).astype(gradient.dtype)
        square = None if memory.square is None else add(memory.square, jnp.square(gradient))

        is_due = (count - 1) % self.roots_every == 0
        turns = jnp.where(is_due, MOST_TURNS, 0)  # a condition would compute both sides where lanes go side by side

        def root(total: jax.Array, before: jax.Array) -> jax.Array:
            return jnp.where(is_due, inverse_fourth_root(self._corrected(total, count), self.eps, turns), before)

        return Memory(mean, square, left, right, root(left, memory.left_root), root(right, memory.right_root))

    def _corrected(self, total: jax.Array, count: jax.Array) -> jax.Array:
        """The mean that a sum over so many updates stands for, which begins at 0; sums of b2 = 1 stay as they are."""
        return (total / jnp.where(self.b2 == 1, 1.0, 1.0 - self.b2**count)).astype(total.dtype)

    def _whitened(self, memory: Memory, count: jax.Array) -> jax.Array:
        """The update that a memory of so many gradients asks for, before decay and learning rate."""
        mean = memory.mean / (1.0 - self.b1**count)
        with jax.default_matmul_precision("highest"):
            whitened = fixed_product(fixed_product(memory.left_root, mean), memory.right_root)
        if self.grafting == "none":
            return whitened
        square = memory.square
        like = mean if square is None else mean / (jnp.sqrt(self._corrected(square, count)) + self.adam_eps)
        norm = _norm(whitened)
        return whitened * jnp.where(norm > 0, _norm(like) / jnp.where(norm > 0, norm, 1.0), 0.0)


def _norm(matrix: jax.Array) -> jax.Array:
    return jnp.sqrt(jnp.sum(jnp.square(matrix)))
