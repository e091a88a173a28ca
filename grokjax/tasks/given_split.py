"""Any task with a train set that a file names instead of one that is drawn: the split of a publication, for example."""

import dataclasses
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path

import jax
import numpy as np

from grokjax.core.drawn_task import DrawnTask
from grokjax.core.given_split import INDICES, train_rows_first
from grokjax.core.interfaces import Signature, Table, Task
from grokjax.core.part import part, setting

_DRAWS = ("train_fraction", "train_size", "label_noise", "wrong_labels", "mirrored", "imbalance")


@part
class GivenSplit(DrawnTask):
    """The examples of `task`, of which a `.npz` file names those of train and test set.

    The file holds the arrays `train_indices` and `test_indices`, or one of them: places in the table of the task, from
    0 on (pairs modulo p lie row by row: x p + y). Examples in neither are left out with a warning. Label noise is a
    setting of this task; whatever the inner one says of drawing must be left at its default.
    """

    paper = "none: a split of the user"

    task: Task = setting(about="the task whose examples are split")
    path: str = setting(about="the .npz file with train_indices, test_indices or both")
    sha256: str = setting("", "checksum of the file, filled in when the sweep is read; a file that differs is refused")

    def table(self) -> Table:
        status = Path(self.path).stat()
        structure = jax.tree.map(lambda _: 0.0, self.task)  # tables do not depend on numbers
        self._check_inner()
        return _table(structure, self.path, status.st_mtime_ns, status.st_size)

    def signature(self) -> Signature:
        plain, inner = super().signature(), self.task.signature()
        return plain._replace(task=f"{inner.task}, {plain.task}")

    def num_train(self, num_examples: int) -> int:
        return int(self.table().n_train or 0)

    def correct(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        return self.task.correct(outputs, targets)

    def _check_inner(self) -> None:
        for field in dataclasses.fields(self.task):
            value = getattr(self.task, field.name)
            if field.name in _DRAWS and value != field.default:
                rule = "label noise is a setting of given_split" if "label" in field.name else "so none is drawn"
                raise ValueError(f"task.task.{field.name}: the train set is given by task.path; {rule}, got {value}")


@lru_cache(maxsize=16)
def _table(task: Task, path: str, modified_ns: int, size: int) -> Table:
    """`modified_ns` and `size` so that a changed file is read again."""
    del modified_ns, size
    inner = task.table()
    if inner.n_train is not None:
        raise ValueError("task.task: the data of this task give a train set already")
    arrays = {"inputs": inner.inputs, "targets": inner.targets} | _indices(path)
    if inner.mirror is not None:
        arrays["mirror"] = inner.mirror
    try:
        rows, n_train = train_rows_first(arrays, ("mirror",), path)
    except ValueError as error:
        raise ValueError(f"task.path: {path} {error}") from error
    for array in rows.values():
        array.flags.writeable = False
    return dataclasses.replace(inner, **rows, n_train=n_train)


def _indices(path: str) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, AttributeError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"task.path: {path} is no .npz file of plain arrays ({error})") from error
    if not arrays or set(arrays) - set(INDICES):
        held = ", ".join(sorted(arrays)) or "nothing"
        raise ValueError(f"task.path: {path} must hold {' or '.join(INDICES)}, or both, and no more; it holds {held}")
    return arrays
