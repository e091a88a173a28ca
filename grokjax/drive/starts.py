"""Where a run starts in its lane: before its first update, where a checkpoint left it, or where its budget ended."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from grokjax.orders.order import Order
from grokjax.store.files import Arrays
from grokjax.store.folder import SweepFolder
from grokjax.store.records import continued, pack_history, pack_weights
from grokjax.train.executables import number_format
from grokjax.train.feed import Feed
from grokjax.train.program import Lane, Values
from grokjax.train.worker import Worker


class Starts:
    """Starts of the runs of one cohort."""

    def __init__(
        self,
        values_of: Callable[[Order], Values],
        feed: Feed,
        folder: SweepFolder,
        taken: Mapping[str, Lane],
        worker: Worker,
    ):
        """Know what is stored of a cohort.

        Args:
          values_of: values of an order's run.
          feed: of the cohort.
          folder: with its ledger of finished runs, some of which may go on.
          taken: runs that were in a lane at the checkpoint.
          worker: any worker of the cohort.
        """
        self._values_of, self._feed, self._folder, self._worker = values_of, feed, folder, worker
        self._taken = {run_id: _with_conditions(lane) for run_id, lane in taken.items()}
        self._last: tuple[str, tuple[Arrays | None, Arrays | None]] | None = None

    def start_of(self, order: Order) -> Values | Lane:
        """What to fill a lane with."""
        values, run_id = self._values_of(order), order.run_id
        if run_id in self._taken:
            lane = self._taken[run_id]
            history = pack_history([run_id], [lane], [{}], self._feed.steps, 0)
            return self._go_on(values, history, pack_weights([run_id], [lane]), 0)
        stored = self._folder.ledger.get(run_id)
        if stored is None:
            return values
        history, weights = self._read(stored.file)
        if history is None or weights is None:
            return values  # never stored, or damaged and said so: the run is trained again from its beginning
        return self._go_on(values, history, weights, stored.place)

    def _read(self, file: str) -> tuple[Arrays | None, Arrays | None]:
        """History and weights of a run file; the last one is kept, since its runs follow one another in the queue."""
        if self._last is None or self._last[0] != file:
            self._last = file, (self._folder.read(file), self._folder.read_weights(file))
        return self._last[1]

    def _go_on(self, values: Values, history: Arrays, weights: Arrays, index: int) -> Lane:
        compiled = self._worker.executables
        with number_format(compiled.program):
            fresh = compiled.fresh(jax.device_put(values, compiled.pool.replicated()), compiled.tables)
            lane = jax.tree.map(np.array, fresh)
        schedule = self._feed.schedule
        return continued(lane, history, weights, index, schedule.steps, schedule.is_row, compiled.program.stop_rules)


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
