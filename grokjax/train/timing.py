"""How long does training take? Scratch lanes are timed, and what a call costs besides its steps is taken out."""

import dataclasses
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import jax
import numpy as np

from grokjax.train.cpu_share import CpuShare
from grokjax.train.executables import Executables, number_format
from grokjax.train.program import MAP, Schedule, Values

Clock = Callable[[], float]

_NEVER = np.iinfo(np.int32).max
_REPEATS = 3
_SHORT = 8  # a short stretch has an eighth of the units of a long one
_MOST = 1_000_000


@dataclasses.dataclass(frozen=True)
class Probe:
    """How fast scratch lanes were, on one pool with all pools at work and no other work on the machine.

    Where other work takes CPU cores, the part of wall time is counted that this process had of them.

    Attributes:
      step: seconds of one update of one run.
      look: seconds of one look without the sweep's measures, and of the break in training that it is.
      row: seconds that these measures take at one step.
      run: seconds of putting one run into a lane and taking it out.
      cpu_share: part of the cores asked for that this process got; None where devices are no CPUs, or nobody says.
    """

    step: float
    look: float
    row: float
    run: float
    cpu_share: float | None = None

    def of_run(self, steps: float, looks: float, rows: float) -> float:
        """Seconds of one run on one pool."""
        return self.run + steps * self.step + looks * self.look + rows * self.row


def busiest_pool(runs: int, pools: int, lanes: int, is_walked: bool) -> int:
    """Runs for which the busiest pool takes time, when all take equally long.

    Pools are filled one after another, so those of the last wave may share one pool. Where lanes are not walked, a lane
    takes as long without a run as with one.

    Args:
      lanes: of one pool.
      is_walked: whether its lanes are trained one after another.
    """
    waves, rest = divmod(runs, pools * lanes)
    return waves * lanes + (min(rest, lanes) if is_walked else lanes * bool(rest))


def slope(seconds_of: Callable[[int], float], at_least: float, most: int = _MOST) -> float:
    """Seconds of one unit of work, by the difference of a long and a short call: what any call costs cancels out.

    Of repeats the least counts, since other work on the machine only ever adds.

    Args:
      seconds_of: number of units -> seconds of one call that does them.
      at_least: seconds that the long call takes, unless that takes more than `most` units.
    """

    def undelayed(units: int) -> float:
        seconds = seconds_of(units)
        return seconds if seconds < at_least else min(seconds, seconds_of(units))

    units, seconds = 1, undelayed(1)
    while seconds < at_least and units < most:
        units = min(most, units * int(np.clip(1.3 * at_least / max(seconds, 1e-9), 2, 16)))
        seconds = undelayed(units)
    repeats = _REPEATS if seconds < 10 * at_least else 1
    few = units // _SHORT
    long = min([seconds, *(seconds_of(units) for _ in range(repeats - 1))])
    short = min(seconds_of(few) for _ in range(repeats))
    return max(long - short, 0.0) / (units - few)


