"""The compiled programs of a cohort: traced once, compiled once per device ahead of time, never again.

They are called as executables, so that an argument of another shape, type or place raises instead of recompiling.
"""

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.symbol_lookup import looked_up_by
from grokjax.train import mapping
from grokjax.train.devices import Pool
from grokjax.train.lane import fresh
from grokjax.train.products import products_in
from grokjax.train.program import Lane, Program, Schedule, Tables, Values
from grokjax.train.stop import aside

TRACES: Counter[str] = Counter()
"""How often each program was traced in this process; the laws count it."""
COMPILATIONS: Counter[str] = Counter()
"""How often each program was compiled in this process, all devices together."""


@contextlib.contextmanager
def number_format(program: Program) -> Iterator[None]:
    """Number formats of a cohort and how it finds rows, while it is traced, compiled and fed."""
    precision = program.run.precision
    with (
        products_in(precision.matmul),
        jax.enable_x64(precision.params == "float64"),
        looked_up_by(program.forms.lookup),
    ):
        yield


class Traced:
    """The programs of a cohort as traced functions; the executables of all its devices come from the same trace."""

    def __init__(self, program: Program, pool: Pool):
        """`pool`: any of the pools that will be compiled for; all have the same number of devices."""
        segment, place, take = partial(mapping.segment, program), mapping.place, mapping.take
        if len(pool.devices) > 1:
            segment, place, take = _over_devices(segment, place, take, program, pool)
        self.program = program
        self.fresh = jax.jit(_counted("fresh", partial(fresh, program)))
        self.take = jax.jit(_counted("take", take))
        self.place = jax.jit(_counted("place", place), donate_argnums=0)
        self.segment = jax.jit(_counted("segment", segment), donate_argnums=0)

    def compile(self, pools: Sequence[Pool], values: Values, tables: Tables, schedule: Schedule) -> list["Executables"]:
        """Compile for every pool, side by side; lowered one after another so that each program is traced once.

        Args:
          values: of any run of the cohort; only shapes matter.
          tables, schedule: copied to the devices of each pool.
        """
        with number_format(self.program):
            lowered = [self.lower(pool, values, tables, schedule) for pool in pools]
        compiled = aside([partial(_compile_all, programs) for programs in lowered])
        with number_format(self.program):
            return [
                Executables(
                    program=self.program,
                    pool=pool,
                    lane=jax.eval_shape(partial(fresh, self.program), values, tables),
                    tables=jax.device_put(tables, pool.replicated()),
                    schedule=jax.device_put(schedule, pool.replicated()),
                    **programs,
                )
                for pool, programs in zip(pools, compiled, strict=True)
            ]

    def lower(self, pool: Pool, values: Values, tables: Tables, schedule: Schedule) -> dict[str, jax.stages.Lowered]:
        """The programs by name, ready to be compiled for the devices of a pool, which need not be there.

        Within `number_format`. Of values, tables and schedule only shapes matter.
        """
        everywhere, over_runs = pool.replicated(), pool.over_runs()
        lane = _shapes(jax.eval_shape(partial(fresh, self.program), values, tables), everywhere)
        lanes = jax.tree.map(lambda leaf: _stacked(leaf, self.program.lanes, over_runs), lane)
        until = jax.ShapeDtypeStruct((self.program.lanes,), jnp.int32, sharding=over_runs)
        index = jax.ShapeDtypeStruct((), jnp.int32, sharding=everywhere)
        is_queued = jax.ShapeDtypeStruct((), jnp.bool_, sharding=everywhere)
        values, tables, schedule = (_shapes(tree, everywhere) for tree in (values, tables, schedule))
        return {
            "fresh": self.fresh.lower(values, tables),
            "take": self.take.lower(lanes, index),
            "place": self.place.lower(lanes, index, lane),
            "segment": self.segment.lower(lanes, until, is_queued, tables, schedule),
        }


