"""Do the runs support a claim? Both sides over the same pairs of cells and seeds, with the seeds drawn anew.

A claim is decided when draws of the seeds agree and chance alone is unlikely to make such a difference (`chance.py`):
both at (1 - level) / 2, so that where there is no difference at most that share of sweeps finds one, in each direction.
Equal sides are no evidence for either, `>=` included.
"""

import dataclasses

import numpy as np
import pandas as pd

from grokjax.analysis.censoring import event_values
from grokjax.analysis.chance import fewest_seeds, flip_chance, share_chances
from grokjax.analysis.claims import Claim, Number, Term
from grokjax.analysis.columns import differing, find, matches, rows, seed_columns, series
from grokjax.analysis.intervals import RESAMPLES, Interval, limits, resampled, weighted_median, weighted_share
from grokjax.analysis.rules import GENERALIZED

_ROUNDING = 1e-12  # shares of equal counts may differ by this


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What the runs say of a claim.

    Attributes:
      name: of the claim.
      verdict: "holds" or "fails" when at least (1 + level) / 2 of the draws of seeds say so and its chance without a
        difference is at most (1 - level) / 2; otherwise "undecided".
      left, right: measured values over the pairs, each with its interval over seeds.
      difference: left - right with its interval; 0 where both are never.
      pairs: number of pairs (cell of `over`, seed) that both sides have.
      seeds: number of different seeds among them.
      left_out: number of runs that match one side but have no partner, or an unknown delay.
      reason: why it is undecided, and which runs did not count; empty otherwise.
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
    repeats = sum(table.attrs["repeats"] for table in tables)
    verdict = _judged(claim, sides, tables, (level, resamples, seed))
    if not repeats:
        return verdict
    remark = f"{repeats} runs repeat another of their cell bit for bit and do not count"
    return dataclasses.replace(verdict, reason=f"{verdict.reason}; {remark}" if verdict.reason else remark)


def _judged(
    claim: Claim, sides: list[pd.DataFrame | None], tables: list[pd.DataFrame], options: tuple[float, int, int]
) -> Verdict:
    """The verdict on the sides of a claim, of which `tables` are those that runs have."""
    refusal = next((table.attrs["reason"] for table in tables if table.attrs["reason"]), "") or _unequal(tables)
    shared = tables[0].index
    for table in tables[1:]:
        shared = shared.intersection(table.index)
    left_out = sum(table.attrs["runs"] - len(shared) for table in tables)
    if refusal or not len(shared):
        reason = refusal or "no run matches both sides with the same seed"
        return undecided(claim, (len(shared), tables[0].loc[shared, "seed"].nunique(), left_out), reason)
    values = [None if side is None else side.loc[shared, "value"].to_numpy(np.float64) for side in sides]
    return _compare(claim, values, tables[0].loc[shared, "seed"].to_numpy(), left_out, options)


def _side(side: Term | Number, runs: pd.DataFrame, over: list[str]) -> pd.DataFrame | None:
    """The runs of one side, by cell of `over` and seed: columns "value" and "seed"; attrs["reason"] says why not."""
    if isinstance(side, Number):
        return None
    fixed = [find(key, runs.columns) for key, _ in side.where]
    where = np.ones(len(runs), bool)
    for column, (_, value) in zip(fixed, side.where, strict=True):
        where &= matches(runs, column, value)
    matching = np.count_nonzero(where)
    if "is_repeat" in runs.columns:
        where &= ~series(runs, "is_repeat").to_numpy(bool)
    seeds = seed_columns(runs, but=(*over, *fixed))
    chosen, values = rows(runs, where), _values(side, runs)[where]
    seed_key = _keys(chosen, seeds) if seeds else [(row,) for row in range(len(chosen))]
    index = pd.Index(list(zip(_keys(chosen, over), seed_key, strict=True)), tupleize_cols=False, dtype=object)
    table = pd.DataFrame({"value": values, "seed": [str(key) for key in seed_key]}, index=index)
    if side.of == "log10_delay":  # with neither event there is no delay to compare
        table = rows(table, table["value"].notna().to_numpy())
    table.attrs["runs"], table.attrs["repeats"] = len(chosen), matching - len(chosen)
    table.attrs["budgets"] = set(series(chosen, "budget").tolist()) if "budget" in chosen.columns else set()
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
    return event_values(runs, side.of)


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


