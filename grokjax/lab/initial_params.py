"""What a run starts from that does not draw all its parameters: those of a stored run, as they are, or pruned."""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from grokjax.core.parameter_paths import fits, path_name
from grokjax.lab.pruning import pruned
from grokjax.orders.order import Orders
from grokjax.orders.pairing import paired
from grokjax.orders.sources import source_of
from grokjax.reader.errors import wrong
from grokjax.reader.file_paths import split_source
from grokjax.reader.points import Points
from grokjax.reader.run import Run, StoredInit
from grokjax.reader.sweep import Sweep
from grokjax.results.stored_params import flat_stored_params, nested_params
from grokjax.store.files import Arrays
from grokjax.store.head import read_head
from grokjax.store.layout import Layout, StoreError

_MOST_STARTS = 100  # their weights are read
_MOST_ORDERS = 5000


def initial_params_of(run: Run) -> dict[str, Any] | None:
    """Nested parameters that a run starts from, as `Values` has them; None when its model draws all.

    Raises:
      StoreError: the source is not stored.
      SpecError: it is of a network of another shape.
    """
    init, signature = paired(run).init, run.task.signature()
    if init is None:
        return None
    wanted = jax.eval_shape(lambda: run.model.init(jax.random.key(0), signature))
    shapes = {path_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(wanted)}
    _refuse_idle_patterns(init, list(shapes))
    copied = {name: leaf for name, leaf in _stored(init, init.step).items() if not fits(name, init.draw)}
    drawn = {name: np.zeros(leaf.shape, leaf.dtype) for name, leaf in shapes.items() if fits(name, init.draw)}
    _refuse_other_shapes(init, copied, {name: leaf for name, leaf in shapes.items() if name not in drawn})
    if init.prune is not None and not any(leaf.ndim >= 2 for leaf in copied.values()):
        raise wrong("init.prune", "no matrix comes from the source, all are drawn", list(init.draw))
    if init.prune is not None:
        copied = pruned(init.prune, run.seeds, copied, _stored(init, init.prune.at))
    return nested_params(copied | drawn)


def check_starts(sweep: Sweep) -> None:
    """Refuse a sweep whose runs start from what is not stored, or from a network of another shape.

    Raises:
      SpecError: with the key and the reason.
    """
    for run in _different_starts(source_of(sweep).first()):
        try:
            initial_params_of(run)
        except StoreError as error:
            raise wrong("init.from", str(error)) from None


def _different_starts(orders: Orders) -> Iterator[Run]:
    """The first runs that start from different networks; of the others it is only found out from which run."""
    seen = set()
    numbers = np.linspace(0, len(orders) - 1, min(len(orders), _MOST_ORDERS)).astype(int)
    for number in numbers.tolist() if any(_has_init(grid.points) for grid in orders.grids) else ():
        run = orders[number].run
        if run.init is None:
            continue
        patterns = run.init.draw, run.init.freeze, run.init.mask
        read = run.init.source, run.init.step, patterns, run.init.prune and run.init.prune.at
        start = read, jax.tree.structure(run.model), jax.tree.structure(run.task)
        if start not in seen and len(seen) < _MOST_STARTS:
            seen.add(start)
            yield run


def _has_init(points: Points) -> bool:
    return points.base.init is not None or "init" in points.paths


def _stored(init: StoredInit, step: int) -> Arrays:
    """Parameters by path of the source run after so many updates."""
    folder, run_id = Path(split_source(init.source)[0]), split_source(init.source)[1]
    head, _ = read_head(Layout(folder)) if Layout(folder).spec_json.exists() else (None, "")
    return _read_once(folder, run_id, int(step), "" if head is None else repr(sorted(head.files.items())))


@functools.lru_cache(maxsize=32)
def _read_once(folder: Path, run_id: str, step: int, committed: str) -> Arrays:
    """Read anew once anything was committed; the runs of a seed follow one another and start from the same network."""
    return flat_stored_params(folder, run_id, step)


def _refuse_idle_patterns(init: StoredInit, names: list[str]) -> None:
    for key in ("freeze", "mask", "draw"):
        for pattern in getattr(init, key):
            if not any(fits(name, [pattern]) for name in names):
                raise wrong(f"init.{key}", "fits no parameter", pattern, f"they are {', '.join(names)}")


def _refuse_other_shapes(init: StoredInit, stored: Arrays, wanted: dict[str, Any]) -> None:
    shapes = {name: leaf.shape for name, leaf in stored.items()}
    for name in sorted(wanted.keys() | shapes.keys()):
        needs, has = wanted.get(name), shapes.get(name)
        if needs is None or has is None or needs.shape != has:
            has, needs = has or "nothing", "nothing" if needs is None else needs.shape
            raise wrong("init.from", f"the stored run has {has} at {name}, this model needs {needs}", init.source)
