"""The ledger of a sweep's folder: what became of its orders, by run id. Wanted minus done is what is left to train."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from grokjax.orders.order import Order  # imports JAX, which those who only read do without


@dataclasses.dataclass(frozen=True)
class StoredRun:
    """Where a run that ended is stored, and how far it was trained.

    Attributes:
      file: path of its run file below the folder.
      place: of the run in this file.
    """

    file: str
    place: int
    final_step: int
    stop_reason: str


def is_over(stop_reason: Any, final_step: Any, budget: int) -> np.ndarray:
    """[run] whether a stored run needs no more training: it reached the budget, or something else than one ended it."""
    return (np.asarray(stop_reason) != "budget") | (np.asarray(final_step) >= budget)


class Ledger(Mapping[str, StoredRun]):
    """Run id -> the run as it is stored; of one that was continued, the longest."""

    def __init__(self) -> None:
        self._stored: dict[str, StoredRun] = {}

    def __getitem__(self, run_id: str) -> StoredRun:
        return self._stored[run_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)

    def note(self, run_id: str, stored: StoredRun) -> None:
        """A run was committed."""
        known = self._stored.get(run_id)
        if known is None or stored.final_step >= known.final_step:
            self._stored[run_id] = stored

    def forget(self, file: str) -> None:
        """The runs of a run file are lost."""
        self._stored = {run_id: stored for run_id, stored in self._stored.items() if stored.file != file}

    def is_done(self, run_id: str, budget: int) -> bool:
        """Whether a run needs no more training to have `budget` updates."""
        stored = self._stored.get(run_id)
        return stored is not None and bool(is_over(stored.stop_reason, stored.final_step, budget))

    def left(self, orders: Iterable["Order"], budget: int) -> Iterator["Order"]:
        """Orders whose runs need training, one at a time; run ids are made only where a run is stored."""
        return (order for order in orders if not self._stored or not self.is_done(order.run_id, budget))