class Scratch:
    """Lanes of one pool that hold a run which nobody stores. With `map` one is busy, since they are walked."""

    def __init__(self, executables: Executables, values: Values, pools: int = 1, clock: Clock = time.perf_counter):
        """`pools` that are probed at the same time."""
        self._compiled, self._pools, self._clock = executables, pools, clock
        program = executables.program
        self.busy = np.arange(program.lanes) < (1 if program.executor == MAP else program.lanes)
        with number_format(program):
            self._lanes = executables.empty_lanes()
            self._fill(0, values)  # the first call of a program is slower

            def fill() -> None:
                for lane in np.flatnonzero(self.busy):
                    self._fill(int(lane), values)
                np.array(self._lanes.state.step)

            self.fill_seconds = self._seconds(fill) / np.sum(self.busy)
            self.take_seconds = min(self._take() for _ in range(_REPEATS))

    def step_seconds(self, at_least: float) -> float:
        """Of one update of one run."""
        return slope(lambda steps: self._segment(steps, 0, False), at_least) / int(np.sum(self.busy))

    def look_seconds(self, at_least: float, is_row: bool) -> float:
        """Of one look at one run, with the sweep's measures if `is_row`."""
        most = self._compiled.program.num_looks - 1  # the schedule's length is that of an array
        return slope(lambda looks: self._segment(0, looks, is_row), at_least, most) / int(np.sum(self.busy))

    def _segment(self, steps: int, looks: int, is_row: bool) -> float:
        """Seconds of one call in which every busy lane is looked at so many times, then trained so many steps."""
        compiled, size = self._compiled, len(self.busy)
        now = np.array(self._lanes.state.step)
        look_steps = np.full(compiled.program.num_looks, _NEVER, np.int32)
        look_steps[:looks] = now[0]
        rules = len(compiled.program.stop_rules)
        release = np.full((rules, len(look_steps)), _NEVER, np.int32)
        schedule = Schedule(look_steps, np.full(len(look_steps), is_row), release)
        with number_format(compiled.program):
            over_runs, everywhere = compiled.pool.over_runs(), compiled.pool.replicated()
            until = jax.device_put((now + steps).astype(np.int32), over_runs)
            is_queued, schedule = jax.device_put((np.bool_(False), schedule), everywhere)
            whole = dict.fromkeys(("cursor", "num_looks", "num_rows"), 0) | {"stop": _NEVER}
            book: dict[str, np.ndarray] = {name: np.full(size, value, np.int32) for name, value in whole.items()}
            book |= {"active": self.busy, "since": np.full((size, rules), -1, np.int32)}
            lanes = self._lanes._replace(book=self._lanes.book._replace(**jax.device_put(book, over_runs)))

            def train() -> None:
                self._lanes, _ = compiled.segment(lanes, until, is_queued, compiled.tables, schedule)
                np.array(self._lanes.state.step)  # waits for it

            return self._seconds(train)

    def _fill(self, lane: int, values: Values) -> None:
        compiled, everywhere = self._compiled, self._compiled.pool.replicated()
        filled = compiled.fresh(jax.device_put(values, everywhere), compiled.tables)
        self._lanes = compiled.place(self._lanes, jax.device_put(np.int32(lane), everywhere), filled)

    def _take(self) -> float:
        return self._seconds(lambda: self._compiled.lane_at(self._lanes, 0))

    def _seconds(self, call: Callable[[], object]) -> float:
        """Wall time of a call; on a CPU without the time in which other work had the cores."""
        share = CpuShare(self._pools) if self._compiled.pool.devices[0].platform == "cpu" else None
        began = self._clock()
        call()
        seconds = self._clock() - began
        return seconds * ((share.now() if share else None) or 1.0)


def probe(executables: Executables, values: Values, at_least: float = 0.1, pools: int = 1) -> Probe:
    """Time one pool by itself.

    Args:
      values: of a run that takes as long as others do.
      at_least: seconds of a long stretch; some ten times as many pass.
      pools: that are probed at the same time.
    """
    scratch = Scratch(executables, values, pools)
    step = scratch.step_seconds(at_least)
    look = scratch.look_seconds(at_least / 2, is_row=False)
    row = scratch.look_seconds(at_least / 2, is_row=True)
    return Probe(step, look, max(row - look, 0.0), scratch.fill_seconds + scratch.take_seconds)


def probe_together(compiled: Sequence[Executables], values: Values, at_least: float = 0.1) -> Probe:
    """Probe all pools at the same time, as they will train: they share cores, caches and memory. See `probe`."""
    share = CpuShare(len(compiled))
    with ThreadPoolExecutor(len(compiled)) as threads:
        under_way = [threads.submit(probe, pool, values, at_least, len(compiled)) for pool in compiled]
        wait(under_way, return_when=FIRST_COMPLETED)  # later a pool may be done and ask for no core
        cpu_share = share.now() if compiled[0].pool.devices[0].platform == "cpu" else None
        timed = [future.result() for future in under_way]
    means = (
        statistics.fmean(getattr(pool_probe, name) for pool_probe in timed) for name in ("step", "look", "row", "run")
    )
    return Probe(*means, cpu_share=cpu_share)
