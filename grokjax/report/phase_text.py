"""Which phase holds where, in the terminal: one letter a cell, capital where all its runs agree."""

from collections.abc import Sequence

import numpy as np
from rich.console import Group, RenderableType
from rich.style import Style
from rich.text import Text

from grokjax.analysis.diagram import PhaseDiagram
from grokjax.analysis.rules import Rule
from grokjax.report.colours import PHASE_STYLES
from grokjax.report.point_text import point_blocks
from grokjax.report.points import is_scattered
from grokjax.report.terminal import WIDTH, rendered
from grokjax.report.wording import banner, number_text, phase_counts, phase_name, remarks

MIXED = "·"
"""Stands behind the letter of a cell whose runs do not all agree."""
_WIDEST_CELL = 7
_LONGEST_LABEL = 40
_LONGEST_BAR = 60


def phase_text(diagram: PhaseDiagram, colour: bool = False, width: int = WIDTH, **options: object) -> str:
    """`phase_view` as text, with ANSI colours only if `colour`."""
    return rendered(phase_view(diagram, width=width, **options), colour, width)  # type: ignore[arg-type]


def phase_view(
    diagram: PhaseDiagram,
    title: str = "",
    *,
    rule: str | Rule = "default",
    finished: int | None = None,
    total: int | None = None,
    notes: Sequence[str] = (),
    width: int = WIDTH,
) -> RenderableType:
    """A phase diagram of letters on coloured fields, large values of y at the top, with legend and remarks.

    Args:
      diagram: of `analysis.diagram.phase_diagram`.
      title: first line.
      rule: that gave the phases.
      finished, total: runs that ended, of all runs of the sweep; says PARTIAL when they differ.
      notes: further sentences at the end.
      width: of the terminal; a wider diagram is cut into pieces below each other.
    """
    lines = [Text(title, style="bold")] if title else []
    warning = banner(diagram, finished, total)
    if warning:
        lines.append(Text(f" {warning} ", style=Style(color="#ffffff", bgcolor="#b3261e", bold=True)))
    is_points = bool(diagram.y_name) and is_scattered(diagram)
    draw = point_blocks if is_points else _blocks if diagram.y_name else _bars
    blocks = draw(diagram, width)
    sentences = [
        *_explained(diagram, rule, is_points),
        *(Text(line, style="dim") for line in [*remarks(diagram, rule), *notes]),
    ]
    return Group(*lines, *blocks, Text(""), *sentences)


def cell_mark(diagram: PhaseDiagram, row: int, column: int) -> str:
    """A capital letter where all runs agree, else a small one with a dot, or `=` for a tie; nothing without runs."""
    phase = diagram.dominant[row, column]
    if not phase:
        return ""
    letter = PHASE_STYLES[phase].letter
    if diagram.counts[row, column].max() == diagram.n[row, column]:
        return letter
    return letter.lower() + ("=" if diagram.tied[row, column] else MIXED)


def _blocks(diagram: PhaseDiagram, width: int) -> list[Text]:
    """The diagram, cut at the right end of the terminal."""
    rows = [_shortened(number_text(value)) for value in diagram.y.tolist()]
    columns = [_shortened(number_text(value)) for value in diagram.x.tolist()]
    margin = max(map(len, rows)) + 1
    room = max(width - margin - 1, 2)
    longest = max(map(len, columns)) + 1
    cell = max(2, min(max(longest, 3), _WIDEST_CELL, room // len(columns)))
    each = max(1, room // cell)
    are_listed = longest > cell and not np.issubdtype(diagram.x.dtype, np.number)  # names have nothing in between
    lines = [Text(f"{diagram.y_name} (upwards)", style="italic")]
    for start in range(0, len(columns), each):
        indices = range(start, min(start + each, len(columns)))
        lines += [_row(diagram, row, indices, rows[row].rjust(margin - 1), cell) for row in reversed(range(len(rows)))]
        lines += [] if are_listed else [_column_labels([columns[index] for index in indices], margin, cell)]
    names = f": {', '.join(columns)}" if are_listed else ""
    lines.append(Text(" " * margin + f"{diagram.x_name} (to the right){names}", style="italic"))
    return lines


def _row(diagram: PhaseDiagram, row: int, columns: range, label: str, cell: int) -> Text:
    line = Text(label + " ")
    for column in columns:
        mark = cell_mark(diagram, row, column)
        style = PHASE_STYLES.get(diagram.dominant[row, column])
        left = (cell - 1) // 2
        shown = (" " * left + mark).ljust(cell)[:cell]
        line.append(shown, Style(color=style.ink, bgcolor=style.colour) if style and mark else None)
    return line


def _column_labels(labels: Sequence[str], margin: int, cell: int) -> Text:
    """Labels under their columns, as many as do not touch."""
    every = max(1, -(-(max(map(len, labels)) + 1) // cell))
    line = ""
    for index in range(0, len(labels), every):
        label = labels[index].center(cell) if every == 1 else " " * ((cell - 1) // 2) + labels[index]
        line = line.ljust(margin + index * cell) + label
    return Text(line.rstrip())


def _bars(diagram: PhaseDiagram, width: int) -> list[Text]:
    """Over one axis: a bar a value, divided by the shares of its phases, with the number of runs behind it."""
    labels = [_shortened(number_text(value)) for value in diagram.x.tolist()]
    margin, ends = max(map(len, labels)), [f" {n:,}" for n in diagram.n[0].tolist()]
    room = max(10, min(_LONGEST_BAR, width - margin - 1 - max(map(len, ends))))
    lines = [Text(f"{diagram.x_name}, runs by phase", style="italic")]
    for column, label in enumerate(labels):
        line = Text(label.rjust(margin) + " ")
        reached = np.rint(room * np.cumsum(diagram.counts[0, column]) / diagram.n[0, column]).astype(int)
        for phase, length in zip(diagram.phases, np.diff(reached, prepend=0).tolist(), strict=True):
            style = PHASE_STYLES[phase]
            line.append(style.letter * length, Style(color=style.ink, bgcolor=style.colour))
        lines.append(line.append(ends[column]))
    return lines


def _shortened(label: str) -> str:
    """A name without its middle where it is long: what tells names apart often stands at their ends."""
    half = _LONGEST_LABEL // 2
    return label if len(label) <= _LONGEST_LABEL else f"{label[:half]}…{label[-half + 1 :]}"


def _explained(diagram: PhaseDiagram, rule: str | Rule, is_points: bool) -> list[Text]:
    """The legend: letter, phase, runs; and what small letters mean when there are some."""
    counts, runs = phase_counts(diagram), int(diagram.n.sum())
    lines = []
    for phase in diagram.phases:
        style = PHASE_STYLES[phase]
        line, share = Text(), f"{100 * counts[phase] / runs:.0f} %"
        line.append(f" {style.letter} ", Style(color=style.ink, bgcolor=style.colour))
        lines.append(line.append(f" {phase_name(phase, rule):<18}{counts[phase]:>7,} runs {share:>6}"))
    if is_points:
        lines.append(Text("Every draw is at its values; small: runs at this place do not all agree", style="dim"))
        return lines
    if diagram.y_name and np.any(diagram.entropy > 0):
        tie = ", g= two or more phases are equally frequent" if diagram.tied.any() else ""
        lines.append(Text(f"G all runs agree, g{MIXED} most frequent of several phases{tie}", style="dim"))
    if np.any(diagram.n == 0):
        lines.append(Text("blank: no run", style="dim"))
    return lines
