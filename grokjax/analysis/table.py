"""What does one row per run say? Phase, events, extremes and final values of each run as columns."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from grokjax.analysis import events
from grokjax.analysis.history import Looks
from grokjax.analysis.phases import label
from grokjax.analysis.rules import RULES, Rule, find_rule
from grokjax.core.words import REPORTED_GROUPS

LABELS = ("phase", "phase_word", "flags", "phase_reason", "phase_rule")
_BLOCK = 1000  # runs


def event_columns(looks: Looks, rule: str | Rule | Mapping[str, Any] = "default") -> pd.DataFrame:
    """One row per run, in the order of `looks`; an event that did not come is NaN.

    Columns:
      phase, phase_word, flags, phase_reason, phase_rule: under `rule`, and what that was; see `phases.Labels`.
      final_step: of the last look.
      steps_to_train_50, _90, _95, _99 and steps_to_test_...: first look whose accuracy is at least that.
      ..._after: the look before, so that the event lies between the two; NaN also where the first look passes.
      ..._sustained, ..._sustained_after: the same for the first look after which it lasts; see `events.Crossing`.
      steps_to_fit, steps_to_generalized: as `rule` counts them (clean train, novel test examples), where it is the
        default rule with whatever thresholds; as the default rule does under another.
      log10_delay: log10 of their ratio; NaN unless both came.
      min_train_loss, min_test_loss, max_test_train_ratio, max_test_accuracy, post_peak_drop: see `events.Extremes`.
      <group>/accuracy, <group>/loss, <group>/objective: at the last look, for the groups that were measured.
      train_noisy/recovered_share: wrong train labels that are answered with the true one at the last look.
    """
    if looks.num_runs > _BLOCK:  # arrays [run, look] that fit in the cache are several times as fast
        starts = range(0, looks.num_runs, _BLOCK)
        blocks = [event_columns(looks.take(slice(start, start + _BLOCK)), rule) for start in starts]
        return pd.concat(blocks, ignore_index=True)
    ruled = rule_columns(looks, rule)
    columns = {name: ruled.pop(name) for name in LABELS}
    numbers = {"final_step": np.where(looks.final_step >= 0, looks.final_step, np.nan)}
    numbers |= _crossings(looks) | dict(ruled.items())
    extremes = events.extremes(looks)
    numbers |= {name: getattr(extremes, name) for name in extremes.__dataclass_fields__}
    numbers |= _final_values(looks)
    return pd.DataFrame(columns | numbers)


def rule_columns(looks: Looks, rule: str | Rule | Mapping[str, Any] = "default") -> pd.DataFrame:
    """The columns of `event_columns` that hang on the rule."""
    rule = find_rule(rule)
    labels = label(looks, rule)
    texts = (labels.phase, labels.words, labels.flags, labels.reason, np.full(looks.num_runs, labels.rule, object))
    counted = (rule if rule.judge == "default" else RULES["default"]).thresholds
    fit_at = events.fit(looks, counted["fit"]).first_at
    generalized_at = events.generalized(looks, counted["generalized"], int(counted["few_novel"])).first_at
    steps = {
        "steps_to_fit": fit_at,
        "steps_to_generalized": generalized_at,
        "log10_delay": events.delay(fit_at, generalized_at).log10_ratio,
    }
    return pd.DataFrame(dict(zip(LABELS, texts, strict=True)) | {name: _known(at) for name, at in steps.items()})


def _crossings(looks: Looks) -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {}
    for group in ("train", "test"):
        for percent, share in events.SHARES.items():
            crossing = events.group_crossing(looks, group, share)
            name = f"steps_to_{group}_{percent}"
            columns |= {f"{name}_after": _known(crossing.first_after), name: _known(crossing.first_at)}
            columns[f"{name}_sustained_after"] = _known(crossing.sustained_after)
            columns[f"{name}_sustained"] = _known(crossing.sustained_at)
    return columns


def _final_values(looks: Looks) -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {}
    for group in REPORTED_GROUPS:
        if f"{group}/correct" in looks.columns:
            columns[f"{group}/accuracy"] = _final_share(looks, f"{group}/correct", group)
        for name in ("loss", "objective"):
            if f"{group}/{name}" in looks.columns:
                columns[f"{group}/{name}"] = looks.final(looks.column(f"{group}/{name}"))
    if "train_noisy/recovered" in looks.columns:
        columns["train_noisy/recovered_share"] = _final_share(looks, "train_noisy/recovered", "train_noisy")
    return columns


def _final_share(looks: Looks, name: str, group: str) -> np.ndarray:
    """[run] a count at the last look as a share of its group; NaN for an empty group."""
    size = looks.size(group)
    return np.where(size > 0, looks.final(looks.column(name)) / np.maximum(size, 1), np.nan)


def _known(steps: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(steps), steps, np.nan)
