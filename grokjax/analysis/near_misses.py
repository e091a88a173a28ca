"""How many runs that did not generalize end closely under the threshold, so that the threshold decides their label?"""

import dataclasses

import numpy as np
import pandas as pd

from grokjax.analysis.columns import numbers, series
from grokjax.analysis.rules import GENERALIZED, PHASES, Rule, find_rule

CLOSE = 0.80
"""From this share of the test examples on a run is close."""
_THRESHOLDS = {"default": "generalized", "liu2022": "accuracy", "doshi2024": "accuracy"}
_NEVER_CLOSE = (*GENERALIZED, "diverged", "undecided", "collapsed", "forgetting")


@dataclasses.dataclass(frozen=True)
class NearMisses:
    """Runs whose last test accuracy lies between `CLOSE` and the threshold of a rule.

    Attributes:
      threshold: what the rule calls it.
      value: the share that it asks for.
      close: phase -> number of those runs.
      labelled: phase -> number of all runs with that phase.
    """

    threshold: str
    value: float
    close: dict[str, int]
    labelled: dict[str, int]


def near_misses(runs: pd.DataFrame, rule: str | Rule) -> NearMisses | None:
    """Count them; None where the rule has no such threshold, or no run is close.

    Args:
      runs: one row per run, labelled by the rule; novel test examples decide where it says so and there are enough.
      rule: that gave the phases.
    """
    rule = find_rule(rule)
    threshold = _THRESHOLDS.get(rule.judge)
    if threshold is None or "test/accuracy" not in runs.columns:
        return None
    accuracy = numbers(series(runs, "test/accuracy"))
    if rule.judge == "default" and {"test_novel/accuracy", "flags"} <= set(runs.columns):
        few = series(runs, "flags").fillna("").str.contains("few_novel").to_numpy()
        accuracy = np.where(few, accuracy, numbers(series(runs, "test_novel/accuracy")))
    labels = series(runs, "phase").astype(str).to_numpy()
    is_close = (accuracy >= CLOSE) & (accuracy < rule.thresholds[threshold])
    labelled = {name: int(np.count_nonzero(labels == name)) for name in PHASES if name not in _NEVER_CLOSE}
    close = {name: int(np.count_nonzero(is_close & (labels == name))) for name in labelled}
    close = {name: count for name, count in close.items() if count}
    return NearMisses(threshold, rule.thresholds[threshold], close, labelled) if close else None
