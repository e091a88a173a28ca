"""Do the runs support a claim? Both sides over the same pairs of cells and seeds, with the seeds drawn anew.

A bootstrap over few seeds is too sure of itself: when all of them agree its interval has no width. So below
`FEWEST_SEEDS` nothing is decided, and the number of seeds stands beside every verdict.
"""

import dataclasses

import numpy as np
import pandas as pd

from grokjax.analysis.claims import Claim, Number, Term
from grokjax.analysis.columns import differing, find, matches, numbers, rows, seed_columns, series
from grokjax.analysis.intervals import RESAMPLES, Interval, limits, resampled, weighted_median, weighted_share
from grokjax.analysis.rules import GENERALIZED

_COMPARE = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}
FEWEST_SEEDS = 3
_ROUNDING = 1e-12  # shares of equal counts may differ by this


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What the runs say of a claim.

    Attributes:
      name: of the claim.
      verdict: "holds" or "fails" when at least (1 + level) / 2 of the draws of seeds agree, otherwise "undecided".
      left, right: measured values over the pairs, each with its interval over seeds.
      difference: left - right with its interval; 0 where both are never.
      pairs: number of pairs (cell of `over`, seed) that both sides have.
      seeds: number of different seeds among them.
      left_out: number of runs that match one side but have no partner.
      reason: why it is undecided, empty otherwise.
    """

    name: str
    verdict: str
    left: Interval
    right: Interval
    difference: Interval
    pairs: int
    seeds: int
    left_out: int
    reason: str


def judge(claim: Claim, runs: pd.DataFrame, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0) -> Verdict:
    """Judge a claim by a table of runs: settings by their dotted paths, `seeds.*`, `phase`, event columns and measures.

    Args:
      claim: as of `make_claim`.
      runs: one row per run. Runs that are undecided leave the claim undecided.
      level: of the intervals.
      resamples: draws of the seeds.
      seed: of the generator.

    Raises:
      ValueError: for a key or measure that the table does not have; names the nearest.
    """
    try:
        over = [find(key, runs.columns) for key in claim.over]
        sides = [_side(side, runs, over) for side in (claim.left, claim.right)]
    except ValueError as error:
        raise ValueError(f"claim {claim.name!r}: {error}") from None
    tables = [side for side in sides if side is not None]
    refusal = next((table.attrs["reason"] for table in tables if table.attrs["reason"]), "")
    shared = tables[0].index
    for table in tables[1:]:
        shared = shared.intersection(table.index)
    left_out = sum(len(table) - len(shared) for table in tables)
    if refusal or not len(shared):
        reason = refusal or "no run matches both sides with the same seed"
        return _undecided(claim, (len(shared), tables[0].loc[shared, "seed"].nunique(), left_out), reason)
    values = [None if side is None else side.loc[shared, "value"].to_numpy(np.float64) for side in sides]
    return _compare(claim, values, tables[0].loc[shared, "seed"].to_numpy(), left_out, (level, resamples, seed))


def _side(side: Term | Number, runs: pd.DataFrame, over: list[str]) -> pd.DataFrame | None:
    """The runs of one side, by cell of `over` and seed: columns "value" and "seed"; attrs["reason"] says why not."""
    if isinstance(side, Number):
        return None
    fixed = [find(key, runs.columns) for key, _ in side.where]
    where = np.ones(len(runs), bool)
    for column, (_, value) in zip(fixed, side.where, strict=True):
        where &= matches(series(runs, column), value)
    seeds = seed_columns(runs, but=(*over, *fixed))
    chosen, values = rows(runs, where), _values(side, runs)[where]
    seed_key = _keys(chosen, seeds) if seeds else [(place,) for place in range(len(chosen))]
    index = pd.Index(list(zip(_keys(chosen, over), seed_key, strict=True)), tupleize_cols=False, dtype=object)
    table = pd.DataFrame({"value": values, "seed": [str(key) for key in seed_key]}, index=index)
    table.attrs["reason"] = _why_not(side, runs, chosen, [*over, *fixed, *seeds], index.is_unique)
    return table


def _keys(runs: pd.DataFrame, columns: list[str]) -> list[tuple]:
    """[run] the values of `columns` as one key; numbers to six digits, so that 1 and 1.0 are the same."""
    texts = [[f"{v:.6g}" if isinstance(v, (int, float)) else str(v) for v in runs[name].tolist()] for name in columns]
    return list(zip(*texts, strict=True)) if columns else [()] * len(runs)


def _values(side: Term, runs: pd.DataFrame) -> np.ndarray:
    """[run] float64: 1 or 0 for a phase; the measure, +inf for an event that never came; NaN where unknown."""
    if side.function == "probability":
        phases = GENERALIZED if side.of == "generalized" else (side.of,)
        return series(runs, find("phase", runs.columns)).isin(phases).to_numpy(np.float64)
    name = find(side.of, runs.columns)
    values = numbers(series(runs, name))
    if not name.startswith("steps_to_") and name != "log10_delay":
        return values
    # Diverged and collapsed runs are not censored: whenever they first generalized, they never got there.
    is_late = name == "log10_delay" or "test" in name or "generalized" in name
    fell = series(runs, find("phase", runs.columns)).isin(["diverged", "collapsed"]).to_numpy() & is_late
    never = np.isnan(values) | fell
    if name == "log10_delay":
        at = {event: numbers(series(runs, find(f"steps_to_{event}", runs.columns))) for event in ("fit", "generalized")}
        without_fit = np.isnan(at["fit"]) & ~np.isnan(at["generalized"]) & ~fell
        return np.where(without_fit, -np.inf, np.where(never, np.inf, values))
    return np.where(never, np.inf, values)


def _why_not(side: Term, runs: pd.DataFrame, chosen: pd.DataFrame, named: list[str], is_unique: bool) -> str:
    """Why a side cannot be measured, empty when it can."""
    text = f"{side.function}({', '.join((side.of, *(f'{key}={value}' for key, value in side.where)))})"
    if chosen.empty:
        return f"no run matches {text}"
    undecided = int(np.count_nonzero(chosen["phase"] == "undecided")) if "phase" in chosen.columns else 0
    if undecided and side.of != "undecided":
        return f"{undecided} of {len(chosen)} runs of {text} are undecided"
    if is_unique:
        return ""
    others = [name for name in runs.columns if "." in str(name) and name not in named]
    varying = differing(chosen, named, others)
    return f"{varying[0]!r} varies too: fix it or list it under over" if varying else f"runs of {text} appear twice"


def _compare(
    claim: Claim, values: list[np.ndarray | None], seeds: np.ndarray, left_out: int, options: tuple[float, int, int]
) -> Verdict:
    """Both sides over the pairs, for the seeds as they are and drawn anew."""
    level, resamples, seed = options
    sides, counts = (claim.left, claim.right), (len(seeds), len(np.unique(seeds)), left_out)
    for side, column in zip(sides, values, strict=True):
        if isinstance(side, Term) and column is not None and np.isnan(column).any():
            return _undecided(claim, counts, f"{side.of} is unknown for {np.isnan(column).sum()} runs")

    def statistic(weights: np.ndarray) -> np.ndarray:
        left, right = (_measured(side, column, weights) for side, column in zip(sides, values, strict=True))
        return np.stack([left, right, _minus(left, right)], axis=-1)

    estimate = statistic(np.ones((1, len(seeds)), np.int64))[0]
    if counts[1] < FEWEST_SEEDS:
        parts = [Interval(float(value), np.nan, np.nan) for value in estimate]
        return _verdict(claim, "undecided", parts, counts, f"fewer than {FEWEST_SEEDS} seeds")
    draws = resampled(statistic, seeds, resamples, seed)
    parts = [Interval(float(value), *limits(column, level)) for value, column in zip(estimate, draws.T, strict=True)]
    difference = np.where(np.abs(draws[:, 2]) < _ROUNDING, 0.0, draws[:, 2])
    agreeing = float(np.mean(_COMPARE[claim.operator](difference, 0.0)))
    sure = (1 + level) / 2
    verdict = "holds" if agreeing >= sure else "fails" if agreeing <= 1 - sure else "undecided"
    reason = f"{agreeing:.0%} of the draws of seeds agree" if verdict == "undecided" else ""
    return _verdict(claim, verdict, parts, counts, reason)


def _measured(side: Term | Number, values: np.ndarray | None, weights: np.ndarray) -> np.ndarray:
    """[resample] value of one side."""
    if isinstance(side, Number):
        return np.full(len(weights), side.value)
    if values is None:
        raise ValueError(f"{side.of}: no values")
    if side.function == "probability":
        return weighted_share(values, weights)
    return weighted_median(values, weights)


def _minus(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Difference, 0 where they are the same infinity."""
    same = left == right
    return np.where(same, 0.0, np.where(same, 0.0, left) - np.where(same, 0.0, right))


def _verdict(claim: Claim, verdict: str, parts: list[Interval], counts: tuple[int, int, int], reason: str) -> Verdict:
    left, right, difference = parts
    return Verdict(claim.name, verdict, left, right, difference, *counts, reason=reason)


def _undecided(claim: Claim, counts: tuple[int, int, int], reason: str) -> Verdict:
    return _verdict(claim, "undecided", [Interval(np.nan, np.nan, np.nan)] * 3, counts, reason)
