"""What must be said beside a phase diagram so that nobody reads too much into it, in figures and terminal alike?"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from grokjax.analysis.diagram import PhaseDiagram
from grokjax.analysis.near_misses import CLOSE, NearMisses
from grokjax.analysis.rules import Rule, find_rule
from grokjax.analysis.stopping import Audit

_GOING_ON = ("running", "unfinished", "not looked at yet")
"""Reasons of `phases.Labels` that more training removes."""
_MOST_REASONS = 3
_OUTCOMES = {
    "generalized": "the share of runs that generalize",
    "steps_to_generalized": "the step at which they do (never is last)",
}
_LOWER = 0.9  # the threshold that is named where a rule's own decides


def number_text(value: object) -> str:
    """A value of an axis, numbers to three digits: `0.3`, `12`, `1e-5`, `x+y`."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)):
        return str(value)
    if float(value).is_integer() and abs(value) < 1e5:
        return str(int(value))
    mantissa, _, exponent = f"{value:.3g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def axis_label(path: str, unit: str = "") -> str:
    """The name of an axis, with its unit if it has one."""
    return f"{path} ({unit})" if unit else path


def phase_name(phase: str, rule: str | Rule = "default") -> str:
    """What a rule calls a phase, in plain words."""
    return find_rule(rule).words.get(phase, phase).replace("_", " ")


def phase_counts(diagram: PhaseDiagram) -> dict[str, int]:
    """Number of runs by phase, over all cells."""
    return {name: int(diagram.counts[..., index].sum()) for index, name in enumerate(diagram.phases)}


def banner(diagram: PhaseDiagram, finished: int | None = None, total: int | None = None) -> str:
    """The warning above a diagram that may still change; empty when it is whole.

    Args:
      diagram: to be shown.
      finished, total: runs that ended, of all runs of the sweep; runs that wait are in no diagram.
    """
    if finished is not None and total is not None and finished < total:
        return f"PARTIAL: {finished:,} of {total:,} runs finished"
    if not diagram.partial:
        return ""
    counted = f"{phase_counts(diagram)['undecided']:,} of {int(diagram.n.sum()):,} runs"
    is_going_on = not diagram.reasons or any(reason in _GOING_ON for reason in diagram.reasons)
    # When all runs ended, more training changes nothing: the rule has no answer.
    return f"PARTIAL: {counted} undecided" if is_going_on else f"UNDECIDED: {counted}"


def remarks(diagram: PhaseDiagram, rule: str | Rule = "default") -> list[str]:
    """Sentences below a diagram: how many runs, which rule, what was pooled or left out, how sure a cell can be."""
    used_rule = find_rule(rule)
    source = f" ({used_rule.paper})" if used_rule.paper else ""
    lines = [f"{int(diagram.n.sum()):,} runs, {_per_cell(diagram)}. Rule {used_rule.title}{source}: {used_rule.about}."]
    decided = np.array([name != "undecided" for name in diagram.phases])
    certain = diagram.low[(diagram.counts == diagram.n[..., None]) & (diagram.counts > 0) & decided]
    if len(certain):
        counted = ", a seed counted as one run" if diagram.pooled else ""
        limit = f"{certain.min():.2f} (lower Wilson limit{counted})"
        lines.append(f"Where all runs of a cell agree, the share is above {limit}.")
    if diagram.reasons:
        most = sorted(diagram.reasons.items(), key=lambda item: -item[1])[:_MOST_REASONS]
        more = "; ..." if len(diagram.reasons) > _MOST_REASONS else ""
        lines.append(f"Undecided: {'; '.join(f'{count:,} {reason}' for reason, count in most)}{more}.")
    if diagram.flags:
        counts = ", ".join(f"{count:,} {flag}" for flag, count in diagram.flags.items())
        lines.append(f"Flags, by runs: {counts}.")
    if diagram.mixed:
        count = f"{diagram.mixed:,} {'cell' if diagram.mixed == 1 else 'cells'}"
        lines.append(
            f"In {count} some runs are judged on novel test examples, others, with few of them, on all of test."
        )
    if diagram.pooled:
        lines.append(f"Pooled in each cell: {', '.join(diagram.pooled)}.")
    if diagram.left_out:
        axes = " or ".join(name for name in (diagram.x_name, diagram.y_name) if name)
        lines.append(f"Left out: {diagram.left_out:,} runs without a value of {axes}.")
    return lines


def near_remark(near: NearMisses, rule: str | Rule = "default") -> str:
    """How many runs have their label from a threshold that they almost reached, and how to set another."""
    labelled = [
        f"{count:,} of {near.labelled[phase]:,} runs labelled {phase_name(phase, rule)}"
        for phase, count in near.close.items()
    ]
    range_text = f"between {100 * CLOSE:g} and {100 * near.value:.10g} % of test"
    hint = f"; `--set {near.threshold}=0.9` sets the threshold to 90 %" if near.value > _LOWER else ""
    return f"{' and '.join(labelled)} end {range_text}{hint}."


def importance_remarks(table: pd.DataFrame) -> list[str]:
    """Which settings go with whether and when runs generalize: rank correlations with their intervals."""
    lines = []
    for outcome, words in _OUTCOMES.items():
        known = [
            row for row in table.to_dict("records") if row["outcome"] == outcome and not np.isnan(row["correlation"])
        ]
        if known:
            settings = ", ".join(map(_correlation, known))
            lines.append(f"Rank correlation with {words}, over {known[0]['cells']:,} draws: {settings}.")
    return lines


def _correlation(row: Mapping[Any, Any]) -> str:
    interval = f" [{row['low']:+.2f}, {row['high']:+.2f}]" if np.isfinite(row["low"]) else ""
    return f"{row['setting']} {row['correlation']:+.2f}{interval}"


def audit_remark(audit: Audit) -> str:
    """How many runs collapsed that the stop rule would have ended before, as far as it was looked at."""
    if not audit.audited:
        return "A stop rule was set and no run was audited: how many would have collapsed later is not known."
    if not audit.stopped:
        return f"{audit.audited:,} runs were trained on in spite of the stop rule, which would have ended none of them."
    others = ((audit.diverged, "diverged"), (audit.late, "generalized only later"))
    fell = f"{audit.collapsed:,} collapsed" + "".join(f" and {count:,} {what}" for count, what in others if count)
    return f"Of {audit.stopped:,} runs that the stop rule would have ended, trained on all the same, {fell}."


def repeats_remark(runs: pd.DataFrame) -> str:
    """How many runs have the history of another one; empty where each is its own."""
    equal = int(np.count_nonzero(runs["equal_to"] != "")) if "equal_to" in runs.columns else 0
    if not equal:
        return ""
    repeated = int(np.count_nonzero(runs["is_repeat"]))
    counted = f"; those of one cell count as one, so {repeated:,} are left out" if repeated else ""
    return f"{equal:,} of {len(runs):,} runs have histories equal to another's, bit for bit{counted}."


def _per_cell(diagram: PhaseDiagram) -> str:
    sizes = diagram.n[diagram.n > 0]
    low, high = int(sizes.min()), int(sizes.max())
    count = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    word = "run" if diagram.pooled else "seed"
    return f"{count} {word}{'s' if high != 1 else ''} per cell"
