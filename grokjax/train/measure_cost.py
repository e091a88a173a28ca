"""What does each measure of a sweep cost? Compiled by itself and timed on a run before its first update."""

import dataclasses
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Measure
from grokjax.train import look
from grokjax.train.executables import Executables, number_format
from grokjax.train.mapping import looked_at_together, over_lanes
from grokjax.train.program import Lane, Program, Tables, Values
from grokjax.train.stop import aside

_REPEATS = 3


def measure_seconds(executables: Executables, values: Values) -> dict[str, float]:
    """Seconds of one step of one run by measure, `fit` apart, which is the look itself; the least of a few calls.

    On a CPU seconds of a core, which other work does not lengthen. What a call costs that measures nothing is taken
    off. Two of a kind are told apart by numbers: `cka`, `cka 2`.

    Args:
      values: of any run of the cohort.
    """
    program, everywhere = executables.program, executables.pool.replicated()
    together = looked_at_together(program)
    parts = [part for part in program.measures if part.kind != "fit"]
    with number_format(program):
        lane = executables.fresh(jax.device_put(values, everywhere), executables.tables)
        lanes = jax.tree.map(lambda leaf: jnp.stack([leaf] * together), lane)
        calls = [
            jax.jit(partial(_measured, program, measures, together)).lower(lanes, executables.tables)
            for measures in [(), *((part,) for part in parts)]
        ]
        clock = time.process_time if executables.pool.devices[0].platform == "cpu" else time.perf_counter
        compiled = aside([call.compile for call in calls])
        nothing, *seconds = [_seconds(clock, call, lanes, executables.tables) for call in compiled]
    return {name: max(taken - nothing, 0.0) / together for name, taken in zip(_names(parts), seconds, strict=True)}


def _measured(
    program: Program, measures: tuple[Measure, ...], together: int, lanes: Lane, tables: Tables
) -> dict[str, jax.Array]:
    """What these measures give of lanes, leading axis [lane]; the losses and counts that they may read are zeros."""
    alone = dataclasses.replace(program, measures=measures)

    def of_lane(lane: Lane) -> dict[str, jax.Array]:
        shapes = jax.eval_shape(lambda: look.fit(program, lane.leaves, lane.data, lane.state, tables))
        seen = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
        return look.measure(alone, lane.leaves, lane.data, lane.state, seen, tables, lane.book.memorized)

    return over_lanes(of_lane, together)(lanes)


def _seconds(clock: Callable[[], float], call: Any, *arguments: Any) -> float:
    jax.block_until_ready(call(*arguments))  # the first call of a program is slower
    taken = []
    for _ in range(_REPEATS):
        began = clock()
        jax.block_until_ready(call(*arguments))
        taken.append(clock() - began)
    return min(taken)


def _names(parts: list[Measure]) -> list[str]:
    seen: Counter[str] = Counter()
    names = []
    for part in parts:
        seen[part.kind] += 1
        names.append(part.kind if seen[part.kind] == 1 else f"{part.kind} {seen[part.kind]}")
    return names
