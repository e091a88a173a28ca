"""Where do cells that fill no lattice lie, such as random draws? At their values, on linear or logarithmic axes."""

import dataclasses

import numpy as np

from grokjax.analysis.diagram import PhaseDiagram
from grokjax.report.cell_axis import axis_scale

_MOST_VALUES = 8  # uneven values that are still read as rows of a lattice
_FILLED = 0.25  # a lattice of which less is filled is none
_WIDEST_LINEAR = 5.0  # values within this factor are drawn on a linear axis whatever their distribution
_MARGIN = 0.06  # of the length of the axis, beyond the outermost points


@dataclasses.dataclass(frozen=True)
class PointAxis:
    """An axis on which points have the place of their value.

    Attributes:
      scale: "linear" or "log".
      low, high: its ends, beyond the outermost values.
    """

    scale: str
    low: float
    high: float

    def share(self, values: np.ndarray) -> np.ndarray:
        """How far along the axis values lie, from 0 to 1."""
        ends = np.array([self.low, self.high])
        values, ends = (np.log10(values), np.log10(ends)) if self.scale == "log" else (values, ends)
        return (values - ends[0]) / (ends[1] - ends[0])


def is_scattered(diagram: PhaseDiagram) -> bool:
    """Whether its cells are better drawn as points: numbers that are far from even, or a lattice mostly empty."""
    axes = [diagram.x, diagram.y] if diagram.y_name else [diagram.x]
    if not all(np.issubdtype(values.dtype, np.number) for values in axes):
        return False
    is_uneven = any(len(values) > _MOST_VALUES and axis_scale(values.astype(np.float64)) == "even" for values in axes)
    is_large = all(len(values) > _MOST_VALUES / 2 for values in axes)
    return bool(is_uneven or (is_large and np.count_nonzero(diagram.n) <= _FILLED * diagram.n.size))


def point_axis(values: np.ndarray) -> PointAxis:
    """The axis of sorted numbers: logarithmic where their logarithms are spread more evenly."""
    numbers = values.astype(np.float64)
    is_log = numbers[0] > 0 and numbers[-1] >= _WIDEST_LINEAR * numbers[0]
    is_log = bool(is_log and _evenness(np.log10(numbers)) >= _evenness(numbers))
    ends = np.log10(numbers[[0, -1]]) if is_log else numbers[[0, -1]]
    margin = _MARGIN * (ends[1] - ends[0]) or abs(ends[0]) / 2 or 0.5
    low, high = ends[0] - margin, ends[1] + margin
    return PointAxis("log", 10.0**low, 10.0**high) if is_log else PointAxis("linear", float(low), float(high))


def _evenness(values: np.ndarray) -> float:
    """How straight sorted values rise with their rank: 1 for even ones."""
    return float(np.corrcoef(values, np.arange(len(values)))[0, 1]) if len(values) > 1 else 1.0
