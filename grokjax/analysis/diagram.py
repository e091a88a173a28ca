"""Which phase holds where on two axes, with how many runs behind it, how sure it is, and what was pooled?"""

import dataclasses
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pandas as pd

from grokjax.analysis.columns import differing, distinct, find, has_values, rows, seed_ids, series, sorted_values
from grokjax.analysis.intervals import pooled_shares, wilson
from grokjax.analysis.rules import FLAGS, PHASES


@dataclasses.dataclass(frozen=True)
class PhaseDiagram:
    """Phases over the cells of two axes.

    Attributes:
      x_name, y_name: full column names; `y_name` is empty for a diagram over one axis.
      x, y: values of the axes, sorted; numbers, or objects where there are texts. One empty text as `y` over one axis.
      phases: those present, in the order of `rules.PHASES`.
      counts: [y, x, phase] int64, number of runs.
      n: [y, x] int64, number of runs.
      shares: [y, x, phase] of the runs; NaN in an empty cell.
      low, high: [y, x, phase] interval of the share; NaN where one seed says nothing.
      interval: `wilson`, or `bootstrap over seeds` where axes are pooled: runs of one seed are alike, so counting each
        would be too sure. See `intervals.pooled_shares`.
      dominant: [y, x] the most frequent phase, the earlier in order when tied; "" in an empty cell.
      tied: [y, x] bool, more than one phase is the most frequent.
      entropy: [y, x] of the shares in bits: 0 where all runs agree; NaN in an empty cell.
      partial: some run is undecided.
      reasons: why runs are undecided (up to a colon) -> number of runs, from the column `phase_reason` if it is there.
      flags: what stands beside the labels -> number of runs, from the column `flags` if it is there.
      mixed: number of cells of which some runs are judged on novel test examples and others, with few, on all of test.
      pooled: axes other than seeds along which the runs of one cell differ.
      left_out: number of runs without a value on one of the axes.
    """

    x_name: str
    y_name: str
    x: np.ndarray
    y: np.ndarray
    phases: tuple[str, ...]
    counts: np.ndarray
    n: np.ndarray
    shares: np.ndarray
    low: np.ndarray
    high: np.ndarray
    interval: str
    dominant: np.ndarray
    tied: np.ndarray
    entropy: np.ndarray
    partial: bool
    reasons: dict[str, int]
    flags: dict[str, int]
    mixed: int
    pooled: tuple[str, ...]
    left_out: int


def phase_diagram(
    runs: pd.DataFrame, x: str, y: str | None = None, phase: str = "phase", level: float = 0.95
) -> PhaseDiagram:
    """Count phases over the cells of `x` and `y`.

    Args:
      runs: one row per run.
      x, y: column names, or their last word when no other column ends so; without `y` a diagram over one axis.
      phase: column with the labels.
      level: of the intervals.

    Raises:
      ValueError: for a column that is missing or ambiguous, an axis given twice, an unknown phase, or no runs.
    """
    x_name, y_name, phase = find(x, runs.columns), find(y, runs.columns) if y else "", find(phase, runs.columns)
    if x_name == y_name:
        raise ValueError(f"diagram: x and y are both {x_name!r}")
    axes = [name for name in (x_name, y_name) if name]
    runs = distinct(runs)
    used = rows(runs, has_values(runs, axes))
    if used.empty:
        raise ValueError(f"diagram: no run has a value of {' and '.join(axes)}")
    x_values = sorted_values(series(used, x_name))
    y_values = sorted_values(series(used, y_name)) if y_name else np.array([""])
    labels = pd.Series(series(used, phase).fillna("undecided")).astype(str)
    phases = _present(labels)
    y_index = _places(series(used, y_name), y_values) if y_name else np.zeros(len(used), np.int64)
    indices = y_index, _places(series(used, x_name), x_values), _places(labels, phases)
    counts = np.zeros((len(y_values), len(x_values), len(phases)), np.int64)
    np.add.at(counts, indices, 1)
    pooled = pooled_axes(used, axes)
    limits = _seed_limits(counts.shape, indices, seed_ids(used, but=axes), level) if pooled else _wilson(counts, level)
    return PhaseDiagram(
        x_name=x_name,
        y_name=y_name,
        x=x_values,
        y=y_values,
        phases=phases,
        counts=counts,
        low=limits[0],
        high=limits[1],
        interval="bootstrap over seeds" if pooled else "wilson",
        **_summary(counts, phases),
        partial="undecided" in phases,
        reasons=_reasons(used),
        flags=_flags(used),
        mixed=_mixed(used, labels, y_index * len(x_values) + indices[1]),
        pooled=pooled,
        left_out=len(runs) - len(used),
    )


