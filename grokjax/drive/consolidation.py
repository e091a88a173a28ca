"""The end of a sweep: all histories in one Zarr dataset, all runs in one table, both ordered by the spec."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from grokjax.core.words import REPORTED_GROUPS
from grokjax.results.dataset import assemble, write_zarr
from grokjax.results.measured import with_measured
from grokjax.results.reading import with_budget
from grokjax.results.table import as_csv, judged_table
from grokjax.store.committed import read_spec
from grokjax.store.files import checksum, write_atomically
from grokjax.store.folder import SweepFolder
from grokjax.store.layout import StoreError


def consolidate(folder: SweepFolder, run_ids: Sequence[str]) -> None:
    """Write history.zarr and table.csv, then commit the sweep as complete.

    Args:
      run_ids: all of the sweep, in its order.

    Raises:
      StoreError: a run is missing.
    """
    layout = folder.layout
    dataset, table = ended_runs(folder, run_ids)
    for name in _silent_measures(dataset):
        folder.warn("never_measured", f"{name} is not a number at any step of any run: its measure never gave one")
    partial = layout.root / ".history.zarr.tmp"
    shutil.rmtree(partial, ignore_errors=True)
    write_zarr(dataset, partial)
    shutil.rmtree(layout.history, ignore_errors=True)
    partial.rename(layout.history)
    write_atomically(layout.table, as_csv(table).encode())
    kept = {
        name: digest
        for name, digest in folder.head.files.items()
        if not name.startswith(("history.zarr/", "table.csv"))
    }
    written = [layout.table, *(path for path in sorted(layout.history.rglob("*")) if path.is_file())]
    sums = {_name(path, layout.root): checksum(path.read_bytes()) for path in written}
    folder.commit(files={**kept, **sums}, checkpoints={}, is_complete=True)
    folder.clear_checkpoints()
    layout.live_curves.unlink(missing_ok=True)
    folder.log("complete", runs=len(table))


def ended_runs(folder: SweepFolder, run_ids: Sequence[str]) -> tuple[xr.Dataset, pd.DataFrame]:
    """Histories and table of some runs, in the order of their ids; one that comes twice has two rows.

    Raises:
      StoreError: a run is missing.
    """
    root = folder.layout.root
    spec = read_spec(root)
    files = [folder.read(name) for name in sorted(folder.head.files) if name.startswith("runs/")]
    dataset = assemble([arrays for arrays in files if arrays is not None], spec["base"], run_ids)
    measured = [folder.read(name) for name in sorted(folder.head.files) if name.startswith("measured/")]
    dataset = with_measured(with_budget(dataset, spec["steps"]), [arrays for arrays in measured if arrays is not None])
    missing = len(run_ids) - dataset.sizes["run"]
    if missing:
        raise StoreError(f"{root}: {missing} runs are not stored; run the same command again to train them.")
    return dataset, judged_table(dataset, spec)


def _silent_measures(dataset: xr.Dataset) -> list[str]:
    """Measures that never fired. Of `fit` a group may be empty, which its count says."""
    return [
        str(name)
        for name, values in dataset.data_vars.items()
        if values.dims[:2] == ("run", "k")
        and values.dtype.kind == "f"
        and str(name).split("/")[0] not in REPORTED_GROUPS
        and values.size
        and bool(np.isnan(values.values).all())
    ]


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
