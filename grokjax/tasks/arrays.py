"""Examples from a NumPy file of the user: tokens or real values, with classes or target vectors."""

import hashlib
import io
import warnings
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.data_warning import DataWarning
from grokjax.core.drawn_task import TableTask
from grokjax.core.given_split import train_rows_first
from grokjax.core.interfaces import Table
from grokjax.core.part import Swept, part, setting
from grokjax.core.words import nearest

_ZIP = b"PK"  # how every .npz file begins


class _Loaded(NamedTuple):
    table: Table
    sha256: str


@part
class Arrays(TableTask):
    """A `.npz` file with the arrays `inputs` and `targets`, one row an example; other arrays are refused.

    `inputs`: [example, token] whole numbers, or [example, ...] real numbers. `targets`: [example] whole numbers from 0
    (classes), or [example, output] real numbers. Optional single numbers: `num_classes`, `vocabulary` (else the largest
    value plus one). Pickled objects are never loaded. The train set is drawn unless the file gives it: by row numbers
    in `train_indices` and `test_indices`, or as `train_inputs`, `train_targets`, `test_inputs` and `test_targets`.
    """

    paper = "none: data of the user"

    path: str = setting(about="the .npz file")
    sha256: str = setting("", "checksum of the file, filled in when the sweep is read; a file that differs is refused")
    tolerance: Swept | None = setting(
        None,
        "target vectors only, and needed there: mean squared error below which an example counts as right",
        above=0,
    )

    def table(self) -> Table:
        loaded = self._load()
        if self.sha256 and self.sha256 != loaded.sha256:
            raise ValueError(f"task.path: {self.path} has changed: sha256 {loaded.sha256}, expected {self.sha256}")
        is_vector = loaded.table.targets.ndim > 1
        if is_vector != (self.tolerance is not None):
            rule = "is needed with target vectors" if is_vector else "is for target vectors only, not for classes"
            raise ValueError(f"task.tolerance: {rule} ({self.path})")
        return loaded.table

    def checksum(self) -> str:
        """SHA-256 of the file as it is now."""
        return self._load().sha256

    def correct(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        if self.tolerance is None:
            return super().correct(outputs, targets)
        return jnp.mean(jnp.square(outputs - targets), axis=-1) < self.tolerance

    def _load(self) -> _Loaded:
        path = Path(self.path)
        if not path.is_file():
            raise ValueError(f"task.path: no file {self.path}{_suggest(path.name, _npz_beside(path))}")
        status = path.stat()
        return _load_file(str(path.resolve()), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=8)
def _load_file(path: str, modified_ns: int, size: int) -> _Loaded:
    """Read a file once; its time and size are arguments so that a changed file is read again."""
    content = Path(path).read_bytes()
    if not content.startswith(_ZIP):
        raise ValueError(
            f"task.path: {path} is no .npz file of plain arrays, whatever its name says; numpy.savez writes one"
        )
    try:
        archive = np.load(io.BytesIO(content), allow_pickle=False)
        arrays = {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"task.path: {path} is no .npz file of plain arrays ({error})") from error
    try:
        arrays, n_train = train_rows_first(arrays, ("num_classes", "vocabulary"), path)
    except ValueError as error:
        raise ValueError(f"task.path: {path} {error}") from error
    inputs, targets = _checked_inputs(path, arrays["inputs"]), _checked_targets(path, arrays["targets"])
    if len(inputs) != len(targets) or len(inputs) < 2:
        actual = f"{len(inputs)} and {len(targets)}"
        raise ValueError(f"task.path: {path}: inputs and targets need one row an example, at least 2; got {actual}")
    inputs.flags.writeable = targets.flags.writeable = False
    _warn_of_overlap(path, inputs)
    return _Loaded(_as_table(path, arrays, inputs, targets, n_train), hashlib.sha256(content).hexdigest())


def _warn_of_overlap(path: str, inputs: np.ndarray) -> None:
    """Equal inputs may be trained on and tested on: the test then measures memory."""
    repeated = len(inputs) - len({example.tobytes() for example in inputs})
    if repeated:
        warnings.warn(
            f"{path}: {repeated} of {len(inputs)} examples have the inputs of another example, so train and test "
            "set may overlap; remove them, or read test accuracy with that in mind",
            DataWarning,
            stacklevel=2,
        )


def _checked_inputs(path: str, inputs: np.ndarray) -> np.ndarray:
    if np.issubdtype(inputs.dtype, np.integer) and inputs.ndim == 2:
        return _whole(path, "inputs", inputs)
    if np.issubdtype(inputs.dtype, np.floating) and inputs.ndim >= 2:
        return _finite(path, "inputs", inputs)
    rule = "must be [example, token] whole numbers or [example, ...] real numbers"
    raise ValueError(f"task.path: {path}: inputs {rule}, got {inputs.dtype} {list(inputs.shape)}")


def _checked_targets(path: str, targets: np.ndarray) -> np.ndarray:
    if np.issubdtype(targets.dtype, np.integer) and targets.ndim == 1:
        return _whole(path, "targets", targets)
    if np.issubdtype(targets.dtype, np.floating) and targets.ndim == 2:
        return _finite(path, "targets", targets)
    rule = "must be [example] whole numbers or [example, output] real numbers"
    raise ValueError(f"task.path: {path}: targets {rule}, got {targets.dtype} {list(targets.shape)}")


def _whole(path: str, name: str, array: np.ndarray) -> np.ndarray:
    if array.size == 0 or array.min() < 0 or array.max() > np.iinfo(np.int32).max:
        actual = f"{array.min()} to {array.max()}" if array.size else "no value"
        raise ValueError(f"task.path: {path}: whole numbers in {name} must be from 0 to 2147483647, got {actual}")
    return array.astype(np.int32)


def _finite(path: str, name: str, array: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float32)
    bad = int(np.size(narrow) - np.count_nonzero(np.isfinite(narrow)))
    if bad or array.size == 0:
        actual = f"{bad} that are not" if array.size else "none at all"
        raise ValueError(f"task.path: {path}: values of {name} must be finite float32 numbers, got {actual}")
    return narrow


def _as_table(
    path: str, arrays: dict[str, np.ndarray], inputs: np.ndarray, targets: np.ndarray, n_train: int | None
) -> Table:
    is_tokens = inputs.dtype == np.int32
    if targets.ndim == 2:
        if "num_classes" in arrays:
            raise ValueError(f"task.path: {path}: num_classes is for class targets; these targets are vectors")
        num_classes = targets.shape[1]
    else:
        num_classes = _count(path, arrays, "num_classes", targets)
    if not is_tokens and "vocabulary" in arrays:
        raise ValueError(f"task.path: {path}: vocabulary is for whole-number inputs; these inputs are real numbers")
    differing = np.flatnonzero((inputs != inputs[:1]).any(axis=0)) if is_tokens else ()
    return Table(
        inputs=inputs,
        targets=targets,
        num_classes=num_classes,
        vocabulary=_count(path, arrays, "vocabulary", inputs) if is_tokens else None,
        operands=tuple(int(position) for position in differing),
        n_train=n_train,
    )


def _count(path: str, arrays: dict[str, np.ndarray], name: str, values: np.ndarray) -> int:
    """How many different symbols there may be: as the file says, else up to the largest one in use."""
    least = int(values.max()) + 1
    if name not in arrays:
        return least
    count = arrays[name]
    if count.size != 1 or not np.issubdtype(count.dtype, np.integer) or count.item() < least:
        raise ValueError(f"task.path: {path}: {name} must be one whole number, at least {least}, got {count.tolist()}")
    return int(count.item())


def _npz_beside(path: Path) -> list[str]:
    return [file.name for file in path.parent.glob("*.npz")] if path.parent.is_dir() else []


def _suggest(name: str, known: list[str]) -> str:
    close = nearest(name, known)
    if close:
        return f"; did you mean {close!r}?"
    return f"; there is: {', '.join(sorted(known))}" if known else ""
