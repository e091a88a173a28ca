"""Which rows of the user's arrays are trained on, where the user says so, instead of a draw?

Either `train_indices` and `test_indices` beside `inputs` and `targets`, one of them being enough, or `train_inputs`,
`train_targets`, `test_inputs` and `test_targets`. Messages say what is wrong, not where: callers name the file.
"""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from grokjax.core.data_warning import DataWarning
from grokjax.core.words import nearest

WHOLE = ("inputs", "targets")
INDICES = ("train_indices", "test_indices")
PAIRS = ("train_inputs", "train_targets", "test_inputs", "test_targets")
NAMES = (*WHOLE, *INDICES, *PAIRS)


def train_rows_first(
    arrays: Mapping[str, Any], more: tuple[str, ...], source: str
) -> tuple[dict[str, Any], int | None]:
    """Arrays whose first rows are the given train set and the others the test set, and how many the first are.

    Args:
      arrays: by name; `inputs`, `targets` and `mirror` have a row for each example.
      more: further names that may be there.
      source: of the arrays, for what is warned of.

    Returns:
      Without the names of this page but `inputs` and `targets`; None where no train set is given.

    Raises:
      ValueError: an unknown or missing name, or rows that are no split.
    """
    _check_names(arrays, more)
    if PAIRS[0] in arrays:
        return _joined(arrays)
    rest = {name: array for name, array in arrays.items() if name not in INDICES}
    if not set(INDICES) & set(arrays):
        return rest, None
    count = len(arrays["inputs"])
    train, test = (_indices(arrays, name, count) for name in INDICES)
    train = np.setdiff1d(np.arange(count), test) if train is None else train
    test = np.setdiff1d(np.arange(count), train) if test is None else test
    both = np.intersect1d(train, test)
    if len(both):
        raise ValueError(f"example {both[0]} is in train_indices and in test_indices")
    if not (len(train) and len(test)):
        raise ValueError(f"the given split has {len(train)} train and {len(test)} test examples, at least 1 is needed")
    rows = np.concatenate([train, test])
    if len(rows) < count:
        warning = f"{source}: {count - len(rows)} of {count} examples are in neither train_indices nor test_indices"
        warnings.warn(f"{warning}; they are left out", DataWarning, stacklevel=2)
    return rest | {
        name: _of_rows(name, np.asarray(rest[name]), rows) for name in (*WHOLE, "mirror") if name in rest
    }, len(train)


def _check_names(arrays: Mapping[str, Any], more: tuple[str, ...]) -> None:
    has_pairs = bool(set(PAIRS) & set(arrays))
    beside = next((name for name in (*WHOLE, *INDICES, "mirror") if name in arrays), None)
    if has_pairs and beside is not None:
        raise ValueError(f"has {beside!r} beside train_inputs and the like; one way to name examples is enough")
    missing = next((name for name in (PAIRS if has_pairs else WHOLE) if name not in arrays), None)
    if missing is not None:
        others = [name for name in arrays if name not in NAMES] or list(arrays)
        close = nearest(missing, others)
        hint = f"; did you mean {close!r}?" if close else f"; there is: {', '.join(sorted(arrays))}"
        raise ValueError(f"has no array {missing!r}{hint if arrays else ''}")
    unknown = next((name for name in arrays if name not in (*NAMES, *more)), None)
    if unknown is not None:
        close = nearest(unknown, (*NAMES, *more))
        hint = f"did you mean {close!r}?" if close else f"known: {', '.join((*NAMES, *more))}"
        raise ValueError(f"has the unknown array {unknown!r}; {hint}")


def _joined(arrays: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """The arrays with train and test examples one after the other."""
    rest = {name: array for name, array in arrays.items() if name not in PAIRS}
    for what in WHOLE:
        train, test = np.asarray(arrays[f"train_{what}"]), np.asarray(arrays[f"test_{what}"])
        if train.dtype.kind != test.dtype.kind or train.ndim == 0 or train.shape[1:] != test.shape[1:]:
            shapes = " and ".join(f"{array.dtype} {list(array.shape)}" for array in (train, test))
            raise ValueError(f"train_{what} and test_{what} must be alike but for their number, got {shapes}")
        rest[what] = np.concatenate([train, test])
    counts = [len(arrays[name]) for name in PAIRS]
    if counts[0] != counts[1] or counts[2] != counts[3] or 0 in counts:
        actual = ", ".join(f"{count} {name}" for name, count in zip(PAIRS, counts, strict=True))
        raise ValueError(f"needs one target an input, and at least 1 of train and test each; got {actual}")
    return rest, counts[0]


def _indices(arrays: Mapping[str, Any], name: str, count: int) -> np.ndarray | None:
    if name not in arrays:
        return None
    indices = np.asarray(arrays[name])
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        raise ValueError(f"{name} must be a row of whole numbers, got {indices.dtype} {list(indices.shape)}")
    if len(indices) and not 0 <= indices.min() <= indices.max() < count:
        raise ValueError(f"{name} must be from 0 to {count - 1}, got {indices.min()} to {indices.max()}")
    if len(np.unique(indices)) < len(indices):
        raise ValueError(f"{name} names an example twice")
    return indices.astype(np.int64)


def _of_rows(name: str, array: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """An array of the rows alone; a mirror that is not among them becomes the example itself."""
    if name != "mirror":
        return array[rows]
    new_row = np.full(len(array), -1)
    new_row[rows] = np.arange(len(rows))
    mirror = new_row[array[rows]]
    return np.where(mirror < 0, np.arange(len(rows)), mirror).astype(np.int32)
