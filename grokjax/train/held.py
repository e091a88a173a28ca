"""Parameters that a run does not move: the frozen ones, and what was pruned."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Params
from grokjax.core.parameter_paths import fits, path_name
from grokjax.reader.run import Run


def given_start(run: Run, params: Any) -> tuple[Any, Any]:
    """Initial parameters as `Values` has them, and which of them were not pruned: bool, None where none was.

    Pruned is what is NaN there; a network begins with 0 in its place.
    """
    if run.init is None or run.init.prune is None or not run.init.prune.removes:
        return params, None
    kept = jax.tree.map(lambda leaf: ~jnp.isnan(leaf), params)
    return jax.tree.map(lambda is_kept, leaf: jnp.where(is_kept, leaf, jnp.zeros_like(leaf)), kept, params), kept


def keep_held(run: Run, kept: Any, before: Params, after: Params) -> Params:
    """`after`, held parameters as in `before`: neither decay, noise nor a projection moves them.

    Args:
      kept: bool tree like the parameters, false where a weight was pruned; None where none was.
    """
    return _without_pruned(kept, _keep_zeros(run, before, _keep_frozen(run, before, after)))


def of_moving(run: Run, kept: Any, params: Params, gradient: Params) -> Params:
    """The gradient, zero where parameters do not move: it must not count in the norm that clipping compares."""
    gradient = _keep_frozen(run, jax.tree.map(jnp.zeros_like, gradient), gradient)
    return _without_pruned(kept, _keep_zeros(run, params, gradient))


def _without_pruned(kept: Any, after: Params) -> Params:
    if kept is None:
        return after
    return jax.tree.map(lambda is_kept, leaf: jnp.where(is_kept, leaf, jnp.zeros_like(leaf)), kept, after)


def _keep_frozen(run: Run, before: Params, after: Params) -> Params:
    if run.init is None or not run.init.freeze:
        return after
    return _where_fits(run.init.freeze, lambda old, new: old, before, after)


def _keep_zeros(run: Run, before: Params, after: Params) -> Params:
    if run.init is None or not run.init.mask:
        return after
    return _where_fits(run.init.mask, lambda old, new: jnp.where(old == 0, 0, new), before, after)


def _where_fits(patterns: tuple[str, ...], change: Callable[[Any, Any], Any], before: Params, after: Params) -> Params:
    def of_leaf(path: tuple[Any, ...], old: Any, new: Any) -> Any:
        return change(old, new) if fits(path_name(path), patterns) else new

    return jax.tree_util.tree_map_with_path(of_leaf, before, after)
