"""Random draws in the terminal: the letter of a phase where the values of a draw lie."""

import numpy as np
from rich.style import Style
from rich.text import Text

from grokjax.analysis.diagram import PhaseDiagram
from grokjax.report.colours import PHASE_STYLES
from grokjax.report.points import point_axis
from grokjax.report.wording import number_text

_ROWS, _MOST_COLUMNS = 16, 64


def point_blocks(diagram: PhaseDiagram, width: int) -> list[Text]:
    """The points over two axes; a small letter where the runs at a place do not all agree."""
    x, y = point_axis(diagram.x), point_axis(diagram.y)
    labels = [number_text(float(f"{value:.3g}")) for value in (y.low, y.high)]
    margin = max(map(len, labels)) + 1
    columns = max(10, min(_MOST_COLUMNS, width - margin - 1))
    column = np.minimum((x.share(diagram.x.astype(float)) * columns).astype(int), columns - 1)
    row = np.minimum((y.share(diagram.y.astype(float)) * _ROWS).astype(int), _ROWS - 1)
    counts = np.zeros((_ROWS, columns, len(diagram.phases)), np.int64)
    np.add.at(counts, (row[:, None], column[None, :]), diagram.counts)
    lines = [Text(f"{diagram.y_name} (upwards{_scale_text(y.scale)})", style="italic")]
    for screen_row in reversed(range(_ROWS)):
        label = labels[1] if screen_row == _ROWS - 1 else labels[0] if screen_row == 0 else ""
        lines.append(_row(diagram, counts[screen_row], Text(label.rjust(margin - 1) + " ")))
    low, high = (number_text(float(f"{value:.3g}")) for value in (x.low, x.high))
    lines.append(Text(" " * margin + low + high.rjust(columns - len(low))))
    lines.append(Text(" " * margin + f"{diagram.x_name} (to the right{_scale_text(x.scale)})", style="italic"))
    return lines


def _scale_text(scale: str) -> str:
    return ", log scale" if scale == "log" else ""


def _row(diagram: PhaseDiagram, counts: np.ndarray, line: Text) -> Text:
    """One line of places, from counts [column, phase]."""
    for at_place in counts:
        if not at_place.any():
            line.append("·", Style(dim=True))
            continue
        style = PHASE_STYLES[diagram.phases[int(np.argmax(at_place))]]
        letter = style.letter if at_place.max() == at_place.sum() else style.letter.lower()
        line.append(letter, Style(color=style.ink, bgcolor=style.colour))
    return line
