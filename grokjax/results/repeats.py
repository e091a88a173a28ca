"""Which runs have the history of another one, bit for bit? They are one piece of evidence, whatever their run ids say.

Two trainings that differ in anything that reaches an update have no equal losses for long. Equal ones mean that what
tells the two runs apart (a seed that nothing draws from, a setting that this device ignores) changed nothing.
"""

import numpy as np
import pandas as pd
import xarray as xr

LOSSES = ("look/train/loss", "look/test/loss")
"""From which equal histories are told."""
_FEWEST = 3
"""Different losses that a history must have: what is dead or settled at once may well be equal to another."""


def with_repeats(table: pd.DataFrame, dataset: xr.Dataset, cell: list[str]) -> pd.DataFrame:
    """The table of runs with two more columns.

    Args:
      table: one row per run of `dataset`.
      dataset: histories.
      cell: columns of the table that tell cells apart.

    Columns:
      equal_to: the first other run with the same losses at every look after step 0; empty for most.
      is_repeat: whether such a run comes before it in the same cell, so that this one is no further evidence.
    """
    first, repeats = [""] * len(table), np.zeros(len(table), bool)
    ids = table["run_id"].tolist()
    for places in _equal_histories(dataset):
        cells = set[tuple[str, ...]]()
        for index in places:
            first[index] = ids[places[0] if index != places[0] else places[1]]
            own = tuple(str(table[name].iloc[index]) for name in cell)
            repeats[index] = own in cells
            cells.add(own)
    return table.assign(equal_to=np.array(first, object), is_repeat=repeats)


def _equal_histories(dataset: xr.Dataset) -> list[list[int]]:
    """Places of runs with equal histories, each group in the order of the runs."""
    if not dataset.sizes["run"] or not all(name in dataset for name in LOSSES):
        return []
    steps = dataset["look_step"].values
    trained = steps > 0
    losses = [np.where(trained, dataset[name].values, 0).astype(np.float64) for name in LOSSES]
    keys = np.concatenate([np.where(trained, steps, -1).astype(np.float64), *losses], axis=1)
    groups: dict[bytes, list[int]] = {}
    for index, row in enumerate(keys):
        groups.setdefault(row.tobytes(), []).append(index)
    return [
        places
        for places in groups.values()
        if len(places) > 1 and len(np.unique(losses[0][places[0]][trained[places[0]]])) >= _FEWEST
    ]
