"""Parameters that a run does not move: the frozen ones, and the zeros of a pruned network."""

from typing import Any

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Params
from grokjax.core.parameter_paths import matches
from grokjax.reader.run import Run


def keep_held(run: Run, before: Params, after: Params) -> Params:
    """`after`, held parameters as in `before`: neither decay, noise nor a projection moves them."""
    return _keep_zeros(run, before, _keep_frozen(run, before, after))


def of_moving(run: Run, params: Params, gradient: Params) -> Params:
    """The gradient, zero where parameters do not move: it must not count in the norm that clipping compares."""
    gradient = _keep_frozen(run, jax.tree.map(jnp.zeros_like, gradient), gradient)
    return _keep_zeros(run, params, gradient)


def _keep_frozen(run: Run, before: Params, after: Params) -> Params:
    if run.init is None or not run.init.freeze:
        return after
    patterns = run.init.freeze
    return jax.tree_util.tree_map_with_path(lambda path, old, new: old if _fits(path, patterns) else new, before, after)


def _keep_zeros(run: Run, before: Params, after: Params) -> Params:
    if run.init is None or not run.init.mask:
        return after
    patterns = run.init.mask
    return jax.tree_util.tree_map_with_path(
        lambda path, old, new: jnp.where(old == 0, 0, new) if _fits(path, patterns) else new, before, after
    )


def _fits(path: tuple[Any, ...], patterns: tuple[str, ...]) -> bool:
    return any(matches(path, pattern) for pattern in patterns)
