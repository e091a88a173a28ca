"""How does something drawn with rich become plain or coloured text of a given width?"""

import io
from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

WIDTH = 100
BUSY = 0.8
"""Share of the cores below which it is said that the machine is busy."""


def rendered(view: RenderableType, colour: bool = False, width: int = WIDTH) -> str:
    """A renderable as text without a final newline; with ANSI colours only if `colour`."""
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        color_system="truecolor" if colour else None,
        legacy_windows=False,
        highlight=False,
    )
    with console.capture() as captured:
        console.print(view, soft_wrap=False)
    return "\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n"))


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """Two columns: what, and what it is; texts wrap inside their column."""
    table = Table.grid(padding=(0, 2), pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(Text(name), Text(text))
    return table


def duration_text(seconds: float) -> str:
    """`0:01:20`, or with days `2 d 03:00:00`."""
    whole = max(0, round(seconds))
    days, rest = divmod(whole, 86_400)
    hours, minutes, last = rest // 3600, rest // 60 % 60, rest % 60
    return f"{days} d {hours:02}:{minutes:02}:{last:02}" if days else f"{hours}:{minutes:02}:{last:02}"


def busy_text(seconds: float, cpu_share: float | None) -> str:
    """What other work on the machine would do to a forecast if it went on; empty where there is little of it.

    Args:
      seconds: the forecast, without that work.
      cpu_share: part of the cores asked for that were there; None where no CPU was timed.
    """
    if cpu_share is None or cpu_share >= BUSY:
        return ""
    beside = duration_text(max(1.0, seconds / max(cpu_share, 0.01)))
    return f"the machine is busy: other work takes {100 * (1 - cpu_share):.0f} % of the cores, about {beside} beside it"