def _summary(counts: np.ndarray, phases: tuple[str, ...]) -> dict[str, np.ndarray]:
    """What follows from counts [y, x, phase]."""
    n = counts.sum(axis=-1)
    share = np.where(n[..., None] > 0, counts / np.maximum(n, 1)[..., None], np.nan)
    most = counts.max(axis=-1)
    dominant = np.where(n > 0, np.array(phases, object)[np.argmax(counts, axis=-1)], "")
    tied = (n > 0) & (np.count_nonzero(counts == most[..., None], axis=-1) > 1)
    entropy = -np.sum(share * np.log2(np.where(counts > 0, share, 1.0)), axis=-1)
    return {"n": n, "shares": share, "dominant": dominant, "tied": tied, "entropy": np.abs(entropy)}


def _wilson(counts: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Limits of shares [y, x, phase] when every run of a cell has a seed of its own."""
    interval = wilson(counts, np.broadcast_to(counts.sum(axis=-1, keepdims=True), counts.shape), level)
    return interval.low, interval.high


def _seed_limits(
    shape: tuple[int, ...], indices: tuple[np.ndarray, ...], seeds: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Limits of shares [y, x, phase], cell by cell, from each run's `indices` in them and its seed [run]."""
    low, high = np.zeros(shape), np.ones(shape)
    cell = indices[0] * shape[1] + indices[1]
    is_phase = np.eye(shape[2])[indices[2]]
    for number in np.unique(cell):
        inside = cell == number
        interval = pooled_shares(is_phase[inside], seeds[inside], level=level)
        low[divmod(number, shape[1])], high[divmod(number, shape[1])] = interval.low, interval.high
    return low, high


def _present(labels: pd.Series) -> tuple[str, ...]:
    """The phases in a column, in canonical order."""
    present = set(labels)
    strange = sorted(present - set(PHASES))
    if strange:
        raise ValueError(f"diagram: column {labels.name!r} holds {strange[0]!r}, which is no phase")
    return tuple(name for name in PHASES if name in present)


def _reasons(runs: pd.DataFrame) -> dict[str, int]:
    """Number of runs by the reason why they are undecided, most frequent first."""
    if "phase_reason" not in runs.columns:
        return {}
    texts = [str(text).split(":")[0] for text in series(runs, "phase_reason").dropna().tolist() if text]
    return dict(Counter(texts).most_common())


def _flags(runs: pd.DataFrame) -> dict[str, int]:
    """Number of runs by flag, in the order of `rules.FLAGS`."""
    texts = series(runs, "flags").fillna("").tolist() if "flags" in runs.columns else []
    counts = Counter(flag for text in texts for flag in str(text).split(";"))
    return {flag: counts[flag] for flag in FLAGS if counts[flag]}


def _mixed(runs: pd.DataFrame, labels: pd.Series, cell: np.ndarray) -> int:
    """Number of cells [run] in which some of the decided runs have few novel examples and others do not."""
    if "flags" not in runs.columns:
        return 0
    decided = ~labels.isin(["undecided", "diverged"]).to_numpy()
    few = series(runs, "flags").fillna("").str.contains("few_novel").to_numpy()
    return len(np.intersect1d(cell[decided & few], cell[decided & ~few]))


def _places(values: pd.Series, known: Iterable) -> np.ndarray:
    """[run] position of each value in `known`."""
    position = {value: index for index, value in enumerate(list(known))}
    return np.array([position[value] for value in values.tolist()], np.int64)


def pooled_axes(runs: pd.DataFrame, axes: list[str]) -> tuple[str, ...]:
    """Settings, seeds aside, that differ between runs of the same cell; measures, `group/name`, are none."""
    settings = [name for name in map(str, runs.columns) if "." in name and "/" not in name]
    return differing(runs, axes, [name for name in settings if name not in axes and not name.startswith("seeds.")])
