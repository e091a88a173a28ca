"""What a sweep needs before it trains: the programs of its cohorts, and what it will cost in time and on disk."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from grokjax.lab.initial_params import check_starts, initial_params_of
from grokjax.orders.order import Order, Orders
from grokjax.orders.sources import source_of
from grokjax.plan.cohorts import Cohort
from grokjax.plan.plan import CohortPlan, Plan, make_plan
from grokjax.reader.sweep import Sweep
from grokjax.store.disk import Disk, disk_of
from grokjax.train.devices import Pool, choose_executor, choose_pools, prepare_host_devices
from grokjax.train.executables import Executables, number_format
from grokjax.train.feed import Feed
from grokjax.train.lane import fresh
from grokjax.train.measure_cost import measure_seconds
from grokjax.train.preflight import compile_cohort, device_memory
from grokjax.train.products import warn_of_pairs
from grokjax.train.program import MAP, Lane, Program, Values
from grokjax.train.timing import busiest_pool, probe_together

PLAN_SECONDS, RUN_SECONDS = 0.1, 0.03
"""Of a timed stretch: `plan` has time, `run` wants to begin."""
_SAMPLE = 64


class Ready(NamedTuple):
    """A cohort that can be trained.

    Attributes:
      feed: of the cohort.
      values_of: values of an order's run.
      program: that trains it.
      lane: shapes of one lane.
      compiled: executables, one a pool of this process; none where it is trained elsewhere.
    """

    feed: Feed
    values_of: Callable[[Order], Values]
    program: Program
    lane: Lane
    compiled: list[Executables]


class Forecast(NamedTuple):
    """Time that a cohort takes if every run goes to its budget.

    Attributes:
      seconds: wall time, without other work on the machine.
      cpu_share: part of the cores asked for that this process got when lanes were timed; None on accelerators.
    """

    seconds: float
    cpu_share: float | None


def plan_orders(
    sweep: Sweep,
    orders: Orders,
    devices: int,
    executor: str,
    memory: int | None,
    lanes: int | None,
    platform: str,
) -> Plan:
    """The plan of orders of a sweep for so many devices, from shapes alone, with their disk."""
    plan = make_plan(sweep, orders, devices, executor == MAP, memory, lanes, platform)
    shapes = ((_lane_shapes(sweep, one), len(one.cohort), max(one.width, 1) * devices) for one in plan.cohorts)
    return dataclasses.replace(plan, disk=dataclasses.asdict(disk_of(sweep, shapes, plan.stores_weights)))


def disk_left(plan: Plan, runs: int) -> int:
    """Bytes that so many runs of a plan still take on disk, at most at a time."""
    return Disk(**plan.disk).of_runs(runs / sum(len(one.cohort) for one in plan.cohorts)).most


def prepare(
    sweep: Sweep,
    planned: CohortPlan,
    first: Order,
    pools: list[Pool],
    executor: str,
    lanes: int | None = None,
    known: Mapping[str, Any] | None = None,
    is_narrowed: bool = False,
    memory: int | None = None,
) -> Ready:
    """Compile a cohort; see `compile_cohort`. May run beside the training of another, so it changes nothing here.

    Args:
      first: any of its orders.
    """
    feed, values_of = feed_of(sweep, planned.cohort)
    values = values_of(first)
    compiled = compile_cohort(planned, feed, values, pools, executor, lanes, known, is_narrowed, memory)
    return Ready(feed, values_of, compiled[0].program, compiled[0].lane, compiled)


def feed_of(sweep: Sweep, cohort: Cohort) -> tuple[Feed, Callable[[Order], Values]]:
    """Tables and schedule of a cohort, and what gives the values of its orders."""
    feed = Feed(cohort.run, cohort.signature, cohort.tasks, sweep.measure, sweep.stop, sweep.steps)

    def values_of(order: Order) -> Values:
        return feed.values(order.run, cohort.table(order.cell), initial_params_of(order.run))

    return feed, values_of


def time_cohort(
    plan: Plan, ready: Ready, cohort: Cohort, at_least: float, runs: int | None = None, steps: float | None = None
) -> Forecast:
    """Time scratch lanes and tell how long a cohort will take; stores nothing.

    Args:
      runs: how many of its runs will be trained; None for all.
      steps: what is left of a run on average; None for its whole budget.
    """
    return _of_cohort(_time_run(plan, ready, cohort, at_least, steps), ready, len(cohort) if runs is None else runs)


def _time_run(plan: Plan, ready: Ready, cohort: Cohort, at_least: float, steps: float | None = None) -> Forecast:
    """Of one run on one pool."""
    is_walked = ready.program.executor == MAP
    timed = probe_together(ready.compiled, ready.values_of(_typical(ready.feed, cohort, is_walked)), at_least)
    budget = plan.sweep.steps
    part = 1.0 if steps is None else steps / budget
    return Forecast(timed.of_run(part * budget, part * plan.num_looks, part * plan.num_rows), timed.cpu_share)


def _of_cohort(run: Forecast, ready: Ready, runs: int) -> Forecast:
    program = ready.program
    busiest = busiest_pool(runs, len(ready.compiled), program.lanes, program.executor == MAP)
    return run._replace(seconds=run.seconds * busiest)


def forecast(
    sweep: Sweep,
    device: str | None = None,
    executor: str | None = None,
    lanes: int | None = None,
    with_probe: bool = True,
) -> Plan:
    """Plan a sweep; with a probe, compile each cohort and time scratch lanes. Trains and stores nothing."""
    prepare_host_devices()
    check_starts(sweep)
    pools = choose_pools(device, executor)
    platform = pools[0].devices[0].platform
    warn_of_pairs(sweep, platform)
    chosen = choose_executor(pools[0].devices[0], executor)
    devices = sum(len(pool.devices) for pool in pools)
    plan = plan_orders(sweep, source_of(sweep).first(), devices, chosen, device_memory(pools[0]), lanes, platform)
    return dataclasses.replace(plan, cohorts=list(_timed(plan, pools, chosen, lanes))) if with_probe else plan


def _timed(plan: Plan, pools: list[Pool], executor: str, lanes: int | None) -> Iterator[CohortPlan]:
    for planned in plan.cohorts:
        first = next(planned.cohort.in_turn())
        began = time.perf_counter()
        ready = prepare(plan.sweep, planned, first, pools, executor, lanes)
        compile_seconds = time.perf_counter() - began
        run = _time_run(plan, ready, planned.cohort, PLAN_SECONDS)
        yield dataclasses.replace(
            planned,
            seconds=_of_cohort(run, ready, len(planned.cohort)).seconds,
            cpu_share=run.cpu_share,
            compile_seconds=compile_seconds,
            compiled_bytes=ready.compiled[0].memory_bytes(),
            run_seconds=run.seconds,
            measure_seconds=measure_seconds(ready.compiled[0], ready.values_of(first)),
        )


def _typical(feed: Feed, cohort: Cohort, is_walked: bool) -> Order:
    """An order of average number of examples an update; where lanes go side by side, of the largest."""
    sample = [cohort.orders[int(number)] for number in cohort.numbers[:: -(-len(cohort) // _SAMPLE)]]
    sizes = np.array([feed.values(order.run).minibatch for order in sample])
    wanted = np.mean(sizes) if is_walked else np.max(sizes)
    return sample[int(np.argmin(np.abs(sizes - wanted)))]


def _lane_shapes(sweep: Sweep, planned: CohortPlan) -> Lane:
    feed, values_of = feed_of(sweep, planned.cohort)
    return lane_shapes(feed.program(1, 1), feed, values_of(next(planned.cohort.in_turn())))


def lane_shapes(program: Program, feed: Feed, values: Values) -> Lane:
    """Shapes of one lane; `values` of any run."""
    with number_format(program):
        return jax.eval_shape(partial(fresh, program), values, feed.tables)
