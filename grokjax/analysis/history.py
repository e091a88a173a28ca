"""What was seen of many runs: the one record that every analysis of this package reads."""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np

from grokjax.analysis.columns import nearest

STOP_REASONS = ("budget", "grokked", "stopped", "diverged", "running", "passed")
"""Why nothing more of a run is known. `grokked`, `stopped`: the stop rule ended it, after generalization or on another
condition. `passed`: it went past the budget at which it is compared."""
PASSED_GAP = 0.05
"""A run that passed is compared by its last look at or before the budget, at most this share of the budget earlier."""


def is_near(steps: np.ndarray, budget: np.ndarray | int) -> np.ndarray:
    """Whether what was seen at `steps` says what is needed of `budget`; see `PASSED_GAP`."""
    return steps >= (1 - PASSED_GAP) * np.asarray(budget)


@dataclasses.dataclass(frozen=True)
class Looks:
    """What was seen of each run, look by look. What stands in `columns` after a run's last look does not matter.

    Attributes:
      steps: [run, look] int64, increasing, -1 after the last look of a run.
      columns: name -> [run, look]; `<group>/correct` are whole numbers, `<group>/loss` the log1p cross-entropy.
      sizes: group -> [run] int64, number of examples.
      diverged: [run] bool.
      budget: [run] int64, the step that the run is meant to reach.
      stop_reason: [run] text of `STOP_REASONS`.
      settings: name -> [run]; read by some rules: `label_noise` (share, NaN where not known), `loss` (kind),
        `steps_per_epoch`.
    """

    steps: np.ndarray
    columns: Mapping[str, np.ndarray]
    sizes: Mapping[str, np.ndarray]
    diverged: np.ndarray
    budget: np.ndarray
    stop_reason: np.ndarray
    settings: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        _check(self)

    @property
    def num_runs(self) -> int:
        return self.steps.shape[0]

    @functools.cached_property
    def present(self) -> np.ndarray:
        """[run, look] bool, where something was seen."""
        return self.steps >= 0

    @functools.cached_property
    def last(self) -> np.ndarray:
        """[run] int64, place of the last look; -1 for a run that was not looked at."""
        return np.count_nonzero(self.present, axis=1) - 1

    @property
    def final_step(self) -> np.ndarray:
        """[run] int64, step of the last look; -1 for a run that was not looked at."""
        return np.max(self.steps, axis=1, initial=-1)

    @property
    def is_stopped(self) -> np.ndarray:
        """[run] bool, ended by the stop rule, so that nothing is known of what would have come."""
        return np.isin(np.asarray(self.stop_reason), ("grokked", "stopped"))

    @property
    def is_diverged(self) -> np.ndarray:
        """[run] bool."""
        return np.asarray(self.diverged, bool) | (np.asarray(self.stop_reason) == "diverged")

    def column(self, name: str) -> np.ndarray:
        """[run, look] values of one measure."""
        if name not in self.columns:
            raise ValueError(f"history: no measure {name!r}{nearest(name, self.columns)}")
        return np.asarray(self.columns[name])

    def size(self, group: str) -> np.ndarray:
        """[run] int64, number of examples of a group."""
        if group not in self.sizes:
            raise ValueError(f"history: no size of group {group!r}{nearest(group, self.sizes)}")
        return np.asarray(self.sizes[group], np.int64)

    def correct(self, group: str) -> tuple[np.ndarray, np.ndarray]:
        """Number right [run, look] and number of examples [run] of a group."""
        return self.column(f"{group}/correct"), self.size(group)

    def accuracy(self, group: str) -> np.ndarray:
        """[run, look] float64; NaN where nothing was seen and for an empty group."""
        correct, size = self.correct(group)
        known = self.present & (size > 0)[:, None]
        return np.where(known, correct / np.maximum(size, 1)[:, None], np.nan)

    def seen(self, name: str) -> np.ndarray:
        """[run, look] float64 values of a measure, NaN where nothing was seen."""
        return np.where(self.present, self.column(name), np.nan)

    def final(self, values: np.ndarray) -> np.ndarray:
        """[run] float64, of [run, look] the value at the last look; NaN for a run that was not looked at."""
        if values.shape[1] == 0:
            return np.full(self.num_runs, np.nan)
        last = np.maximum(self.last, 0)[:, None]
        return np.where(self.last >= 0, np.take_along_axis(values, last, axis=1)[:, 0].astype(np.float64), np.nan)

    def until(self, step: int) -> "Looks":
        """The same runs as if nothing after `step` had been seen."""
        return dataclasses.replace(self, steps=np.where(self.steps <= step, self.steps, -1))

    def take(self, runs: np.ndarray | slice) -> "Looks":
        """The runs at the places `runs`, in the slice `runs`, or where the mask `runs` is true."""

        def chosen(named: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {name: np.asarray(values)[runs] for name, values in named.items()}

        return Looks(
            steps=self.steps[runs],
            columns=chosen(self.columns),
            sizes=chosen(self.sizes),
            diverged=np.asarray(self.diverged)[runs],
            budget=np.asarray(self.budget)[runs],
            stop_reason=np.asarray(self.stop_reason)[runs],
            settings=chosen(self.settings),
        )


def _check(looks: Looks) -> None:
    """Refuse what would be read wrongly without a word."""
    steps = looks.steps
    if steps.ndim != 2 or not np.issubdtype(steps.dtype, np.integer):
        raise ValueError(f"history: steps must be whole numbers [run, look], not {steps.dtype} {list(steps.shape)}")
    ahead, behind = steps[:, 1:], steps[:, :-1]
    if not np.all((ahead > behind) & (behind >= 0) | (ahead == -1)) or np.any(steps < -1):
        raise ValueError("history: steps must increase along a run and be -1 after its last look")
    for name, values in looks.columns.items():
        if np.shape(values) != steps.shape:
            raise ValueError(f"history: {name!r} has shape {list(np.shape(values))}, steps {list(steps.shape)}")
    by_run = {"diverged": looks.diverged, "budget": looks.budget, "stop_reason": looks.stop_reason}
    for name, values in {**looks.sizes, **looks.settings, **by_run}.items():
        if np.shape(values) != steps.shape[:1]:
            raise ValueError(f"history: {name!r} has shape {list(np.shape(values))}, not [{steps.shape[0]}] runs")
    strange = sorted(set(np.unique(np.asarray(looks.stop_reason, str)).tolist()) - set(STOP_REASONS))
    if strange:
        raise ValueError(f"history: stop_reason {strange[0]!r}{nearest(strange[0], STOP_REASONS)}")
