"""From a sweep's folder to what is shown of it: the phase diagram, the learning curves, the verdicts on its claims."""

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grokjax.analysis.claims import make_claim
from grokjax.analysis.diagram import phase_diagram
from grokjax.analysis.stopping import audit
from grokjax.analysis.verdicts import judge
from grokjax.report.curve_figure import draw_curves
from grokjax.report.curves import cell_curves
from grokjax.report.phase_table import write_csv
from grokjax.report.phase_text import phase_text
from grokjax.report.wording import audit_remark, number_text, repeats_remark

if TYPE_CHECKING:  # importing it is slow, and only the functions' arguments name it
    from grokjax.store.results import Results


def show_phases(
    results: "Results", runs: pd.DataFrame, rule: str, x: str | None, y: str | None, out: str | None, name: str
) -> str:
    """The phase diagram as text for this terminal; also written to a file when `out` names one.

    Args:
      runs: of the results, under the rule; possibly a selection.
      x, y: axes; None for the first and second axis of the sweep that are not seeds.
      out: `.png`, `.svg`, `.pdf` or `.csv`.
    """
    x, y = choose_axes(results.groups, runs, x, y)
    diagram = phase_diagram(runs, x, y)
    notes = [*_audit_notes(results, runs), *filter(None, [repeats_remark(runs)])]
    is_selection = len(runs) < len(results.runs)
    counts = {} if is_selection else {"finished": _finished(results), "total": results.spec["num_runs"]}
    if out and out.endswith(".csv"):
        write_csv(diagram, out)
    elif out:
        from grokjax.report.phase_figure import draw_phases

        draw_phases(diagram, name, out, rule=rule, notes=notes, **counts)
    width = shutil.get_terminal_size((100, 40)).columns
    text = phase_text(diagram, sys.stdout.isatty(), width, title=name, rule=rule, notes=notes, **counts)
    return text + "\n" + (f"written: {out}\n" if out else "")


def _audit_notes(results: "Results", runs: pd.DataFrame) -> list[str]:
    """What is known of the runs that the stop rule left alone; nothing without a stop rule."""
    rule = results.spec["stop"]
    if rule is None:
        return []
    shown = results.runs["run_id"].isin(runs["run_id"]).to_numpy()
    is_audited = np.asarray(results.runs["is_audited"], bool)[shown]
    return [audit_remark(audit(results.looks.take(shown), is_audited, rule["steps"], rule["ratio"]))]


def _finished(results: "Results") -> int:
    """Number of runs that will not be trained further; those in a lane are shown too, as far as they are."""
    runs = results.runs
    is_over = (runs["stop_reason"] != "budget") | (runs["final_step"] >= results.spec["steps"])
    return int(np.count_nonzero(is_over & (runs["status"] != "running")))


def choose_axes(
    groups: Sequence[Sequence[str]], runs: pd.DataFrame, x: str | None, y: str | None
) -> tuple[str, str | None]:
    """The axes of a diagram; by default the first two of the sweep, vertical the second.

    Of axes that move together one says it all, and the seeds of a stream are an axis only where nothing else is.

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
    x = x or next((path for path in free if not _together(groups, path, y)), None)
    if x is None:
        raise ValueError("the sweep has no axis; name a column of `grokjax table`")
    return x, y or next((path for path in free if not _together(groups, path, x)), None)


def _together(groups: Sequence[Sequence[str]], path: str, other: str | None) -> bool:
    return other is not None and (path == other or any(path in group and other in group for group in groups))


def write_curves(results: "Results", chosen: np.ndarray, title: str, path: Path) -> int:
    """Learning curves of the chosen runs [run] bool, a band a cell; gives their number."""
    runs = results.runs.loc[chosen].reset_index(drop=True)
    groups, notes = cell_curves(results.looks.take(chosen), runs, results.spec["axes"], title)
    name = results.spec["name"] + (f": {title}" if len(groups) > 1 else "")
    draw_curves(groups, name, path, notes=notes)
    return len(runs)


def claims_text(claims: Sequence[dict[str, Any]], phases: Callable[[str], pd.DataFrame]) -> str:
    """Each claim with what was measured and the verdict.

    Args:
      claims: as in a sweep file.
      phases: the table of runs, labelled by the rule of this name.
    """
    lines = []
    for claim in claims:
        rule = claim.get("rule") or "default"
        found = judge(make_claim(claim["name"], claim["that"], claim.get("over", ())), phases(rule))
        under = "" if rule == "default" else f" (phases by {rule})"
        lines.append(f"{claim['name']}\n  claim     {claim['that']}{under}")
        published = claim.get("published")
        lines.append(f"  published {'-' if published is None else number_text(published)}")
        left_out = f", {found.left_out} runs left out" if found.left_out else ""
        lines.append(
            f"  measured  {found.left.estimate:.3g} against {found.right.estimate:.3g}, "
            f"difference {found.difference.estimate:.3g} [{found.difference.low:.3g}, {found.difference.high:.3g}] "
            f"over {found.pairs} pairs, {found.seeds} seeds{left_out}"
        )
        lines.append(f"  verdict   {found.verdict}" + (f": {found.reason}" if found.reason else ""))
    return "\n".join(lines)
