"""Reading a sweep's folder, finished or not, without a lock: only what HEAD says is committed."""

import contextlib
import dataclasses
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from grokjax.analysis.history import Looks
from grokjax.analysis.rules import Rule, find_rule
from grokjax.core.words import REPORTED_GROUPS
from grokjax.results.dataset import assemble, read_zarr
from grokjax.results.measured import with_measured
from grokjax.store.committed import read_file, read_spec
from grokjax.store.files import Arrays, bytes_to_arrays, can_steer, checksum
from grokjax.store.head import Head, read_head
from grokjax.store.layout import Layout, StoreError, StoreWarning


def read_dataset(root: Path, with_running: bool = False) -> tuple[xr.Dataset, dict[str, Any], Head | None]:
    """Histories, spec.json and HEAD of a folder.

    Args:
      with_running: whether to add what is known of runs that are still trained.

    Raises:
      StoreError: no sweep is there, or a committed file is damaged.
    """
    dataset, spec, head = _read_dataset(root, with_running)
    replaced = np.isin(dataset["run_id"].values, spec.get("replaced", ()))
    return (dataset.isel(run=~replaced) if replaced.any() else dataset), spec, head


def _read_dataset(root: Path, with_running: bool) -> tuple[xr.Dataset, dict[str, Any], Head | None]:
    """`read_dataset`, with runs that were replaced."""
    layout, spec = Layout(root), read_spec(root)
    head, warning = read_head(layout)
    if warning:
        warnings.warn(f"{root}: {warning}; what was committed last may be missing here.", StoreWarning, stacklevel=5)
    if head is not None and is_complete(head, spec):
        damaged = _damaged(root, head)
        if not damaged:
            return _harmless(read_zarr(layout.history), root), spec, head
        warnings.warn(
            f"{root / damaged} is damaged; the histories are read from runs/ instead.", StoreWarning, stacklevel=5
        )
    files = (
        [] if head is None else [read_file(root, name, head) for name in sorted(head.files) if name.startswith("runs/")]
    )
    if with_running:
        files = [*read_live(layout), *files]  # a finished run of the same id comes later
    dataset = dataset_of(files, root, spec)
    return with_measured(dataset, [] if head is None else _measured(root, head)), spec, head


def dataset_of(files: Sequence[Arrays], root: Path, spec: dict[str, Any]) -> xr.Dataset:
    """One dataset of run files of a folder; each history is meant to reach the steps of its sweep."""
    return with_budget(_harmless(assemble(files, spec["base"]), root), spec["steps"])


def _measured(root: Path, head: Head) -> list[Arrays]:
    """What was measured afterwards; damaged files are left out, since they can be measured again."""
    files = []
    for name in (name for name in sorted(head.files) if name.startswith("measured/")):
        try:
            files.append(read_file(root, name, head))
        except StoreError as error:
            warnings.warn(f"{error} It is left out; `grokjax measure` measures it again.", StoreWarning, stacklevel=6)
    return files


def _harmless(dataset: xr.Dataset, root: Path) -> xr.Dataset:
    """The dataset, refused where a text of it would steer a terminal: it is a stranger's, or damaged."""
    texts = [values.values.ravel().tolist() for values in dataset.variables.values() if values.dtype.kind == "U"]
    if can_steer(texts):
        raise StoreError(f"{root}: the stored settings hold control characters, which no sweep of grokjax has.")
    return dataset


def read_live(layout: Layout) -> list[dict[str, np.ndarray]]:
    """Partial curves of the runs that were in a lane at the last save, as in a run file; none where that is lost."""
    try:
        return [bytes_to_arrays(layout.live_curves.read_bytes())]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        warnings.warn(f"{layout.live_curves} is left out, it is damaged: {error}", StoreWarning, stacklevel=5)
        return []


def with_budget(dataset: xr.Dataset, steps: int) -> xr.Dataset:
    """Histories of which each is meant to reach `steps`, also those stored before the sweep was made longer."""
    return dataset.assign(budget=("run", np.full(dataset.sizes["run"], steps, np.int64)))


