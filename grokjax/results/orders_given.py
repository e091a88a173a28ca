"""The orders of a stored sweep, as far as its runs have ended: the source is asked again and gives the same answers."""

import functools
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from grokjax.orders.ledger import is_over
from grokjax.orders.order import Orders
from grokjax.orders.sources import NotAllEndedError, rounds, source_of
from grokjax.reader.sweep import Sweep
from grokjax.results.reading import read_dataset
from grokjax.results.table import judged_table


def orders_given(root: Path, sweep: Sweep) -> Iterator[Orders]:
    """The orders of each round of a sweep that a folder holds; a round comes when all before it have ended."""
    return rounds(source_of(sweep), functools.partial(_table_of, root))


def _table_of(root: Path, rounds: Sequence[Orders]) -> pd.DataFrame:
    """The table of the runs of these orders, in their order; raises `NotAllEndedError`."""
    dataset, spec, _ = read_dataset(root)
    position = {run_id: index for index, run_id in enumerate(dataset["run_id"].values.tolist())}
    wanted = [order.run_id for order in itertools.chain(*rounds)]
    is_done = is_over(dataset["stop_reason"].values, dataset["final_step"].values, spec["steps"]) if position else []
    if any(run_id not in position or not is_done[position[run_id]] for run_id in wanted):
        raise NotAllEndedError
    return judged_table(dataset.isel(run=[position[run_id] for run_id in wanted]), spec)