@dataclasses.dataclass(frozen=True)
class Executables:
    """Compiled programs of one pool of devices, with the tables and the schedule that lie there.

    Attributes:
      lane: shapes of one lane.
      fresh: (values, tables) -> lane.
      take: (lanes, index) -> lane; of several devices [device] of what each finds at its place, see `lane_at`.
      place: (lanes, index, lane) -> lanes; the lanes given are used up.
      segment: (lanes, until, is_queued, tables, schedule) -> (lanes, executed); the lanes given are used up.
    """

    program: Program
    pool: Pool
    lane: Lane
    fresh: jax.stages.Compiled
    take: jax.stages.Compiled
    place: jax.stages.Compiled
    segment: jax.stages.Compiled
    tables: Tables
    schedule: Schedule

    def empty_lanes(self) -> Lane:
        """Free lanes, on the devices of the pool."""
        size, sharding = self.program.lanes, self.pool.over_runs()
        return jax.tree.map(lambda leaf: jax.device_put(np.zeros((size, *leaf.shape), leaf.dtype), sharding), self.lane)

    def lane_at(self, lanes: Lane, lane: int) -> Lane:
        """One lane as NumPy arrays, read from the one device on which it lies."""
        index = jax.device_put(np.int32(lane), self.pool.replicated())
        device = lane // (self.program.lanes // len(self.pool.devices))
        taken = self.take(lanes, index)
        return jax.tree.map(np.array, taken if len(self.pool.devices) == 1 else _of_device(taken, device))

    def lanes_bytes(self) -> int:
        """Bytes of the batched state, all devices of the pool together."""
        lane_bytes = sum(int(np.prod(leaf.shape)) * leaf.dtype.itemsize for leaf in jax.tree.leaves(self.lane))
        return self.program.lanes * lane_bytes

    def memory_bytes(self) -> int:
        """Peak bytes of a segment on one device, by the compiler's own account: arguments, outputs and scratch."""
        analysis: Any = self.segment.memory_analysis()
        return int(
            analysis.argument_size_in_bytes
            + analysis.output_size_in_bytes
            + analysis.temp_size_in_bytes
            - analysis.alias_size_in_bytes
        )


def _of_device(taken: Lane, device: int) -> Lane:
    """What one device found, without its leading axis [device]; nothing goes through another device."""
    return jax.tree.map(
        lambda leaf: next(one.data[0] for one in leaf.addressable_shards if one.index[0].start == device), taken
    )


def _over_devices(
    segment: Callable, place: Callable, take: Callable, program: Program, pool: Pool
) -> tuple[Callable, Callable, Callable]:
    """The same functions, each device of the pool working on its own lanes; nothing is communicated."""
    runs, whole = jax.sharding.PartitionSpec("runs"), jax.sharding.PartitionSpec()
    local_lanes = program.lanes // len(pool.devices)

    def place_local(lanes: Lane, index: jax.Array, lane: Lane) -> Lane:
        return place(lanes, index - jax.lax.axis_index("runs") * local_lanes, lane)

    def take_local(lanes: Lane, index: jax.Array) -> Lane:
        here = jnp.clip(index - jax.lax.axis_index("runs") * local_lanes, 0, local_lanes - 1)
        return jax.tree.map(lambda leaf: leaf[None], take(lanes, here))

    def shard(function: Callable, inputs: tuple, outputs: Any) -> Callable:
        return jax.shard_map(function, mesh=pool.mesh(), in_specs=inputs, out_specs=outputs, check_vma=False)

    return (
        shard(segment, (runs, runs, whole, whole, whole), (runs, runs)),
        shard(place_local, (runs, whole, whole), runs),
        shard(take_local, (runs, whole), runs),
    )


def _counted(name: str, function: Callable) -> Callable:
    def traced(*arguments: Any) -> Any:
        TRACES[name] += 1  # runs when JAX traces, not when the program runs
        return function(*arguments)

    traced.__name__ = f"grokjax_{name}"  # what logs and profiles of XLA call the program
    return traced


def _compile_all(programs: dict[str, jax.stages.Lowered]) -> dict[str, jax.stages.Compiled]:
    COMPILATIONS.update(programs.keys())
    return {name: lowered.compile() for name, lowered in programs.items()}


def _shapes(tree: Any, sharding: jax.sharding.Sharding) -> Any:
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), tree)


def _stacked(leaf: Any, size: int, sharding: jax.sharding.Sharding) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct((size, *leaf.shape), leaf.dtype, sharding=sharding)