def _damaged(root: Path, head: Head) -> str:
    """The first file of the consolidated history that is not what was committed; empty when all are."""
    for name, digest in sorted(head.files.items()):
        if name.startswith("history.zarr/"):
            try:
                content = (root / name).read_bytes()
            except OSError:
                return name
            if checksum(content) != digest:
                return name
    return ""


def is_complete(head: Head | None, spec: dict[str, Any]) -> bool:
    """Whether everything of the sweep that spec.json describes is consolidated."""
    return head is not None and head.is_complete and head.spec_hash == spec["spec_hash"]


def rule_of(spec: dict[str, Any]) -> Rule:
    """The phase rule of a sweep, from its spec.json; the default one in folders written before it could be set."""
    return find_rule(spec.get("rule", "default"))


def whole_runs(root: Path) -> set[str]:
    """Run ids in the committed run files that are not damaged."""
    head, _ = read_head(Layout(root))
    whole: set[str] = set()
    if head is None:
        return whole
    for name in sorted(one for one in head.files if one.startswith("runs/")):
        with contextlib.suppress(StoreError):
            whole.update(read_file(root, name, head)["run_id"].tolist())
    return whole


def looks_of(dataset: xr.Dataset, constants: dict[str, Any]) -> Looks:
    """What the analysis reads, from a dataset of histories."""
    columns = {
        str(name).removeprefix("look/"): values.values
        for name, values in dataset.data_vars.items()
        if str(name).startswith("look/") and values.dims == ("run", "look")
    }
    runs = dataset.sizes["run"]
    if not runs:  # nothing has ended yet
        names = ("correct", "n", "loss", "accuracy", "objective")
        columns = {f"{group}/{name}": np.zeros((0, 1), np.int64) for group in REPORTED_GROUPS for name in names}
    first = [columns[f"{group}/n"][:, 0] for group in REPORTED_GROUPS]
    reasons = dataset["stop_reason"].values if runs else np.zeros(0, "U8")
    return Looks(
        steps=dataset["look_step"].values if runs else np.zeros((0, 1), np.int64),
        columns=columns,
        sizes={group: np.asarray(sizes, np.int64) for group, sizes in zip(REPORTED_GROUPS, first, strict=True)},
        diverged=reasons == "diverged",
        budget=dataset["budget"].values if runs else np.zeros(0, np.int64),
        stop_reason=reasons,
        settings={
            "label_noise": dataset["label_noise"].values if runs else np.zeros(0),
            "loss": _loss_kinds(dataset, constants),
            "steps_per_epoch": dataset["steps_per_epoch"].values if runs else np.zeros(0, np.int64),
        },
    )


def _loss_kinds(dataset: xr.Dataset, constants: dict[str, Any]) -> np.ndarray:
    """[run] kind of the loss; where losses are an axis, it is the first word of its label."""
    if "loss" not in dataset:
        return np.full(dataset.sizes["run"], constants["loss"])
    return np.array([str(text).partition(" ")[0] for text in dataset["loss"].values], dtype=str)


def rows_of(dataset: xr.Dataset, looks: Looks) -> Looks:
    """The same runs at the steps at which all measures were taken; without counts."""
    steps = dataset["step"].values.astype(np.int64)
    return dataclasses.replace(looks, steps=steps, columns={}, sizes={})


def measured_rows(rows: Looks, values: np.ndarray) -> tuple[Looks, np.ndarray]:
    """The steps of each run at which a measure has a value, and the values, float64 [run, step].

    One that was taken afterwards has none at other steps: NaN, or -1 among whole numbers, stands for that.
    """
    is_nothing = values == -1 if values.dtype.kind in "iu" else np.isnan(values)
    is_row = rows.present & ~is_nothing
    first = np.argsort(~is_row, axis=1, kind="stable")  # those with a value, in their order, then the others
    is_row, steps, numbers = (np.take_along_axis(one, first, axis=1) for one in (is_row, rows.steps, values))
    steps = np.where(is_row, steps, -1)
    return dataclasses.replace(rows, steps=steps), np.where(is_row, numbers.astype(np.float64), np.nan)
