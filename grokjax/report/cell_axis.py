"""Where along an axis do its cells lie, and is the axis linear, logarithmic, or a row of names?"""

import dataclasses

import numpy as np

from grokjax.report.wording import number_text

NARROWEST = 1 / 6
"""Cells narrower than this share of the widest could not be read; the values are then spaced evenly."""
_EVEN_GAPS = 1.05  # gaps of values rounded to six digits differ by less


@dataclasses.dataclass(frozen=True)
class CellAxis:
    """The cells of one axis.

    Attributes:
      scale: "linear", "log", or "even": one place after the other, because the values are texts or far from both.
      labels: [cell] the values as text.
      centres: [cell] positions in the units of the axis; whole numbers from 0 when even.
      edges: [cell + 1] borders between the cells, increasing.
    """

    scale: str
    labels: tuple[str, ...]
    centres: np.ndarray
    edges: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def cell_axis(values: np.ndarray) -> CellAxis:
    """The cells around sorted values [cell]: numbers, or objects where there are texts."""
    labels = tuple(number_text(value) for value in values.tolist())
    if not np.issubdtype(values.dtype, np.number):
        return _even(labels)
    numbers = values.astype(np.float64)
    scale = axis_scale(numbers)
    if scale == "even":
        return _even(labels)
    if scale == "log":
        return CellAxis("log", labels, numbers, 10.0 ** _edges(np.log10(numbers)))
    return CellAxis("linear", labels, numbers, _edges(numbers))


def axis_scale(values: np.ndarray) -> str:
    """The scale on which increasing numbers [cell] lie most evenly; "even" where cells would be slivers on both."""
    if len(values) == 1:
        return "linear"
    is_positive = bool(np.all(values > 0))
    if len(values) == 2:
        return "log" if is_positive and values[1] >= 10 * values[0] else "linear"
    gaps = {"linear": np.diff(values)}
    if is_positive:
        gaps["log"] = np.diff(np.log10(values))
    unevenness = {name: float(gap.max() / gap.min()) for name, gap in gaps.items()}
    best = min(unevenness, key=lambda name: unevenness[name] if unevenness[name] > _EVEN_GAPS else 1.0)
    return best if unevenness[best] <= 1 / NARROWEST else "even"


def _even(labels: tuple[str, ...]) -> CellAxis:
    centres = np.arange(len(labels), dtype=np.float64)
    return CellAxis("even", labels, centres, np.arange(len(labels) + 1) - 0.5)


def _edges(centres: np.ndarray) -> np.ndarray:
    """[cell + 1] halfway between neighbours; the outer cells reach as far outwards as inwards."""
    if len(centres) == 1:
        half = abs(centres[0]) / 2 or 0.5
        return np.array([centres[0] - half, centres[0] + half])
    inner = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - inner[0]], inner, [2 * centres[-1] - inner[-1]]])
