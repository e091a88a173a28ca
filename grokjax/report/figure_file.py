"""How is a figure made and written so that it can be printed, its words searched, and its bytes compared?"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib as mpl
from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")
DOTS_PER_INCH = 300
STYLE: Any = {
    "font.family": "DejaVu Sans",  # comes with Matplotlib, so that every machine sets the same lines
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.unicode_minus": True,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.direction": "out",
    "ytick.direction": "out",
    "legend.fontsize": 7,
    "legend.title_fontsize": 7,
    "legend.frameon": False,
    "hatch.linewidth": 0.4,
    "lines.linewidth": 1.2,
    "savefig.facecolor": "white",
    "pdf.fonttype": 42,  # letters stay letters, also in journals that refuse Type 3
    "svg.fonttype": "none",
    "svg.hashsalt": "grokjax",  # otherwise ids are random
    "text.parse_math": True,
    "path.simplify": True,
}
_METADATA: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}

P = ParamSpec("P")


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Run a drawing function under our style, whatever the user's own Matplotlib settings are."""

    @functools.wraps(draw)
    def drawn(*args: P.args, **options: P.kwargs) -> Figure:
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(STYLE)
            return draw(*args, **options)

    return drawn


def check_format(path: str | Path, formats: tuple[str, ...] = FORMATS) -> str:
    """The suffix of a path, in small letters.

    Raises:
      ValueError: no figure can be written with that suffix.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in formats:
        known = f"{', '.join(formats[:-1])} or {formats[-1]}"
        raise ValueError(f"{path}: the name of a figure ends in {known}, not {suffix or 'nothing'}")
    return suffix


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG (300 dots an inch), SVG or PDF by its suffix; the same figure gives the same bytes."""
    suffix = check_format(path)
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        figure.savefig(path, format=suffix[1:], dpi=DOTS_PER_INCH, metadata=_METADATA[suffix])
