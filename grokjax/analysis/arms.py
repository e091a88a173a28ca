"""Which of several interventions makes networks generalize sooner? All tuned by one rule, compared on shared seeds.

The quantity is the number of updates until the test set is right (`steps_to_test_99`). A run that never gets there,
that collapses or diverges counts with its budget, so means are restricted means (Irwin 1949; Royston, Parmar 2013).
All runs have one budget, so the Kaplan-Meier median is the median with +inf for those that never got there.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from grokjax.analysis.cells import EVENT
from grokjax.analysis.censoring import event_values
from grokjax.analysis.chance import flip_chance
from grokjax.analysis.columns import numbers, series
from grokjax.analysis.intervals import (
    RESAMPLES,
    Interval,
    bootstrap,
    bootstrap_median,
    limits,
    seed_weights,
    wilson,
)

LEVEL = 0.95


@dataclasses.dataclass(frozen=True)
class ArmResult:
    """One arm of a comparison, at its best setting.

    Attributes:
      name: of the arm.
      seeds: how many runs.
      grokked: share of them that generalized; Wilson interval.
      median: updates to it, +inf for never; bootstrap over seeds.
      mean: restricted mean of the updates to it; bootstrap over seeds.
      difference: mean over seeds of its restricted updates minus those of the baseline at the same seed; NaN for the
        baseline itself.
      ratio: its restricted mean by that of the baseline.
      chance: two-sided chance of such differences if arm and baseline were alike; sign flips of log ratios, exact.
      adjusted: the same after Holm's correction over all arms but the baseline.
      rank: mean rank among the arms, 1 is the soonest, over resamples of the seeds.
      first: share of these resamples in which it is the soonest; equals share one.
    """

    name: str
    seeds: int
    grokked: Interval
    median: Interval
    mean: Interval
    difference: Interval
    ratio: Interval
    chance: float
    adjusted: float
    rank: Interval
    first: float


def restricted_steps(runs: pd.DataFrame, budget: int) -> np.ndarray:
    """[run] updates until generalization, the budget where it never came."""
    return np.minimum(event_values(runs, EVENT), budget)


def tuning_curve(runs: pd.DataFrame, settings: np.ndarray, budget: int) -> pd.DataFrame:
    """What each setting of an arm gave: columns `setting`, `seeds`, `grokked` (share), `mean` (restricted), `accuracy`.

    Args:
      runs: table of the runs.
      settings: [run] number of the setting of each.
    """
    steps, accuracy = restricted_steps(runs, budget), numbers(series(runs, "test/accuracy"))
    rows = []
    for setting in np.unique(settings):
        mask = settings == setting
        came = np.isfinite(event_values(runs.loc[mask], EVENT))
        rows.append((int(setting), int(mask.sum()), came.mean(), steps[mask].mean(), np.nanmean(accuracy[mask])))
    return pd.DataFrame(rows, columns=["setting", "seeds", "grokked", "mean", "accuracy"])


def best_setting(curve: pd.DataFrame) -> int:
    """The setting of least restricted mean; of equals the one of highest last test accuracy, then the first."""
    ordered = curve.sort_values(["mean", "accuracy", "setting"], ascending=[True, False, True], kind="stable")
    return int(ordered["setting"].iloc[0])


def compare_arms(
    steps: Mapping[str, np.ndarray], budget: int, baseline: str, level: float = LEVEL, resamples: int = RESAMPLES
) -> list[ArmResult]:
    """Arms on shared seeds, in the order of `steps`.

    Args:
      steps: arm -> [seed] updates until generalization, +inf for never; seeds in the same order in all.
      budget: of every run.
      baseline: the arm that the others are held against.
    """
    names = list(steps)
    times = np.stack([np.minimum(steps[name], budget) for name in names]).astype(np.float64)
    base = times[names.index(baseline)]
    chances = {name: _chance(own, base) for name, own in zip(names, times, strict=True) if name != baseline}
    adjusted = holm(chances)
    weights = seed_weights(times.shape[1], resamples)
    ranks = _ranks(weights @ times.T / times.shape[1])
    soonest = ranks == ranks.min(axis=1, keepdims=True)
    results = []
    for index, name in enumerate(names):
        came = np.isfinite(steps[name])
        results.append(
            ArmResult(
                name=name,
                seeds=len(came),
                grokked=Interval(*(float(part) for part in wilson(np.sum(came), np.array(len(came)), level))),
                median=bootstrap_median(np.asarray(steps[name], np.float64), np.arange(len(came)), level=level),
                mean=_mean(times[index], level, resamples),
                difference=_mean(times[index] - base, level, resamples) if name != baseline else _UNKNOWN,
                ratio=_ratio(times[index], base, level, resamples) if name != baseline else _UNKNOWN,
                chance=chances.get(name, np.nan),
                adjusted=adjusted.get(name, np.nan),
                rank=Interval(float(ranks[:, index].mean()), *map(float, limits(ranks[:, index], level))),
                first=float(np.mean(soonest[:, index] / soonest.sum(axis=1))),
            )
        )
    return results


def holm(chances: Mapping[str, float]) -> dict[str, float]:
    """Chances corrected for their number (Holm 1979): the probability of any false alarm stays below the level."""
    adjusted, largest = {}, 0.0
    for rank, name in enumerate(sorted(chances, key=lambda name: chances[name])):
        largest = max(largest, min(1.0, (len(chances) - rank) * chances[name]))
        adjusted[name] = largest
    return adjusted


def seeds_needed(num_arms: int, level: float = LEVEL) -> int:
    """Seeds from which any difference can be found at all: sign flips of n seeds have a two-sided chance of 2^(1-n)."""
    return int(np.ceil(1 + np.log2(max(1, num_arms - 1) / (1 - level)) - 1e-9))


def on_edge(values: Sequence[float], best: float) -> bool:
    """Whether the best value of an axis of numbers is its smallest or largest, so that a better one may lie beyond."""
    return len(set(values)) > 1 and best in (min(values), max(values))


_UNKNOWN = Interval(np.nan, np.nan, np.nan)


def _chance(own: np.ndarray, base: np.ndarray) -> float:
    differences = np.log(np.maximum(own, 1.0)) - np.log(np.maximum(base, 1.0))
    return min(1.0, 2 * min(flip_chance(differences), flip_chance(-differences)))


def _mean(values: np.ndarray, level: float, resamples: int) -> Interval:
    seeds = np.arange(len(values))
    interval = bootstrap(lambda weights: weights @ values / len(values), seeds, level, resamples)
    return Interval(*(float(part) for part in interval))


def _ratio(own: np.ndarray, base: np.ndarray, level: float, resamples: int) -> Interval:
    seeds = np.arange(len(own))
    interval = bootstrap(lambda weights: (weights @ own) / (weights @ base), seeds, level, resamples)
    return Interval(*(float(part) for part in interval))


def _ranks(means: np.ndarray) -> np.ndarray:
    """[resample, arm] float64 ranks from 1, equal means share the mean of theirs."""
    below = (means[:, :, None] > means[:, None, :]).sum(axis=2)
    equal = (means[:, :, None] == means[:, None, :]).sum(axis=2)
    return below + (equal + 1) / 2
