"""From a sweep's folder to what is shown of it: the phase diagram, the learning curves, the verdicts on its claims."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grokjax.analysis.claims import make_claim
from grokjax.analysis.diagram import PhaseDiagram, phase_diagram
from grokjax.analysis.importance import importance
from grokjax.analysis.intervals import Interval
from grokjax.analysis.near_misses import near_misses
from grokjax.analysis.rules import Rule, find_rule
from grokjax.analysis.stop_conditions import is_looked_at, stop_conditions
from grokjax.analysis.stopping import audit
from grokjax.analysis.verdicts import Verdict, judge, undecided
from grokjax.orders.ledger import is_over
from grokjax.report.curve_figure import draw_curves
from grokjax.report.curves import cell_curves, default_measures
from grokjax.report.phase_table import write_csv
from grokjax.report.phase_text import phase_text
from grokjax.report.points import is_scattered
from grokjax.report.wording import audit_remark, importance_remarks, near_remark, number_text, repeats_remark

if TYPE_CHECKING:  # importing it is slow, and only the functions' arguments name it
    from grokjax.results.results import Results


def show_phases(
    results: "Results", runs: pd.DataFrame, rule: str | Rule, x: str | None, y: str | None, out: str | None, name: str
) -> str:
    """The phase diagram as text for this terminal; also written to a file when `out` names one.

    Args:
      runs: of the results, under the rule; possibly a selection.
      x, y: axes; None for the first and second axis of the sweep that are not seeds.
      out: `.png`, `.svg`, `.pdf` or `.csv`.
    """
    x, y = choose_axes(results.groups, runs, x, y)
    diagram = phase_diagram(runs, x, y)
    notes, counts = [*_drawn_notes(results, runs, diagram), *notes_on(results, runs, rule)], _counts(results, runs)
    if out and out.endswith(".csv"):
        write_csv(diagram, out, rule)
    elif out:
        from grokjax.report.phase_figure import draw_phases

        draw_phases(diagram, name, out, rule=rule, notes=notes, **counts)
    width = shutil.get_terminal_size((100, 40)).columns
    text = phase_text(diagram, sys.stdout.isatty(), width, title=name, rule=rule, notes=notes, **counts)
    return text + "\n" + (f"written: {out}\n" if out else "")


def draw_diagram(
    results: "Results", runs: pd.DataFrame, rule: str | Rule, x: str, y: str | None, path: Path
) -> PhaseDiagram:
    """Write the phase diagram over two axes as a figure, with all that is said below it; gives its numbers."""
    from grokjax.report.phase_figure import draw_phases

    diagram = phase_diagram(runs, x, y)
    notes = [*_drawn_notes(results, runs, diagram), *notes_on(results, runs, rule)]
    draw_phases(diagram, results.name, path, rule=rule, notes=notes, **_counts(results, runs))
    return diagram


def partial_warning(results: "Results", runs: pd.DataFrame) -> str:
    """The warning above what may still change."""
    counts = _counts(results, runs)
    is_partial = counts and counts["finished"] < counts["total"]
    return f"PARTIAL: {counts['finished']:,} of {counts['total']:,} runs finished" if is_partial else ""


def _counts(results: "Results", runs: pd.DataFrame) -> dict[str, Any]:
    """Runs that ended, of all; of a selection nobody can say."""
    is_selection = len(runs) < len(results.runs)
    return {} if is_selection else {"finished": finished_runs(results), "total": results.spec["num_runs"]}


def notes_on(results: "Results", runs: pd.DataFrame, rule: str | Rule) -> list[str]:
    """Sentences that belong beside runs: near misses, the audit of the stop rule, repeated runs."""
    near = near_misses(runs, rule)
    near_misses_text = [near_remark(near, rule)] if near else []
    return [*near_misses_text, *_audit_notes(results, runs), *filter(None, [repeats_remark(runs)])]


def _drawn_notes(results: "Results", runs: pd.DataFrame, diagram: PhaseDiagram) -> list[str]:
    """What of settings that were drawn at random matters most."""
    return importance_remarks(importance(runs, _settings(results))) if is_scattered(diagram) else []


def _settings(results: "Results") -> list[str]:
    return [path for path in results.spec["axes"] if not path.startswith("seeds.")]


def _audit_notes(results: "Results", runs: pd.DataFrame) -> list[str]:
    """What is known of the runs that the stop rule left alone; nothing without a stop rule."""
    rule = results.spec["stop"]
    if rule is None:
        return []
    shown = results.runs["run_id"].isin(runs["run_id"]).to_numpy()
    is_audited = np.asarray(results.runs["is_audited"], bool)[shown]
    conditions = stop_conditions(rule)
    audited = [condition for condition in conditions if is_looked_at(results.looks, condition.measure)]
    others = [condition.measure for condition in conditions if condition not in audited]
    unaudited = [f"What the stop rule hides by its condition on {name} is not known." for name in others]
    return [audit_remark(audit(results.looks.take(shown), is_audited, audited)), *unaudited]


def finished_runs(results: "Results") -> int:
    """Number of runs that will not be trained further; those in a lane are shown too, as far as they are."""
    runs = results.runs
    ended = is_over(runs["stop_reason"], runs["final_step"], results.spec["steps"])
    return int(np.count_nonzero(ended & (runs["status"] != "running")))


def choose_axes(
    groups: Sequence[Sequence[str]], runs: pd.DataFrame, x: str | None, y: str | None
) -> tuple[str, str | None]:
    """The axes of a diagram; by default the first two of the sweep, vertical the second.

    Of axes that move together one says it all, but not of settings that are drawn together. The seeds of a stream are
    an axis only where nothing else is.

    Args:
      groups: the axes of the sweep, those that move together in one list.

    Raises:
      ValueError: the sweep has no axis, or both axes are the same.
    """
    if x is not None and x == y:
        raise ValueError(f"x and y are both {x}")
    paths = [path for group in groups for path in group]
    varying = [path for path in paths if len(runs[path].unique()) > 1] or paths
    free = [path for path in varying if not path.startswith("seeds.")] or varying
    x = x or next((path for path in free if not _together(groups, runs, path, y)), None)
    if x is None:
        raise ValueError("the sweep has no axis; name a column of `grokjax table`")
    return x, y or next((path for path in free if not _together(groups, runs, path, x)), None)


def _together(groups: Sequence[Sequence[str]], runs: pd.DataFrame, path: str, other: str | None) -> bool:
    """Whether one of two axes says what the other says: in one group, and not drawn independently."""
    if other is None or path == other:
        return other is not None
    return any(path in group and other in group for group in groups) and not _are_drawn(runs, path, other)


def _are_drawn(runs: pd.DataFrame, path: str, other: str) -> bool:
    """Whether one of two settings neither rises nor falls with the other, as independent draws do not."""
    if not all(pd.api.types.is_numeric_dtype(runs[name]) for name in (path, other)):
        return False
    pairs = sorted(set(zip(runs[path].tolist(), runs[other].tolist(), strict=True)))
    steps = np.diff([second for _, second in pairs])
    return bool(np.any(steps > 0) and np.any(steps < 0))


def write_curves(
    results: "Results", chosen: np.ndarray, title: str, path: Path, what: Sequence[str] = (), notes: Sequence[str] = ()
) -> int:
    """Curves of the chosen runs [run] bool, a band a cell; gives their number.

    Args:
      what: measures by name; accuracy and loss without any.
      notes: further sentences below the figure.
    """
    runs = results.runs.loc[chosen].reset_index(drop=True)
    measures = {name: results.measured(name) for name in what} or default_measures(results.looks)
    taken = {name: (looks.take(chosen), values[chosen]) for name, (looks, values) in measures.items()}
    groups, pooled = cell_curves(taken, runs, results.spec["axes"], title)
    name = results.spec["name"] + (f": {title}" if len(groups) > 1 else "")
    draw_curves(groups, name, path, notes=[*pooled, *notes])
    return len(runs)


def claims_text(results: "Results", scale: str | None) -> str:
    """Each claim of a sweep with what was published, what was measured and the verdict; how many hold in the last line.

    Args:
      scale: of the sweep file that was trained; None for the sweep in full.
    """
    spec, finished = results.spec, finished_runs(results)
    version = "in full" if scale is None else f"scale {scale}"
    partial = "PARTIAL, " if finished < spec["num_runs"] else ""
    lines = [f"{spec['name']}, {version}: {partial}{finished:,} of {spec['num_runs']:,} runs finished"]
    verdicts = []
    for claim, verdict in judged_claims(results):
        verdicts.append(verdict.verdict)
        lines += ["", claim["name"], *_claim_lines(claim, claim.get("rule") or None, verdict)]
    hold, fail, undecided = (verdicts.count(word) for word in ("holds", "fails", "undecided"))
    return "\n".join([*lines, "", f"claims: {hold} hold, {fail} fail, {undecided} undecided"])


def judged_claims(results: "Results") -> list[tuple[dict[str, Any], Verdict]]:
    """Each claim as the sweep states it, with its verdict under the rule that it names, or that of the sweep."""
    return [(claim, _judged(results, claim)) for claim in results.spec["claims"]]


def _judged(results: "Results", stated: dict[str, Any]) -> Verdict:
    claim = make_claim(stated["name"], stated["that"], stated.get("over", ()))
    try:
        return judge(claim, results.phases(stated.get("rule") or None))
    except ValueError as error:  # no probe gave such a column, which could not be said before
        return undecided(claim, (0, 0, 0), str(error))


def _claim_lines(claim: dict[str, Any], rule: str | dict[str, Any] | None, verdict: Verdict) -> list[str]:
    published = claim.get("published")
    over = f", over {' and '.join(claim['over'])}" if claim.get("over") else ""
    under = f" (phases by {find_rule(rule).title})" if rule else ""
    return [
        f"  claim     {claim['that']}{over}{under}",
        f"  published {'-' if published is None else number_text(published)}",
        f"  measured  {measured_text(verdict)}",
        f"  verdict   {verdict.verdict}" + (f": {verdict.reason}" if verdict.reason else ""),
    ]


def measured_text(verdict: Verdict) -> str:
    """Both sides of a claim, their difference with its interval where one could be given, and over how much."""
    if np.isnan(verdict.left.estimate):
        return "-"
    difference = verdict.difference
    interval = "" if np.isnan(difference.low) else f" [{difference.low:.3g}, {difference.high:.3g}]"
    left_out = f", {verdict.left_out} runs left out" if verdict.left_out else ""
    return (
        f"{_side(verdict.left)} against {_side(verdict.right)}, difference {difference.estimate:.3g}{interval} "
        f"over {verdict.pairs} pairs, {verdict.seeds} seeds{left_out}"
    )


def _side(interval: Interval) -> str:
    return "never" if interval.estimate == np.inf else f"{interval.estimate:.3g}"
