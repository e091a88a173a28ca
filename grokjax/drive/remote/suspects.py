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
        dead = [order.run_id for order in orders if self._deaths[order.run_id] >= FAILED]
        self.failed += [run_id for run_id in dead if run_id not in self.failed]
        self.waiting.extend(order for order in orders if self._deaths[order.run_id] == ALONE)
        return [order for order in orders if self._deaths[order.run_id] < ALONE]

    def begin_cohort(self) -> None:
        """None of the orders that wait is of the cohort that begins, or it is in its queue again."""
        self.waiting.clear()

    def acquit(self, run_id: str) -> None:
        """It has ended, so it did not fail."""
        if run_id in self.failed:
            self.failed.remove(run_id)

    def is_suspect(self, order: Order) -> bool:
        """Whether it is to be alone in its worker."""
        return self._deaths[order.run_id] >= ALONE
