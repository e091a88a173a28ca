"""Orders: which runs are wanted. An order makes one run and is known by its run id.

Orders are numbered from 0 and made when asked for: nothing is as long as their list, however many there are.
"""

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from grokjax.core.words import STREAMS
from grokjax.orders.identity import run_id
from grokjax.orders.pairing import seeded_run
from grokjax.reader.plans import SeedPlan
from grokjax.reader.points import Points
from grokjax.reader.run import Run
from grokjax.reader.shown_values import shown_setting, shown_value
from grokjax.reader.sweep import Sweep

_SHUFFLE_SEED = 0


@dataclasses.dataclass(frozen=True)
class Grid:
    """Every point of some with every seed of some: order `point * seeds + seed`.

    Attributes:
      also: paths of further settings that tell its runs from those of other grids.
    """

    points: Points
    seeds: SeedPlan
    also: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.points) * self.num_seeds

    @property
    def num_seeds(self) -> int:
        """Orders of each point."""
        return len(self.seeds.values)

    def run(self, point: int, seed: int) -> Run:
        """The run of a point and a seed, by their numbers."""
        return seeded_run(self.points, self.seeds, point, seed)


@dataclasses.dataclass(frozen=True, eq=False)
class Order:
    """A point with a seed.

    Attributes:
      number: among the orders that it is one of.
      cell: number of its point among their points.
      grid, point, seed: where it comes from, by numbers in its grid.
      paths: of the settings that tell its run from those of the other orders.
    """

    number: int
    cell: int
    grid: Grid
    point: int
    seed: int
    paths: tuple[str, ...]

    @functools.cached_property
    def run(self) -> Run:
        """What is to be trained."""
        return self.grid.run(self.point, self.seed)

    @functools.cached_property
    def run_id(self) -> str:
        """By which the run is known everywhere."""
        return run_id(self.run)

    @property
    def settings(self) -> dict[str, Any]:
        """What sets the run apart, as plain values: settings by path, empty where it has none, and the four seeds."""
        point, base = self.grid.points[self.point], self.grid.points.base
        settings = {
            path: shown_value(point[path], path) if path in point else shown_setting(base, path) for path in self.paths
        }
        return {**settings, **{f"seeds.{name}": getattr(self.run.seeds, name) for name in STREAMS}}


class Orders:
    """The orders of one or more grids, one grid after the other.

    Attributes:
      grids: of which at most one run is the same in two places of one grid.
      paths: of the settings that tell their runs apart.
      share: `(I, N)`, every N-th in the order of training from the I-th on, counted from 0.
    """

    def __init__(self, grids: Sequence[Grid], share: tuple[int, int] = (0, 1)):
        self.grids, self.share = tuple(grids), share
        self._ends = np.cumsum([0, *map(len, self.grids)])
        self._cells = np.cumsum([0, *(len(grid.points) for grid in self.grids)])
        self.paths = tuple(dict.fromkeys(path for grid in self.grids for path in (*grid.points.paths, *grid.also)))

    def __len__(self) -> int:
        return int(self._ends[-1])

    @property
    def num_cells(self) -> int:
        """Points of all grids."""
        return int(self._cells[-1])

    def __iter__(self) -> Iterator[Order]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> Order:
        if not 0 <= number < len(self):
            raise IndexError(f"order {number} of {len(self)}")
        grid_index = int(np.searchsorted(self._ends, number, side="right")) - 1
        grid = self.grids[grid_index]
        point, seed = divmod(int(number - self._ends[grid_index]), grid.num_seeds)
        return Order(int(number), int(self._cells[grid_index]) + point, grid, point, seed, self.paths)

    def first_of(self, cell: int) -> Order:
        """The order of a cell at its first seed."""
        grid_index = int(np.searchsorted(self._cells, cell, side="right")) - 1
        return self[int(self._ends[grid_index] + (cell - self._cells[grid_index]) * self.grids[grid_index].num_seeds)]

    def cells_of(self, numbers: np.ndarray) -> np.ndarray:
        """[order] int64, the cell of each order."""
        grid_index = np.searchsorted(self._ends, numbers, side="right") - 1
        seeds = np.array([grid.num_seeds for grid in self.grids])
        return self._cells[grid_index] + (numbers - self._ends[grid_index]) // seeds[grid_index]

    @functools.cached_property
    def _turn(self) -> np.ndarray:
        return self._in_turn()

    def in_turn(self) -> np.ndarray:
        """[order] int64, numbers in the order of training: seed by seed, cells shuffled, always the same way.

        Of several orders of one run, as different grids may give, the first has a turn.
        """
        return self._turn

    def _in_turn(self) -> np.ndarray:
        turns = []
        for seed in range(max((grid.num_seeds for grid in self.grids), default=0)):
            for grid, first in zip(self.grids, self._ends, strict=False):
                if seed < grid.num_seeds:
                    shuffled = np.random.Generator(np.random.PCG64(_SHUFFLE_SEED)).permutation(len(grid.points))
                    turns.append(first + shuffled * grid.num_seeds + seed)
        turn = np.concatenate(turns) if turns else np.zeros(0, np.int64)
        if len(self.grids) < 2:
            return turn[self.share[0] :: self.share[1]]
        ids = [self[int(number)].run_id for number in turn]
        first = {run_id: index for index, run_id in reversed(list(enumerate(ids)))}
        return turn[sorted(first.values())][self.share[0] :: self.share[1]]


class Queue:
    """Orders that wait for a lane, in turn; true while there are any."""

    def __init__(self, orders: Iterable[Order]):
        self._rest = iter(orders)
        self._next = next(self._rest, None)

    def put_back(self, orders: Sequence[Order]) -> None:
        """Let these wait again, in front of the others."""
        waiting = [*orders, *([] if self._next is None else [self._next])]
        self._rest = itertools.chain(waiting, self._rest)
        self._next = next(self._rest, None)

    def __bool__(self) -> bool:
        return self._next is not None

    def take(self) -> Order:
        """The next one, which waits no more.

        Raises:
          IndexError: none waits.
        """
        if self._next is None:
            raise IndexError("no order waits")
        taken, self._next = self._next, next(self._rest, None)
        return taken


def distinct_runs(rounds: Iterable[Orders]) -> list[str]:
    """Run ids of orders, each once, in their order."""
    return list(dict.fromkeys(order.run_id for orders in rounds for order in orders))


def count_runs(rounds: Sequence[Orders]) -> int:
    """How many different runs orders have; those of a single grid are different."""
    if sum(len(orders.grids) for orders in rounds) < 2:
        return sum(len(range(len(orders))[orders.share[0] :: orders.share[1]]) for orders in rounds)
    return len(distinct_runs(rounds))


def grid_orders(sweep: Sweep) -> Orders:
    """The orders of a sweep's grid: order i is cell i // seeds at seed i % seeds."""
    return Orders([Grid(sweep.points, sweep.seeds)])
