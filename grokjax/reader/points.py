"""The points of a sweep: each is path -> value, one value of every axis. None is made before it is asked for.

Points follow the axes in order, the last axis fastest, without those that `exclude` leaves out.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from grokjax.core.part import Part
from grokjax.reader.axes import Axis
from grokjax.reader.conditions import holds, read_condition, values_there
from grokjax.reader.errors import wrong
from grokjax.reader.paths import fields_of, replaced
from grokjax.reader.run import Minibatch, Run
from grokjax.reader.shown_values import as_column, value_records
from grokjax.reader.value_names import value_aliases, value_names


class Points:
    """The points of some axes on a base run.

    `points[index]` is what a point sets: path -> value, a part where a whole part is an axis.

    Attributes:
      base: the run that every point changes.
      axes: directions of the grid, the first slowest.
      exclude: conditions; a point is left out when any holds.
    """

    def __init__(
        self,
        base: Run,
        axes: tuple[Axis, ...] = (),
        exclude: tuple[str, ...] = (),
        chosen: np.ndarray | None = None,
    ):
        """Points of which none is made yet.

        Args:
          chosen: [point] int64, numbers in the full grid, in place of those that `exclude` leaves; None for all these.
        """
        self.base, self.axes, self.exclude, self._chosen = base, axes, exclude, chosen

    def __len__(self) -> int:
        return self.grid_size if self._kept is None else len(self._kept)

    def __getitem__(self, index: int) -> dict[str, Any]:
        if not 0 <= index < len(self):
            raise IndexError(f"point {index} of {len(self)}")
        rest = self.number(index)
        values = []
        for axis in reversed(self.axes):
            rest, position = divmod(rest, len(axis))
            values.append(axis.point(position))
        return {path: value for point in reversed(values) for path, value in point.items()}

    def number(self, index: int) -> int:
        """Number of a point in the full grid."""
        return int(index if self._kept is None else self._kept[index])

    def only(self, numbers: np.ndarray) -> "Points":
        """Some of these points, by their numbers in the full grid."""
        return Points(self.base, self.axes, (), numbers)

    @property
    def grid_size(self) -> int:
        """Points with those that `exclude` leaves out."""
        return math.prod(len(axis) for axis in self.axes)

    @property
    def paths(self) -> tuple[str, ...]:
        """Dotted paths of everything that differs between points."""
        return tuple(path for axis in self.axes for path in axis.paths)

    def run(self, index: int) -> Run:
        """The base run as a point changes it; its seeds are the base's, but for axes over seeds."""
        return at_point(self.base, self[index])

    def columns(self) -> dict[str, np.ndarray]:
        """Path -> [point]: floats and whole numbers as such, everything else as objects, whole parts by their names."""
        columns = self._grid_columns()
        return columns if self._kept is None else {path: column[self._kept] for path, column in columns.items()}

    def distinct(self, axes: Sequence[Axis]) -> np.ndarray:
        """[combination] int64, the first point of each different combination of values of these axes of the sweep."""
        number = np.arange(self.grid_size) if self._kept is None else self._kept
        code, inner = np.zeros(len(number), np.int64), self.grid_size
        for axis in self.axes:
            inner //= len(axis)
            if axis in axes:
                code = code * len(axis) + number // inner % len(axis)
        return np.sort(np.unique(code, return_index=True)[1])

    def check(self) -> None:
        """Evaluate the conditions of `exclude`.

        Raises:
          SpecError: a condition cannot be read, leaves nothing out, or they leave everything out.
        """
        _ = self._kept

    @functools.cached_property
    def value_records(self) -> dict[str, list[dict[str, Any]]]:
        """Path -> what is said and stored of its values, for axes whose values are whole parts; see `value_names`."""
        return {
            path: value_records(values, path, axis.names_of(path))
            for axis in self.axes
            for path, values in axis.columns()
            if any(_is_whole(value) for value in values)
        }

    @functools.cached_property
    def axis_values(self) -> dict[str, np.ndarray]:
        """Path -> [point of its axis], as tables, plans and conditions show the values."""
        columns = {}
        for path, values in ((path, values) for axis in self.axes for path, values in axis.columns()):
            columns[path] = as_column(values, path)
            if path in self.value_records:
                names = value_names(self.value_records[path])
                columns[path][:] = [names.get(text, text) for text in columns[path].tolist()]
        return columns

    @functools.cached_property
    def _kept(self) -> np.ndarray | None:
        """Numbers in the full grid of the points that are not left out; None when all are in."""
        if not self.exclude:
            return self._chosen
        columns = self._grid_columns()
        aliases = {path: value_aliases(records) for path, records in self.value_records.items()}
        left_out = np.zeros(self.grid_size, bool)
        for index, text in enumerate(self.exclude):
            key = f"exclude.{index}"
            condition = read_condition(text, key)
            matched = holds(condition, columns, key, aliases)
            if not matched.any():
                raise wrong(key, "leaves no cell out", text, values_there(condition, columns))
            left_out |= matched
        if left_out.all():
            raise wrong("exclude", "leaves every cell out")
        return np.flatnonzero(~left_out)

    def _grid_columns(self) -> dict[str, np.ndarray]:
        """Path -> [point of the full grid]."""
        columns, inner = {}, self.grid_size
        for axis in self.axes:
            inner //= len(axis)
            outer = self.grid_size // (inner * len(axis))
            for path in axis.paths:
                values = self.axis_values[path]
                columns[path] = np.broadcast_to(values[None, :, None], (outer, len(axis), inner)).reshape(-1)
        return columns


def at_point(base: Run, point: Mapping[str, Any]) -> Run:
    """A run with the settings of a point: a whole part first, then what is in it."""
    for path in sorted(point, key=lambda path: len(fields_of(path))):
        base = replaced(base, path, point[path])
    return base


def _is_whole(value: Any) -> bool:
    """Whether a value is a part or several, which are too long to be read as text."""
    items = value if isinstance(value, tuple) else (value,)
    return any(isinstance(item, Part) and not isinstance(item, Minibatch) for item in items)
