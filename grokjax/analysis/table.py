"""What does one row per run say? Phase, events, extremes and final values of each run as columns."""

import numpy as np
import pandas as pd

from grokjax.analysis import events
from grokjax.analysis.history import Looks
from grokjax.analysis.phases import label
from grokjax.analysis.rules import Rule

_GROUPS = ("train", "test", "train_clean", "train_noisy", "test_mirrored", "test_novel")
_BLOCK = 1000  # runs


def event_columns(looks: Looks, rule: str | Rule = "default") -> pd.DataFrame:
    """One row per run, in the order of `looks`; an event that did not come is NaN.

    Columns:
      phase, phase_word, flags, phase_reason: under `rule`; see `phases.Labels`.
      final_step: of the last look.
      steps_to_train_50, _90, _95, _99 and steps_to_test_...: first look whose accuracy is at least that.
      ..._after: the look before, so that the event lies between the two; NaN also where the first look passes.
      ..._sustained, ..._sustained_after: the same for the first look after which it lasts; see `events.Crossing`.
      steps_to_fit, steps_to_generalized: as the default rule counts them (clean train, novel test examples).
      log10_delay: log10 of their ratio; NaN unless both came.
      min_train_loss, min_test_loss, max_test_train_ratio, max_test_accuracy, post_peak_drop: see `events.Extremes`.
      <group>/accuracy, <group>/loss, <group>/objective: at the last look, for the groups that were measured.
      train_noisy/recovered_share: wrong train labels that are answered with the true one at the last look.
    """
    if looks.num_runs > _BLOCK:  # arrays [run, look] that fit in the cache are several times as fast
        starts = range(0, looks.num_runs, _BLOCK)
        blocks = [event_columns(looks.take(slice(start, start + _BLOCK)), rule) for start in starts]
        return pd.concat(blocks, ignore_index=True)
    labels = label(looks, rule)
    columns = {"phase": labels.phase, "phase_word": labels.words, "flags": labels.flags, "phase_reason": labels.reason}
    numbers = {"final_step": np.where(looks.final_step >= 0, looks.final_step, np.nan)}
    numbers |= _crossings(looks)
    found = events.extremes(looks)
    numbers |= {name: getattr(found, name) for name in found.__dataclass_fields__}
    numbers |= _final_values(looks)
    return pd.DataFrame(columns | numbers)


def _crossings(looks: Looks) -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {}
    for group in ("train", "test"):
        for percent, share in events.SHARES.items():
            found = events.group_crossing(looks, group, share)
            name = f"steps_to_{group}_{percent}"
            columns |= {f"{name}_after": _known(found.first_after), name: _known(found.first_at)}
            columns[f"{name}_sustained_after"] = _known(found.sustained_after)
            columns[f"{name}_sustained"] = _known(found.sustained_at)
    fit_at, generalized_at = events.fit(looks).first_at, events.generalized(looks).first_at
    delay = events.delay(fit_at, generalized_at)
    names = {"steps_to_fit": fit_at, "steps_to_generalized": generalized_at, "log10_delay": delay.log10_ratio}
    return columns | {name: _known(values) for name, values in names.items()}


def _final_values(looks: Looks) -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {}
    for group in _GROUPS:
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
