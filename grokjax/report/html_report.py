"""A sweep as one file of HTML that opens offline: diagram, curves, verdicts, numbers, how each can be made again.

Whatever a sweep says of itself is escaped by Jinja2, and the page may load nothing: a report can come from a stranger.
"""

import base64
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import markupsafe
import numpy as np
import pandas as pd

from grokjax.analysis.diagram import PhaseDiagram
from grokjax.analysis.rules import Rule
from grokjax.report.figure_file import DOTS_PER_INCH
from grokjax.report.phase_table import phase_table
from grokjax.report.pictures import (
    choose_axes,
    draw_diagram,
    finished_runs,
    judged_claims,
    measured_text,
    write_curves,
)
from grokjax.report.wording import number_text, phase_name
from grokjax.store.files import read_json_lines
from grokjax.store.layout import Layout

if TYPE_CHECKING:  # importing it is slow, and only annotations name it
    from grokjax.results.results import Results

MOST_CELLS = 500
_TEMPLATE = Path(__file__).with_name("html_report.html")


def html_report(results: "Results", rule: Rule, folders: Sequence[str], more: Sequence[dict[str, Any]] = ()) -> str:
    """The report of a sweep, or of several together.

    Args:
      rule: that labels the runs.
      folders: as they are called in the commands that make its figures again.
      more: further sections, see `figure_section`.
    """
    runs, spec = results.phases(rule), results.spec
    where = " ".join(Path(folder).name for folder in folders)
    finished, total = finished_runs(results), spec["num_runs"]
    sections = [*_diagram(results, runs, rule, where), *_curves(results, where), *more]
    return (
        _environment()
        .from_string(_TEMPLATE.read_text())
        .render(
            name=results.name,
            notes=spec["notes"],
            tags=spec["tags"],
            finished=finished,
            total=total,
            rule=rule.title,
            phases=_phase_counts(runs, rule),
            sections=sections,
            claims=[_claim(claim, verdict) for claim, verdict in judged_claims(results)],
            starts=[facts for root in results.roots for facts in _starts(root)],
            specs=[(one["name"], one["yaml"], one["spec_hash"]) for one in results.specs],
            commands=[f"grokjax table {where} --out runs.csv", f"grokjax verify {where.split()[0]}"],
        )
    )


def html_summary(results: "Results") -> str:
    """The phase diagram of results and their phases in one line, for notebooks; without axes the line alone."""
    runs = results.phases(results.rule)
    finished = f"{finished_runs(results):,} of {results.spec['num_runs']:,} runs finished"
    phases = ", ".join(f"{phase} {count:,}" for phase, count in _phase_counts(runs, results.rule))
    line = f"<p>{markupsafe.escape(results.name)}: {finished}. {markupsafe.escape(phases)}</p>"
    sections = _diagram(results, runs, results.rule, results.roots[0].name)
    return line + "".join(
        f'<img alt="{markupsafe.escape(section["alt"])}" style="width: {section["inches"]}in" '
        f'src="data:image/png;base64,{section["image"]}">'
        for section in sections
    )


def figure_section(title: str, command: str, alt: str, draw: Callable[[Path], Any], **more: Any) -> dict[str, Any]:
    """A section with a figure.

    Args:
      command: that makes the figure again.
      alt: what is said where the figure cannot be seen.
      draw: writes the figure to a path that ends in `.png`.
      more: further entries of a section: `table` with `columns` and `rows`, `text`, `remark`.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "figure.png")
        draw(path)
        content = path.read_bytes()
    image, inches = base64.b64encode(content).decode(), int.from_bytes(content[16:20]) / DOTS_PER_INCH  # of the PNG
    return {"title": title, "command": command, "alt": alt, "image": image, "inches": f"{inches:.2f}", **more}


def _diagram(results: "Results", runs: pd.DataFrame, rule: Rule, where: str) -> list[dict[str, Any]]:
    """The phase diagram and its numbers; nothing for a sweep without axes or without a run."""
    try:
        x, y = choose_axes(results.groups, runs, None, None)
    except ValueError:
        return []
    if not len(runs):
        return []
    drawn: list[PhaseDiagram] = []
    section = figure_section(
        "Phase diagram",
        f"grokjax phases {where} --out phases.png",
        f"Phase diagram over {x}" + (f" and {y}" if y else ""),
        lambda path: drawn.append(draw_diagram(results, runs, rule, x, y, path)),
    )
    return [section | _cells(drawn[0], rule)]


def _cells(diagram: PhaseDiagram, rule: Rule) -> dict[str, Any]:
    """One row per cell: its axes, its runs, and the share of each phase that occurs, with its interval."""
    table = phase_table(diagram, rule)
    axes = [name for name in (diagram.x_name, diagram.y_name) if name]
    phases = [phase for phase in diagram.phases if (table.loc[table["phase"] == phase, "count"] > 0).any()]
    rows = []
    for number in range(len(table) // len(diagram.phases)):
        cell = table.iloc[number * len(diagram.phases) : (number + 1) * len(diagram.phases)].set_index("phase")
        first = cell.iloc[0]
        shares = [_share(cell.loc[phase]) for phase in phases]
        rows.append([*(number_text(first[name]) for name in axes), number_text(int(first["n"])), *shares])
    remark = f"Shares with intervals by {diagram.interval}."
    if len(rows) > MOST_CELLS:
        remark = (
            f"{remark} The first {MOST_CELLS} of {len(rows):,} cells; `grokjax phases --out phases.csv` writes all."
        )
    columns = [*axes, "runs", *(phase_name(phase, rule) for phase in phases)]
    return {"table": {"columns": columns, "rows": rows[:MOST_CELLS]}, "remark": remark}


def _share(row: Any) -> str:
    return "" if row["count"] == 0 else f"{row['share']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"


def _curves(results: "Results", where: str) -> list[dict[str, Any]]:
    if not len(results.runs):
        return []
    chosen = np.ones(len(results.runs), bool)
    return [
        figure_section(
            "Learning curves",
            f"grokjax curves {where} --out curves.png",
            "Accuracy and loss against the number of updates",
            lambda path: write_curves(results, chosen, "all runs", path),
        )
    ]


def _claim(claim: dict[str, Any], verdict: Any) -> dict[str, Any]:
    published = claim.get("published")
    return {
        "name": claim["name"],
        "that": claim["that"],
        "published": "" if published is None else number_text(published),
        "measured": measured_text(verdict),
        "verdict": verdict.verdict,
        "reason": verdict.reason,
    }


def _phase_counts(runs: pd.DataFrame, rule: Rule) -> list[tuple[str, int]]:
    return [(phase_name(str(phase), rule), int(count)) for phase, count in runs["phase"].value_counts().items()]


def _starts(root: Path) -> list[dict[str, str]]:
    """What each start ran on; neither commands nor folders, which name people and their machines."""
    records = read_json_lines(Layout(root).provenance)
    return [
        {
            "versions": ", ".join(
                f"{name} {version}" for name, version in record.get("packages", {}).items() if version
            ),
            "python": str(record.get("python", "")),
            "device": ", ".join(
                f"{device['count']} x {device['kind']}" if "count" in device else str(device["kind"])
                for device in record.get("devices", [])
            ),
            "sources": str(record.get("grokjax", {}).get("sources_sha256", ""))[:12],
        }
        for record in records
    ]


def _environment() -> jinja2.Environment:
    return jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
