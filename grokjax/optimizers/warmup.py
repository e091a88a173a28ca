"""How far update t moves: the learning rate, with a linear warm-up whose length may be swept."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from grokjax.core.interfaces import Params

ABOUT_WARMUP = "update t = 0, 1, ... uses learning_rate * min(t / warmup, 1), so the first moves nothing; 0: no warm-up"


class WarmupState(NamedTuple):
    """Updates done so far, int32 scalar."""

    updates_done: jax.Array


def descend(learning_rate: jax.Array | float, warmup: jax.Array | float) -> optax.GradientTransformation:
    """Multiply updates by -learning_rate * min(t / warmup, 1), as Power et al. 2022 and Nanda et al. 2023 do.

    Both arguments may be traced; the schedules of optax refuse a traced horizon.
    """

    def init(params: Params) -> WarmupState:
        del params
        return WarmupState(jnp.zeros((), jnp.int32))

    def update(updates: Params, state: Any, params: Params | None = None) -> tuple[Params, WarmupState]:
        del params
        done = state.updates_done
        ramp = done / jnp.maximum(warmup, 1e-6)  # keeps 0 / 0 out of the branch that is not taken
        scale = -learning_rate * jnp.where(done < warmup, ramp, 1.0)
        moved = jax.tree.map(lambda leaf: (scale * leaf).astype(leaf.dtype), updates)
        return moved, WarmupState(done + 1)

    return optax.GradientTransformation(init, update)
