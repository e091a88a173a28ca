"""Who says which runs are wanted? A source: it gives orders, sees their results, and may give more.

A source sees nothing but the table of the runs that it ordered. So a sweep that goes on after a kill asks the same
questions again and gets the same answers, and nothing of a source needs to be stored.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import pandas as pd

from grokjax.orders.arms import Arms
from grokjax.orders.order import Grid, Orders
from grokjax.reader.sweep import Sweep


class Source(Protocol):
    """What gives orders."""

    def first(self) -> Orders:
        """The orders to begin with."""
        ...

    def more(self, table: Callable[[], pd.DataFrame]) -> Orders:
        """Further orders, to be asked for when all so far have ended; no orders when nothing more is wanted.

        Args:
          table: gives one row per run that was ordered so far, in the order of their orders.
        """
        ...


class GridSource:
    """Every point of a sweep's axes at every seed; lists, even steps, zipped and drawn values are axes like others."""

    def __init__(self, sweep: Sweep):
        self._sweep = sweep

    def first(self) -> Orders:
        """All of them at once."""
        return Orders([Grid(self._sweep.points, self._sweep.seeds)])

    def more(self, table: Callable[[], pd.DataFrame]) -> Orders:
        """None."""
        del table
        return Orders([])


def source_of(sweep: Sweep) -> Source:
    """The source that a sweep file describes."""
    return GridSource(sweep) if sweep.compare is None else Arms(sweep, sweep.compare)


class NotAllEndedError(Exception):
    """Runs that a source must see have not ended."""


def rounds(source: Source, table_of: Callable[[Sequence[Orders]], pd.DataFrame]) -> Iterator[Orders]:
    """The orders of a source, round by round.

    Args:
      table_of: the table of the runs of these rounds; `NotAllEndedError` ends the rounds.
    """
    past_rounds = [source.first()]
    while len(past_rounds[-1]):
        yield past_rounds[-1]
        try:
            past_rounds.append(source.more(functools.partial(table_of, tuple(past_rounds))))
        except NotAllEndedError:
            return
