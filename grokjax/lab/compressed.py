"""A network as its shortest code within a tolerance: whole numbers and a step, in a small file, and back again.

What `description_length` found (DeMoss et al. 2024) is written down: each parameter as multiples of the step Delta, a
matrix that needs less so as two factors.
"""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from grokjax.core.parameter_paths import path_names
from grokjax.probes.coarse_graining import CoarseGraining
from grokjax.results.stored_params import nested_params
from grokjax.store.files import Arrays

_STEP, _FACTORS = "delta", ("/left", "/right")
_GROUP = "description_length"


def chosen_code(history: xr.Dataset, tolerance: float, step: int) -> tuple[float, float]:
    """Delta and threshold of the code of `bytes_E`, as measured.

    Args:
      history: of one run, dimension k.
      tolerance: E in nats, one of those that were measured.
      step: after how many updates.

    Raises:
      ValueError: it was not measured there, or no code is within the tolerance.
    """
    rows = np.flatnonzero(history["step"].values == step)
    deltas = history[f"{_GROUP}/delta"].values if f"{_GROUP}/delta" in history else np.zeros((0, 0))
    measured = history[f"{_GROUP}/tolerance"].values[rows[0]] if len(deltas) and len(rows) else np.zeros(0)
    if not np.isfinite(measured).any():
        raise ValueError(f"{_GROUP} is not measured after {step} updates; `grokjax measure DIR --what {_GROUP}` does")
    index = np.flatnonzero(np.isclose(measured, tolerance))
    if not len(index):
        there = ", ".join(f"{value:g}" for value in measured[np.isfinite(measured)])
        raise ValueError(f"no code within {tolerance:g} nats was looked for; there are {there}")
    delta, threshold = (history[f"{_GROUP}/{name}"].values[rows[0], index[0]] for name in ("delta", "threshold"))
    if not np.isfinite(delta):
        raise ValueError(f"no code is within {tolerance:g} nats of this network")
    return float(delta), float(threshold)


def compressed_arrays(params: Any, delta: float, threshold: float) -> Arrays:
    """The code of a network as arrays of whole numbers: `PATH`, or `PATH/left` and `PATH/right`, and `delta`.

    Args:
      params: nested dict of float arrays.
    """
    graining = CoarseGraining(params)
    ranks = graining.ranks(threshold)
    levels, arrays = iter(graining.levels(delta, ranks)), {_STEP: np.array(delta)}
    for name, leaf, rank in zip(path_names(params), graining.leaves, ranks, strict=True):
        if rank is None:
            arrays[name] = _small(next(levels))
        else:
            arrays |= {f"{name}{side}": _small(next(levels)) for side in _FACTORS}
            arrays[f"{name}/shape"] = np.array(leaf.shape)
    return arrays


def write_compressed(path: Path, arrays: Arrays) -> None:
    """Write what `compressed_arrays` gave."""
    np.savez_compressed(path, allow_pickle=False, **arrays)


def load_compressed(path: str | Path) -> dict[str, Any]:
    """Flax variables of a network written by `grokjax export DIR RUN_ID --format compressed`; float32."""
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    step = np.float32(arrays.pop(_STEP))
    flat = {name: values * step for name, values in arrays.items() if not name.endswith((*_FACTORS, "/shape"))}
    for name in (name.removesuffix("/shape") for name in arrays if name.endswith("/shape")):
        left, right = (arrays[f"{name}{side}"].astype(np.float32) for side in _FACTORS)
        flat[name] = (left @ right * (step * step)).reshape(arrays[f"{name}/shape"])
    return nested_params({name: np.asarray(values, np.float32) for name, values in flat.items()})


def _small(levels: np.ndarray) -> np.ndarray:
    """Whole numbers in the smallest signed integers that hold them."""
    largest = float(np.abs(levels).max(initial=0))
    bits = 8 if largest < 2**7 else 16 if largest < 2**15 else 32 if largest < 2**31 else 64
    return levels.astype(f"int{bits}")
