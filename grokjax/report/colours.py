"""How is each phase told apart: by colour, by letter, and by hatching where colours are printed grey?

The colours keep their distance in simulated protanopia, deuteranopia and tritanopia. Those that fall together in grey
have different hatches. Figures and terminal use the same.
"""

import dataclasses

from grokjax.analysis.rules import PHASES


@dataclasses.dataclass(frozen=True)
class PhaseStyle:
    """How one phase is shown.

    Attributes:
      letter: capital where all runs of a cell agree.
      colour: `#rrggbb` of the field.
      hatch: as in Matplotlib; empty for a plain field.
    """

    letter: str
    colour: str
    hatch: str = ""

    @property
    def ink(self) -> str:
        """Colour of letters and hatches on the field: black or white, whichever stands out more."""
        return "#000000" if luminance(self.colour) > _EVEN else "#ffffff"


_EVEN = 0.1791
"""Luminance of a field on which black and white stand out equally: the root of 0.05 * 1.05, less 0.05."""

PHASE_STYLES: dict[str, PhaseStyle] = {
    "confusion": PhaseStyle("F", "#cccccc"),
    "memorization": PhaseStyle("M", "#eaa327"),
    "grokking": PhaseStyle("G", "#2454a2"),
    "comprehension": PhaseStyle("C", "#209a80"),
    "unfit": PhaseStyle("U", "#af83da", "||||"),
    "collapsed": PhaseStyle("X", "#95371b", "xxxx"),
    "coexistence": PhaseStyle("E", "#77c8fd", "////"),
    "partial_inversion": PhaseStyle("P", "#427aa1"),
    "full_inversion": PhaseStyle("V", "#002a7a"),
    "forgetting": PhaseStyle("O", "#b45660", "xxxx"),
    "diverged": PhaseStyle("D", "#262626", "\\\\\\\\"),
    "undecided": PhaseStyle("?", "#ffffff", "...."),
}
"""One entry for each of `rules.PHASES`."""


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`, from 0 (black) to 1 (white), as WCAG defines it."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def phase_letters(counts: dict[str, int]) -> str:
    """Counts by phase in one short line, such as `M 40 G 30`, in the order of legends."""
    return " ".join(f"{PHASE_STYLES[name].letter} {counts[name]:,}" for name in PHASES if counts.get(name))
