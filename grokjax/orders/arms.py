"""Arms of a comparison: each is tuned on a small grid, then all run at their best setting on fresh shared seeds.

Every cell of the sweep's own axes (a task, a model) is a comparison of its own: arms are tuned for each.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from grokjax.analysis.arms import best_setting, tuning_curve
from grokjax.orders.order import Grid, Orders
from grokjax.reader.comparison import Arm, Comparison
from grokjax.reader.points import Points
from grokjax.reader.sweep import Sweep

TUNING, COMPARING = "tuning", "comparing"


@dataclasses.dataclass(frozen=True)
class Trial:
    """What an order of a comparison is for.

    Attributes:
      arm: name.
      stage: `tuning` or `comparing`.
      case: number of the cell of the sweep's own axes.
      setting: number of the point of the arm's grid.
      seed: of all four streams, but those that the sweep holds fixed.
    """

    arm: str
    stage: str
    case: int
    setting: int
    seed: int


class Arms:
    """The source of a sweep with `compare:`."""

    def __init__(self, sweep: Sweep, comparison: Comparison):
        self._sweep, self._comparison = sweep, comparison

    def first(self) -> Orders:
        """Every setting of every arm in every case, at the seeds for tuning."""
        seeds = self._comparison.tuning_seeds
        return Orders([Grid(self._points(arm), seeds, self._set) for arm in self._comparison.arms])

    def more(self, table: Callable[[], pd.DataFrame]) -> Orders:
        """Each arm at its best setting for each case, at the sweep's own seeds; then nothing."""
        tuning, runs = self.first(), table()
        if len(runs) > len(tuning):
            return Orders([])
        trials = self.trials([tuning])
        arms = self._comparison.arms
        return Orders([Grid(self._best(arm, runs, trials), self._sweep.seeds, self._set) for arm in arms])

    def trials(self, rounds: Sequence[Orders]) -> pd.DataFrame:
        """One row per order of these rounds, in their order, with the columns of a `Trial`."""
        rows = []
        for stage, orders in zip((TUNING, COMPARING), rounds, strict=False):
            for arm, grid in zip(self._comparison.arms, orders.grids, strict=True):
                for point in range(len(grid.points)):
                    case, setting = divmod(grid.points.number(point), arm.num_points)
                    rows += [Trial(arm.name, stage, case, setting, seed) for seed in grid.seeds.values]
        return pd.DataFrame(rows)

    @property
    def _set(self) -> tuple[str, ...]:
        """Paths of what any arm sets or tunes."""
        arms = self._comparison.arms
        tuned = (path for arm in arms for axis in arm.tune for path in axis.paths)
        return tuple(dict.fromkeys([*(path for arm in arms for path in arm.settings), *tuned]))

    def _points(self, arm: Arm) -> Points:
        """Cases, and within each the settings of an arm."""
        return Points(arm.base, (*self._sweep.axes, *arm.tune))

    def _best(self, arm: Arm, runs: pd.DataFrame, trials: pd.DataFrame) -> Points:
        of_arm = (trials["arm"] == arm.name).to_numpy()
        chosen = []
        for case in range(len(self._sweep.points)):
            mask = of_arm & (trials["case"] == case).to_numpy()
            curve = tuning_curve(runs.loc[mask], trials["setting"].to_numpy()[mask], self._sweep.steps)
            chosen.append(case * arm.num_points + best_setting(curve))
        return self._points(arm).only(np.array(chosen))
