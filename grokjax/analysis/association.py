"""Do two numbers of a run go together over all runs of a sweep? Spearman's rank correlation, with its interval."""

import numpy as np
import pandas as pd

from grokjax.analysis.intervals import RESAMPLES, Interval, bootstrap


def rank_correlation(
    x: np.ndarray, y: np.ndarray, seeds: np.ndarray, level: float = 0.95, resamples: int = RESAMPLES
) -> Interval:
    """Correlation of ranks, from -1 to 1, ties sharing a rank; NaN where one side does not vary.

    The interval draws seeds anew, the runs of a seed together: cells of one sweep that share a seed are no evidence of
    their own. It says nothing about other cells than those of the sweep. A draw is ranked anew.

    Args:
      x, y: [run] numbers, +inf among them where something never happened.
      seeds: [run], equal for runs with equal seeds.
    """
    x, y = (np.asarray(values, np.float64) for values in (x, y))

    def correlations(weights: np.ndarray) -> np.ndarray:
        return np.array([_correlation(np.repeat(x, counts), np.repeat(y, counts)) for counts in weights])

    return bootstrap(correlations, seeds, level, resamples)


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    x, y = (pd.Series(values).rank().to_numpy() for values in (x, y))
    if not len(x) or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])
