"""Where a run starts in its lane: before its first update, where a checkpoint left it, or where its budget ended."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from grokjax.orders.order import Order
from grokjax.store.files import Arrays
from grokjax.store.folder import SweepFolder
from grokjax.store.records import continued, pack_history, pack_weights
from grokjax.train.executables import Executables, number_format
from grokjax.train.feed import Feed
from grokjax.train.program import Lane, Schedule, Values


@dataclasses.dataclass(frozen=True)
class Continuation:
    """A stored run that goes on.

    Attributes:
      values: of the run.
      history, weights: as packed, of this run alone.
      step: updates done.
    """

    values: Values
    history: Arrays
    weights: Arrays
    step: int


class Starts:
    """Starts of the runs of one cohort.

    Attributes:
      taken: runs that were in a lane at the checkpoint, by run id.
    """

    def __init__(
        self, values_of: Callable[[Order], Values], feed: Feed, folder: SweepFolder, taken: Mapping[str, Lane]
    ):
        """Know what is stored of a cohort.

        Args:
          values_of: values of an order's run.
          feed: of the cohort.
          folder: with its ledger of finished runs, some of which may go on.
          taken: runs that were in a lane at the checkpoint.
        """
        self._values_of, self._feed, self._folder = values_of, feed, folder
        self.taken = {run_id: _with_conditions(lane) for run_id, lane in taken.items()}
        self._last: tuple[str, tuple[Arrays | None, Arrays | None]] | None = None

    def start_of(self, order: Order) -> Values | Continuation:
        """What a lane is begun with, see `begun`."""
        values, run_id = self._values_of(order), order.run_id
        if run_id in self.taken:
            lane = self.taken[run_id]
            history = pack_history([run_id], [lane], [{}], self._feed.steps, 0)
            return Continuation(values, history, pack_weights([run_id], [lane]), int(lane.state.step))
        stored = self._folder.ledger.get(run_id)
        if stored is None:
            return values
        history, weights = self._read(stored.file)
        if history is None or weights is None:
            return values  # never stored, or damaged and said so: the run is trained again from its beginning
        alone = slice(stored.place, stored.place + 1)
        return Continuation(values, _rows(history, alone), _rows(weights, alone), stored.final_step)

    def _read(self, file: str) -> tuple[Arrays | None, Arrays | None]:
        """History and weights of a run file; the last one is kept, since its runs follow one another in the queue."""
        if self._last is None or self._last[0] != file:
            self._last = file, (self._folder.read(file), self._folder.read_weights(file))
        return self._last[1]


def begun(start: Values | Lane | Continuation, executables: Executables, schedule: Schedule) -> Values | Lane:
    """What a lane of these programs is filled with.

    Args:
      schedule: of the cohort.
    """
    if not isinstance(start, Continuation):
        return start
    with number_format(executables.program):
        fresh = executables.fresh(jax.device_put(start.values, executables.pool.replicated()), executables.tables)
        lane = jax.tree.map(np.array, fresh)
    rules = executables.program.stop_rules
    return continued(lane, start.history, start.weights, 0, schedule.steps, schedule.is_row, rules)


def taken_first(orders: Iterable[Order], taken: Mapping[str, Any]) -> Iterator[Order]:
    """Orders with those in front whose runs were in a lane at the checkpoint; others are made when they are asked for.

    Args:
      taken: by run id.
    """
    rest, waiting = iter(orders), []
    missing = set(taken)
    while missing and (order := next(rest, None)) is not None:
        if order.run_id in missing:
            missing.discard(order.run_id)
            yield order
        else:
            waiting.append(order)
    yield from waiting
    yield from rest


def _with_conditions(lane: Lane) -> Lane:
    """In checkpoints from before a stop rule could have several conditions, `since` is one number, not [rule]."""
    return lane._replace(book=lane.book._replace(since=np.atleast_1d(lane.book.since)))


def _rows(arrays: Arrays, rows: slice) -> Arrays:
    """Some runs of packed arrays; `rest_name` is of all runs."""
    return {name: array if name == "rest_name" else array[rows] for name, array in arrays.items()}
