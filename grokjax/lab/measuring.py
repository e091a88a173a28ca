"""Any measure, taken afterwards from stored weights: the code of the compiled loop, on parameters of a folder."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.words import REPORTED_GROUPS
from grokjax.lab.stored_networks import StoredNetworks, Wanted
from grokjax.store.files import Arrays
from grokjax.train.executables import number_format
from grokjax.train.lane import fresh
from grokjax.train.look import fit, measure
from grokjax.train.program import Memorized, Program, State, Tables, Values, run_of
from grokjax.train.step import data_of

_TOGETHER = 16  # snapshots that one call of a program measures


def as_file(wanted: Sequence[Wanted], rows: Mapping[str, np.ndarray]) -> Arrays:
    """Values in the form of a file of `measured/`; `rows`: [snapshot, ...] by name."""
    return {
        "run_id": np.array([one.order.run_id for one in wanted]),
        "step": np.array([one.step for one in wanted], np.int64),
        **{f"rows/{name}": column for name, column in rows.items()},
    }


class Measuring:
    """A measure of the runs of a cohort, in one compiled program; `networks` were made with that measure."""

    def __init__(self, networks: StoredNetworks):
        self._networks = networks
        self._measured = jax.jit(partial(_measured, networks.program))

    def shapes(self, first: Wanted) -> dict[str, tuple[int, ...]]:
        """Shape of what the measure gives of a snapshot, beside `fit`, by name; nothing is computed or read."""
        program, tables = self._networks.program, self._networks.feed.tables
        values = self._networks.values([first])
        with number_format(program):
            one = jax.tree.map(lambda leaf: leaf[0], values)
            lane = jax.eval_shape(partial(fresh, program), one, tables)
            params = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((1, *leaf.shape), leaf.dtype), lane.state.params)
            memorized = None if lane.book.memorized is None else Memorized(np.zeros(1, np.int32), params)
            shapes = jax.eval_shape(self._measured, values, params, np.zeros(1, np.int32), memorized, tables)
        return {name: leaf.shape[1:] for name, leaf in shapes.items() if name.partition("/")[0] not in REPORTED_GROUPS}

    def measure(self, wanted: Sequence[Wanted]) -> Iterator[Arrays]:
        """Values in the form of a file of `measured/`, some snapshots at a time."""
        wanted = self._networks.in_turn(wanted)
        for start in range(0, len(wanted), _TOGETHER):
            some = wanted[start : start + _TOGETHER]
            padded = some + [some[-1]] * (min(_TOGETHER, len(wanted)) - len(some))  # one shape, one program
            with number_format(self._networks.program):
                measured = self._measured(*self._arguments(padded), self._networks.feed.tables)
                values = jax.tree.map(np.array, measured)
            yield as_file(some, {name: column[: len(some)] for name, column in values.items()})

    def _arguments(self, wanted: Sequence[Wanted]) -> tuple[Values, Any, np.ndarray, Memorized | None]:
        params = _stacked([self._networks.params(one) for one in wanted])
        steps = np.array([one.step for one in wanted], np.int32)
        is_compared = any(part.compares_with_memorized() for part in self._networks.program.measures)
        memorized = _stacked([self._networks.memorized(one) for one in wanted]) if is_compared else None
        return self._networks.values(wanted), params, steps, memorized


def _stacked(trees: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)


def _measured(
    program: Program, values: Values, params: Any, steps: jax.Array, memorized: Memorized | None, tables: Tables
) -> dict[str, jax.Array]:
    """[snapshot, ...] of each name, snapshot after snapshot."""

    def of_one(one: tuple[Values, Any, jax.Array, Memorized | None]) -> dict[str, jax.Array]:
        own, weights, step, reference = one
        data = data_of(program, run_of(program, own.leaves), own, tables)
        state = stored_state(program, weights, step)
        seen = fit(program, own.leaves, data, state, tables)
        return seen | measure(program, own.leaves, data, state, seen, tables, reference)

    return jax.lax.map(of_one, (values, params, steps, memorized))


def stored_state(program: Program, params: Any, step: jax.Array) -> State:
    """Stored parameters in the place of a run's state; there is no optimizer."""
    return State(params, None, step, None, jnp.full((), jnp.nan, program.dtype))