def _unequal(tables: list[pd.DataFrame]) -> str:
    """What is said of runs with unequal budgets, empty where all are equal: more steps are more time to get there."""
    budgets = sorted(set().union(*(table.attrs["budgets"] for table in tables)))
    if len(budgets) < 2:
        return ""
    return f"budgets differ: {', '.join(f'{budget:g}' for budget in budgets)} steps; open the folders together"


def _compare(
    claim: Claim, values: list[np.ndarray | None], seeds: np.ndarray, left_out: int, options: tuple[float, int, int]
) -> Verdict:
    """Both sides over the pairs, for the seeds as they are, drawn anew, and each alone."""
    level, resamples, seed = options
    sides, counts = (claim.left, claim.right), (len(seeds), len(np.unique(seeds)), left_out)
    for side, column in zip(sides, values, strict=True):
        if isinstance(side, Term) and column is not None and np.isnan(column).any():
            return undecided(claim, counts, f"{side.of} is unknown for {np.isnan(column).sum()} runs")

    def statistic(weights: np.ndarray) -> np.ndarray:
        left, right = (_measured(side, column, weights) for side, column in zip(sides, values, strict=True))
        return np.stack([left, right, _minus(left, right)], axis=-1)

    estimate = statistic(np.ones((1, len(seeds)), np.int64))[0]
    if counts[1] < fewest_seeds(level):
        parts = [Interval(float(value), np.nan, np.nan) for value in estimate]
        return _verdict(claim, "undecided", parts, counts, f"fewer than {fewest_seeds(level)} seeds")
    draws = resampled(statistic, seeds, resamples, seed)
    parts = [Interval(float(value), *limits(column, level)) for value, column in zip(estimate, draws.T, strict=True)]
    alone = statistic((seeds == np.unique(seeds)[:, None]).astype(np.int64))
    difference = np.where(np.abs(draws[:, 2]) < _ROUNDING, 0.0, draws[:, 2])
    agreeing = float(np.mean(difference > 0)), float(np.mean(difference < 0))
    verdict, reason = _decide(claim, agreeing, _chances(sides, alone), level)
    return _verdict(claim, verdict, parts, counts, reason)


def _chances(sides: tuple[Term | Number, Term | Number], alone: np.ndarray) -> tuple[float, float]:
    """Chances that seeds alone make the left side as much larger, and as much smaller.

    Args:
      sides: of the claim.
      alone: [seed, 3] left, right and difference of each seed.
    """
    difference = np.where(np.abs(alone[:, 2]) < _ROUNDING, 0.0, alone[:, 2])
    if all(isinstance(side, Term) for side in sides):
        return flip_chance(difference), flip_chance(-difference)
    index = 0 if isinstance(sides[0], Term) else 1
    term, number = sides[index], sides[1 - index]
    if isinstance(term, Term) and isinstance(number, Number) and term.function == "probability":
        above, below = share_chances(alone[:, index], number.value)
        return (above, below) if index == 0 else (below, above)
    return flip_chance(np.sign(difference)), flip_chance(-np.sign(difference))


def _decide(claim: Claim, agreeing: tuple[float, float], chances: tuple[float, float], level: float) -> tuple[str, str]:
    """Verdict and reason: draws of the seeds and exact chances must both be sure of one direction.

    Args:
      agreeing: shares of the draws in which the left side is larger, and smaller. Equal sides are no evidence.
      chances: as of `_chances`.
    """
    if claim.operator in ("<", "<="):
        agreeing, chances = (agreeing[1], agreeing[0]), (chances[1], chances[0])
    for verdict, share, chance in zip(("holds", "fails"), agreeing, chances, strict=True):
        if share >= (1 + level) / 2 and chance <= (1 - level) / 2:
            return verdict, ""
    if min(chances) == 1.0:
        return "undecided", "no seed tells the sides apart"
    return (
        "undecided",
        f"{agreeing[0]:.0%} of the draws of seeds agree; the chance without a difference is {chances[0]:.2g}",
    )


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


def undecided(claim: Claim, counts: tuple[int, int, int], reason: str) -> Verdict:
    """A claim that cannot be judged: (pairs, seeds, runs left out) behind it, and why."""
    return _verdict(claim, "undecided", [Interval(np.nan, np.nan, np.nan)] * 3, counts, reason)
