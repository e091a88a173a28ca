"""Parameters of stored runs: to start other runs from, to export, to look into."""

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from grokjax.core.words import nearest
from grokjax.store.committed import read_file
from grokjax.store.files import Arrays
from grokjax.store.head import Head, read_head
from grokjax.store.layout import Layout, StoreError, UnknownRunError, UnknownStepError

_Place = tuple[str, int]  # a file, and where in it a run is


def nested_params(flat: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Flax variables from parameters by path."""
    nested: dict[str, Any] = {}
    for name, leaf in flat.items():
        *folders, last = name.split("/")
        node = nested
        for folder in folders:
            node = node.setdefault(folder, {})
        node[last] = leaf
    return nested


def flat_stored_params(root: Path, run_id: str, step: int | None = None, with_optimizer: bool = False) -> Arrays:
    """Parameters by path of a stored run after `step` updates; None: after its last.

    Args:
      with_optimizer: whether to add the optimizer's state, `opt_state/...`; it is stored where a run ended.

    Raises:
      UnknownRunError: there is no such run.
      UnknownStepError: nothing was stored at that step.
      StoreError: a file is damaged.
    """
    layout = Layout(root)
    head, _ = read_head(layout) if layout.spec_json.exists() else (None, "")
    if head is None:
        raise StoreError(f"{root} holds no sweep with finished runs.")
    ids: set[str] = set()
    weights: dict[int, _Place] = {}
    last = None
    for name in sorted(one for one in head.files if one.startswith("runs/")):
        history = read_file(root, name, head)
        ids.update(history["run_id"].tolist())
        beside = name.replace("runs/", "weights/")
        for index in np.flatnonzero(history["run_id"] == run_id).tolist():
            end = int(history["final_step"][index])
            last = max(end, last or 0)
            if beside in head.files:
                weights[end] = beside, index
    wanted = last if step is None else step
    failed = None
    if wanted in weights:
        try:
            return _params_at(root, head, weights[wanted], with_optimizer)
        except StoreError as error:
            failed = error
    snapshots = _snapshots_of(root, head, run_id)
    if wanted in snapshots:
        return _params_at(root, head, snapshots[wanted], with_optimizer)
    if failed is not None:
        raise failed
    if last is None:
        close = nearest(run_id, ids)
        hint = f"; did you mean {close!r}?" if close else "; `grokjax table` has the ids."
        raise UnknownRunError(f"{root}: no finished run {run_id!r}{hint}")
    at = "" if step is None else f" at step {step}"
    steps = sorted(weights.keys() | snapshots.keys())
    there = f"; stored are those of {', '.join(map(str, steps))}" if steps else ""
    hint = "`open_results(...).params` makes others by training the run again"
    raise UnknownStepError(f"{root}: no parameters of run {run_id} are stored{at}{there}; {hint}.")


def _snapshots_of(root: Path, head: Head, run_id: str) -> dict[int, _Place]:
    """By step, the snapshots of a run; only the names of the runs and steps are read."""
    snapshots: dict[int, _Place] = {}
    for name in sorted(one for one in head.files if one.startswith("snapshots/")):
        try:
            with np.load(root / name, allow_pickle=False) as file:
                steps = file["step"]
                snapshots |= {
                    int(steps[index]): (name, int(index)) for index in np.flatnonzero(file["run_id"] == run_id)
                }
        except Exception as error:  # zipfile and NumPy raise many kinds for damage
            raise StoreError(f"{root / name} is missing or damaged.") from error
    return snapshots


StoredPlaces = dict[str, dict[int, _Place]]
"""Run id -> updates -> file of the parameters, and where in it they are."""


def stored_places(root: Path) -> StoredPlaces:
    """Where the parameters of all runs of a folder are stored, at their ends and at scheduled steps.

    Raises:
      StoreError: a file is damaged.
    """
    head, _ = read_head(Layout(root))
    places: StoredPlaces = {}
    for name in sorted(head.files) if head is not None else ():
        kind = name.partition("/")[0]
        if kind not in ("runs", "snapshots"):
            continue
        beside = name.replace("runs/", "weights/")
        if head is not None and beside in head.files:
            with np.load(root / name, allow_pickle=False) as file:
                ids, steps = file["run_id"].tolist(), file["final_step" if kind == "runs" else "step"].tolist()
            for index, (run_id, step) in enumerate(zip(ids, steps, strict=True)):
                places.setdefault(run_id, {})[int(step)] = beside, index
    return places


def params_at(root: Path, place: _Place) -> Arrays:
    """Parameters by path at a place of `stored_places`; files are read once for neighbours.

    Raises:
      StoreError: the file is missing or damaged.
    """
    head, _ = read_head(Layout(root))
    if head is None or place[0] not in head.files:
        raise StoreError(f"{root / place[0]} is not committed.")
    stored = _read_once(root, place[0], head.files[place[0]])
    return {key.removeprefix("params/"): leaf[place[1]] for key, leaf in stored.items() if key.startswith("params/")}


@functools.lru_cache(maxsize=4)
def _read_once(root: Path, name: str, digest: str) -> Arrays:
    return read_file(root, name, Head(0, "", {name: digest}, {}))


def _params_at(root: Path, head: Head, place: _Place, with_optimizer: bool = False) -> Arrays:
    name, index = place
    stored = read_file(root, name, head)
    params = {key.removeprefix("params/"): leaf[index] for key, leaf in stored.items() if key.startswith("params/")}
    if not with_optimizer:
        return params
    rest = [key for key in stored if re.fullmatch(r"rest/\d+", key)]
    if not rest:
        hint = "the optimizer's state is stored only where a run ended"
        raise UnknownStepError(f"{root}: at this step the parameters alone are stored; {hint}.")
    # Of a file of before there were names, by number.
    names = stored["rest_name"].tolist() if "rest_name" in stored else [f"opt_state/{key}" for key in rest]
    state = {path: stored[f"rest/{number}"][index] for number, path in enumerate(names)}
    return params | {path: leaf for path, leaf in state.items() if path.startswith("opt_state/")}
