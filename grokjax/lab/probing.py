"""A probe of stored networks: what it may look at, and what it gives, committed some seconds at a time."""

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.tree_util import Partial

from grokjax.core.interfaces import Network, Params, Probe
from grokjax.core.words import REPORTED_GROUPS
from grokjax.lab.measuring import as_file, stored_state
from grokjax.lab.stored_networks import StoredNetworks, Wanted
from grokjax.measures.fit import is_class
from grokjax.reader.errors import SpecError, wrong, wrong_in_part
from grokjax.reader.user_parts import kind_of
from grokjax.store.files import Arrays
from grokjax.train.devices import schedulable_cores
from grokjax.train.executables import number_format
from grokjax.train.look import fit, losses_at, outputs_at, train_loss_at_most
from grokjax.train.program import Program, Tables, Values, run_of
from grokjax.train.step import data_of, run_stream

_SECONDS = 10.0
"""After so long, what was computed is committed: so much a kill may cost."""

Rows = dict[str, np.ndarray]


class Probing:
    """A probe of the runs of a cohort, one snapshot after another: their parameters are never held together."""

    def __init__(self, networks: StoredNetworks, part: Probe):
        self._networks, self._part = networks, part
        self._traced = traced(networks.program)
        self._shapes: dict[str, tuple[int, ...]] | None = None
        self._first: tuple[Wanted, Rows] | None = None

    def shapes(self, first: Wanted) -> dict[str, tuple[int, ...]]:
        """Shape of what the probe gives of a snapshot, by name; it is probed for that, once.

        Raises:
          SpecError: the probe refuses the network, or gives what cannot be stored.
        """
        self._first = first, self._rows_of(first)
        return self._shapes or {}

    def measure(self, wanted: Sequence[Wanted]) -> Iterator[Arrays]:
        """Values in the form of a file of `measured/`, some snapshots at a time."""
        done: list[tuple[Wanted, Rows]] = []
        began = time.monotonic()
        for one in self._networks.in_turn(wanted):
            is_first = self._first is not None and self._first[0] == one
            done.append(self._first if is_first and self._first is not None else (one, self._rows_of(one)))
            if time.monotonic() - began > _SECONDS:
                yield _as_one_file(done)
                done, began = [], time.monotonic()
        if done:
            yield _as_one_file(done)

    def _rows_of(self, one: Wanted) -> Rows:
        with number_format(self._networks.program):
            network = self.network(one)
            seen = network.fit(network.params)
            try:
                values = dict(self._part.probe(network))
            except SpecError:
                raise
            except Exception as error:  # whatever somebody else's code raises
                raise wrong_in_part("measure.what", error) from error
        return {**seen, **self._checked(values)}

    def _checked(self, values: Mapping[str, Any]) -> Rows:
        """Values as they are stored, of the names and shapes that the first network had."""
        kind, rows = kind_of(type(self._part)), {}
        for name, value in values.items():
            column = np.asarray(value)
            if column.dtype.kind not in "fi":
                raise wrong("measure.what", f"{kind} gives {name!r} as {column.dtype}, not as float or int")
            if "/" not in name or name.partition("/")[0] in REPORTED_GROUPS:
                raise wrong("measure.what", f"{kind} gives {name!r}, which is no group/name of its own")
            rows[name] = column.astype(np.float32 if column.dtype.kind == "f" else np.int32)
        shapes = {name: column.shape for name, column in rows.items()}
        if self._shapes is not None and shapes != self._shapes:
            different = min(name for name, _ in shapes.items() ^ self._shapes.items())
            raise wrong("measure.what", f"{kind} gives other shapes of {different!r} for different networks")
        self._shapes = shapes
        return rows

    def network(self, one: Wanted) -> Network:
        """What the probe may look at of a snapshot."""
        params, values = self._networks.params(one), self._networks.values([one])
        values = jax.tree.map(lambda leaf: leaf[0], values)
        program, tables = self._networks.program, self._networks.feed.tables
        data, step = self._traced["data"](values, tables), np.int32(one.step)

        def train_loss(params: Params, at_most: float = np.inf) -> float:
            if not is_class(tables.targets):
                raise ValueError(f"measure.what: {kind_of(type(self._part))} needs a task with classes")
            with number_format(program):
                return float(self._traced["loss"](values, data, params, step, program.dtype.type(at_most), tables))

        def fit_of(params: Params) -> Rows:
            with number_format(program):
                return jax.tree.map(np.array, self._traced["fit"](values, data, params, step, tables))

        run = run_of(program, values.leaves)
        return Network(
            params=jax.tree.map(np.asarray, params),
            step=one.step,
            n_train=int(values.counts.n_train),
            signature=program.signature,
            train_loss=train_loss,
            fit=fit_of,
            cores=schedulable_cores(),
            model=run.model,
            inputs=np.asarray(tables.inputs)[int(values.table)],
            split=jax.tree.map(np.asarray, data.split),
            apply=Partial(self._traced["outputs"], values.leaves, data, step),
            loss=Partial(self._traced["losses"], values.leaves, step),
            key=run_stream(run, "probe"),
        )


def traced(program: Program) -> dict[str, Any]:
    """What is compiled of a probing pass, by name; each once for all snapshots of a cohort.

    Args:
      program: of one lane.
    """
    functions = {"data": _data, "loss": _loss, "fit": _fit, "outputs": outputs_at, "losses": losses_at}
    return {name: jax.jit(partial(function, program)) for name, function in functions.items()}


def _as_one_file(done: Sequence[tuple[Wanted, Rows]]) -> Arrays:
    names = done[0][1]
    return as_file([one for one, _ in done], {name: np.stack([rows[name] for _, rows in done]) for name in names})


def _data(program: Program, values: Values, tables: Tables) -> Any:
    return data_of(program, run_of(program, values.leaves), values, tables)


def _loss(
    program: Program, values: Values, data: Any, params: Any, step: jax.Array, most: jax.Array, tables: Tables
) -> jax.Array:
    return train_loss_at_most(program, values.leaves, data, stored_state(program, params, step), most, tables)


def _fit(
    program: Program, values: Values, data: Any, params: Any, step: jax.Array, tables: Tables
) -> dict[str, jax.Array]:
    return fit(program, values.leaves, data, stored_state(program, params, step), tables)
