"""What a program is fed with: tables, the schedule of looks, and the values of run i when a lane needs it."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from grokjax.core.interfaces import Counts, Signature, Task
from grokjax.orders.identity import run_id
from grokjax.plan.blocks import BlockSizes, block_sizes
from grokjax.plan.forms import Forms, choose_forms
from grokjax.reader.measured_steps import look_steps, measured_steps
from grokjax.reader.run import Run, minibatch_size
from grokjax.reader.stop_plan import StopPlan, StopRule, stop_rules
from grokjax.reader.sweep import MeasurePlan
from grokjax.train.program import Program, Schedule, Tables, Values, leaves_of

_NEVER = np.iinfo(np.int32).max


def make_tables(tasks: Sequence[Task]) -> Tables:
    """Stack the tables of a cohort's tasks; all have the same shapes."""
    tables = [task.table() for task in tasks]
    own = [np.arange(len(table.inputs), dtype=np.int32) for table in tables]
    mirrors = [own_rows if table.mirror is None else table.mirror for table, own_rows in zip(tables, own, strict=True)]
    return Tables(
        inputs=np.stack([table.inputs for table in tables]),
        targets=np.stack([table.targets for table in tables]),
        mirror=np.stack(mirrors).astype(np.int32),
    )


def make_schedule(measure: MeasurePlan, stop: StopPlan | None, steps: int) -> Schedule:
    """When the runs of a sweep are looked at."""
    looks = np.asarray(look_steps(measure, steps), np.int32)
    release = np.stack([_release(looks, rule) for rule in stop_rules(stop)])
    return Schedule(steps=looks, is_row=np.isin(looks, measured_steps(measure, steps)), release=release)


def _release(looks: np.ndarray, rule: StopRule) -> np.ndarray:
    """[look] int32, the first look at which a run may stop if a condition holds from each look on."""
    if rule.steps is None:
        return np.full(looks.shape, _NEVER, np.int32)
    wait = np.maximum(float(rule.steps), rule.ratio * looks.astype(np.float64))
    first = np.searchsorted(looks, looks + wait, side="left")
    return np.where(first < len(looks), looks[np.minimum(first, len(looks) - 1)], _NEVER).astype(np.int32)


def is_audited(run: Run, share: float) -> bool:
    """Whether the stop rule leaves this run alone; decided by the run's identity, so never by its place in a queue."""
    digest = hashlib.sha256(b"audit" + run_id(run).encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2.0**64


class Feed:
    """A cohort's tables and schedule, and the values of each of its runs.

    Attributes:
      schedule: when runs are looked at.
      tables: of the cohort's tasks.
      steps: budget of every run.
    """

    def __init__(
        self,
        run: Run,
        signature: Signature,
        tasks: Sequence[Task] | Tables,
        measure: MeasurePlan,
        stop: StopPlan | None,
        steps: int,
    ):
        """`run`: any run of the cohort; `tasks`: or their tables, where they have been made."""
        self.steps = steps
        self.schedule = make_schedule(measure, stop, steps)
        self.tables = tasks if isinstance(tasks, Tables) else make_tables(tasks)
        self._run, self._signature, self._measures, self._stop = run, signature, tuple(measure.what), stop

    def program(self, lanes: int, block_lanes: int, known: Mapping[str, Any] | None = None) -> Program:
        """The program with `lanes` lanes a pool, mapped `block_lanes` at a time.

        Args:
          known: facts of the program of an earlier start, which fixed the examples of a block and the forms.
        """
        is_cpu = block_lanes == 1
        rows = block_sizes(self._run, self._signature, is_cpu)
        forms = choose_forms(self._run, self._signature, is_cpu, rows)
        if known is not None:
            forms = Forms(**{name: known[name] for name in Forms._fields if name in known})  # once there was one each
            rows = BlockSizes(known["block_rows"], known.get("look_rows", known["block_rows"]))  # once they were one
        return Program(
            run=self._run,
            signature=self._signature,
            measures=tuple(part for part in self._measures if part.kind != "fit"),
            lanes=lanes,
            block_lanes=block_lanes,
            block_examples=rows.step,
            look_examples=rows.look,
            num_looks=len(self.schedule.steps),
            num_rows=int(np.sum(self.schedule.is_row)),
            stop_rules=stop_rules(self._stop),
            forms=forms,
        )

    def values(self, run: Run, table: int = 0, params: dict | None = None) -> Values:
        """What the program must know of one run.

        Args:
          table: position of the run's table among the cohort's.
          params: initial parameters when it starts from a stored run.
        """
        counts = run.task.counts(self._signature)
        return Values(
            leaves=leaves_of(run),
            counts=Counts(*(np.int32(count) for count in counts)),
            table=np.int32(table),
            minibatch=np.int32(minibatch_size(run.minibatch, counts.n_train)),
            stop=np.int32(self.steps),
            is_audited=np.bool_(self._stop is not None and is_audited(run, self._stop.audit)),
            params=params,
        )
