"""A sweep as one file of HTML that opens offline: diagram, curves, verdicts, numbers, how each can be made again.

Whatever a sweep says of itself is escaped by Jinja2, and the page may load nothing: a report can come from a stranger.
"""

import base64
import shlex
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import markupsafe
import numpy as np
import pandas as pd

from grokjax.analysis.diagram import PhaseDiagram
from grokjax.analysis.rules import Rule, find_rule
from grokjax.report.figure_file import DOTS_PER_INCH
from grokjax.report.phase_table import phase_table
from grokjax.report.pictures import (
    choose_axes,
    draw_diagram,
    finished_runs,
    judged_claims,
    measured_text,
    notes_on,
    write_curves,
)
from grokjax.report.wording import number_text, phase_name
from grokjax.results.stored_sweep import has_arms, written_yaml
from grokjax.store.files import read_json_lines
from grokjax.store.layout import Layout

if TYPE_CHECKING:  # importing it is slow, and only annotations name it
    from grokjax.results.results import Results

MOST_CELLS = 500
_TEMPLATE = Path(__file__).with_name("html_report.html")


def html_report(
    results: "Results",
    rule: Rule,
    rule_words: str = "",
    warned: Sequence[str] = (),
    arms: Sequence[dict[str, Any]] = (),
) -> str:
    """The report of a sweep, or of several together.

    Args:
      rule: that labels the runs.
      rule_words: options by which a command has that rule, such as ` --rule liu2022`.
      warned: what was warned of when the results were opened.
      arms: sections on the arms of a comparison, see `figure_section`. Such a sweep has no diagram and no curves: runs
        that tuned an arm beside runs that compare it are no sample of anything.
    """
    runs, folders = results.phases(rule), [shlex.quote(root.resolve().name) for root in results.roots]
    of_folders = " ".join(folders)
    figures = [] if arms else [*_diagram(results, runs, rule, of_folders + rule_words), *_curves(results, of_folders)]
    page = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_TEMPLATE.read_text())
    return page.render(
        name=results.name,
        sweeps=[
            {"name": spec["name"], "notes": spec["notes"], "tags": spec["tags"], "checksum": spec["spec_hash"],
             "yaml": written_yaml(root, spec)}
            for root, spec in zip(results.roots, results.specs, strict=True)
        ],
        finished=finished_runs(results),
        total=results.spec["num_runs"],
        rule=rule.title,
        phases=_phase_counts(runs, rule),
        remarks=[*warned, *notes_on(results, runs, rule)],
        sections=[*figures, *arms],
        claims=[_claim(claim, verdict) for claim, verdict in judged_claims(results)],
        starts=[facts for root in dict.fromkeys(results.roots) for facts in _starts(root)],
        commands=[
            f"grokjax table {of_folders}{rule_words} --out runs.csv",
            *(f"grokjax verify {folder}" for folder in dict.fromkeys(folders)),
        ],
    )  # fmt: skip


def html_summary(results: "Results") -> str:
    """For notebooks: how many runs ended in which phase, and the diagram, where there are axes and no arms."""
    runs = results.phases(results.rule)
    finished = f"{finished_runs(results):,} of {results.spec['num_runs']:,} runs finished"
    phases = ", ".join(f"{phase} {count:,}" for phase, count in _phase_counts(runs, results.rule))
    line = f"<p>{markupsafe.escape(results.name)}: {finished}. {markupsafe.escape(phases)}</p>"
    with_arms = any(has_arms(root, spec) for root, spec in zip(results.roots, results.specs, strict=True))
    sections = [] if with_arms else _diagram(results, runs, results.rule, "")
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


def _diagram(results: "Results", runs: pd.DataFrame, rule: Rule, words: str) -> list[dict[str, Any]]:
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
        f"grokjax phases {words} --out phases.png",
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
    remark = f"{len(rows):,} cells; shares with intervals ({diagram.interval})."
    if len(rows) > MOST_CELLS:
        remark = f"{remark} The first {MOST_CELLS} are shown; `grokjax phases --out phases.csv` writes all."
    columns = [*axes, "runs", *(phase_name(phase, rule) for phase in phases)]
    return {"table": {"columns": columns, "rows": rows[:MOST_CELLS]}, "remark": remark}


def _share(row: Any) -> str:
    return "" if row["count"] == 0 else f"{row['share']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"


def _curves(results: "Results", folders: str) -> list[dict[str, Any]]:
    if not len(results.runs):
        return []
    chosen = np.ones(len(results.runs), bool)
    return [
        figure_section(
            "Learning curves",
            f"grokjax curves {folders} --out curves.png",
            "Accuracy and loss against the number of updates",
            lambda path: write_curves(results, chosen, "all runs", path),
        )
    ]


def _claim(claim: dict[str, Any], verdict: Any) -> dict[str, Any]:
    published, rule = claim.get("published"), claim.get("rule")
    over = f", over {' and '.join(claim['over'])}" if claim.get("over") else ""
    return {
        "name": claim["name"],
        "that": claim["that"] + over,
        "rule": find_rule(rule).title if rule else "",
        "published": "" if published is None else number_text(published),
        "measured": measured_text(verdict),
        "verdict": verdict.verdict,
        "reason": verdict.reason,
    }


def _phase_counts(runs: pd.DataFrame, rule: Rule) -> list[tuple[str, int]]:
    """Runs of each phase; a run that repeats another of its cell is no further run."""
    counts = runs.loc[~runs["is_repeat"].to_numpy(bool), "phase"].value_counts()
    return [(phase_name(str(phase), rule), int(count)) for phase, count in counts.items()]


def _starts(root: Path) -> list[dict[str, str]]:
    """What each start ran on; neither commands nor folders, which name people and their machines."""
    records = read_json_lines(Layout(root).provenance)
    return [
        {
            "versions": ", ".join(
                f"{name} {version}" for name, version in record.get("packages", {}).items() if version
            ),
            "python": str(record.get("python", "")),
            "device": ", ".join(_counted(str(device["kind"]) for device in record.get("devices", []))),
            "sources": str(record.get("grokjax", {}).get("sources_sha256", ""))[:12],
        }
        for record in records
    ]


def _counted(words: Iterable[str]) -> list[str]:
    return [word if count == 1 else f"{count} x {word}" for word, count in Counter(words).items()]
