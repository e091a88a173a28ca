"""The parameters with which a run had memorized its train set, kept in its lane for measures that compare with them."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Params
from grokjax.core.words import FIT_PERCENT
from grokjax.train.program import Memorized, Program, State


def nothing_memorized(program: Program, params: Params) -> Memorized | None:
    """Before the first update; None where no measure asks for it."""
    if not any(part.compares_with_memorized() for part in program.measures):
        return None
    return Memorized(jnp.full((), -1, jnp.int32), jax.tree.map(lambda leaf: jnp.full_like(leaf, jnp.nan), params))


def remembered(memorized: Memorized | None, state: State, seen: dict[str, jax.Array]) -> Memorized | None:
    """What is kept after a look: the parameters of the first one at which the train set is fit.

    Args:
      seen: of `look.fit`.
    """
    if memorized is None:
        return None
    is_fit = 100 * seen["train_clean/correct"] >= FIT_PERCENT * seen["train_clean/n"]
    is_first = is_fit & (memorized.step < 0)
    now = Memorized(state.step, state.params)
    return jax.tree.map(lambda new, old: jnp.where(is_first, new, old), now, memorized)


def memorized_params(memorized: Memorized | None) -> Callable[[], Params]:
    """What a `View` offers of it."""

    def params() -> Any:
        if memorized is None:
            raise ValueError("reads memorized parameters, which are kept only where compares_with_memorized() holds")
        return memorized.params

    return params
