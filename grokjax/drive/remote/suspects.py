"""Which runs end their workers? One whose worker died twice is trained alone; if it dies again, the run has failed."""

import collections

from grokjax.orders.order import Order

ALONE, FAILED = 2, 3
"""Deaths of its worker after which a run is trained alone, and after which it is given up."""


class Suspects:
    """Deaths by run.

    Attributes:
      waiting: orders to be trained alone, in turn.
      failed: run ids that are given up.
    """

    def __init__(self) -> None:
        self._deaths: collections.Counter[str] = collections.Counter()
        self.waiting: collections.deque[Order] = collections.deque()
        self.failed: list[str] = []

    def note(self, orders: list[Order]) -> list[Order]:
        """A worker died with these; gives those that may be trained beside others again."""
        self._deaths.update(order.run_id for order in orders)
        self.failed += [order.run_id for order in orders if self._deaths[order.run_id] == FAILED]
        self.waiting.extend(order for order in orders if self._deaths[order.run_id] == ALONE)
        return [order for order in orders if self._deaths[order.run_id] < ALONE]

    def is_suspect(self, order: Order) -> bool:
        """Whether it is to be alone in its worker."""
        return self._deaths[order.run_id] >= ALONE
