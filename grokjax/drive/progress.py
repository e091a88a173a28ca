"""Where a sweep stands, as shown while it runs and written to live.json."""

import dataclasses
from typing import Any

from grokjax.train.program import MAP
from grokjax.train.trainer import EndedRun


@dataclasses.dataclass
class Progress:
    """Where a sweep stands.

    Attributes:
      total, done, running, queued, diverged: runs.
      cohort, cohorts: which cohort is trained, of how many.
      executor: `map` or `vmap`.
      pools: how many pools of devices train.
      stage: opening, compiling, training, probing, stopped, consolidating or done.
      reason: why it stopped.
      useful, executed: run-steps trained, and lanes x steps executed, since this start.
      busy_seconds: of compiled segments, all pools together, since this start.
      seconds: wall time spent training since this start.
      steps_left: run-steps still to train at most.
      compiled_programs: cohorts compiled since this start.
      forecast_seconds: of the cohort without other work on the machine, until it trains; None where nothing was timed.
      cpu_share: part of the cores asked for that were there when it was timed; None where no CPU was.
      disk_bytes: forecast of what is still to be stored of the whole sweep.
      ended: runs that ended with the last segment, by id.
      is_saving: whether a save of the batched state is under way.
    """

    total: int
    cohorts: int
    executor: str
    pools: int
    done: int = 0
    running: int = 0
    queued: int = 0
    diverged: int = 0
    cohort: int = 0
    stage: str = "opening"
    reason: str = ""
    useful: int = 0
    executed: int = 0
    busy_seconds: float = 0.0
    seconds: float = 0.0
    steps_left: int = 0
    compiled_programs: int = 0
    forecast_seconds: float | None = None
    cpu_share: float | None = None
    disk_bytes: int = 0
    ended: dict[str, EndedRun] = dataclasses.field(default_factory=dict)
    is_saving: bool = False

    @property
    def occupancy(self) -> float:
        """vmap: useful share of the executed run-steps; map: busy share of the pools."""
        if self.executor == MAP:
            return min(1.0, self.busy_seconds / max(self.seconds * self.pools, 1e-9))
        return self.useful / max(self.executed, 1)

    @property
    def run_steps_per_second(self) -> float:
        """Since this start, compilation left out."""
        return self.useful / max(self.seconds, 1e-9)

    @property
    def seconds_left(self) -> float | None:
        """At the present rate, if every run goes to its budget; None before anything was trained."""
        return self.steps_left / self.run_steps_per_second if self.useful else None

    def to_json(self) -> dict[str, Any]:
        """The stable part of `grokjax status --json` that only a running sweep knows."""
        return {
            "total": self.total,
            "done": self.done,
            "running": self.running,
            "queued": self.queued,
            "diverged": self.diverged,
            "stage": self.stage,
            "reason": self.reason,
            "occupancy": round(self.occupancy, 4),
            "compiled_programs": self.compiled_programs,
            "run_steps_per_second": round(self.run_steps_per_second, 1),
            "seconds_left": self.seconds_left,
        }
