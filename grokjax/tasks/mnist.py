"""Handwritten digits from local MNIST files: nothing is ever downloaded.

Papers: LeCun, Bottou, Bengio, Haffner 1998 for the images; Liu, Michaud, Tegmark 2023 (Omnigrok, arXiv 2210.01117), who
train on the first 1,000 of the 60,000 (`pool: 1000, train_size: 1000`) and test on all 10,000 others.
"""

import gzip
import zlib
from functools import lru_cache
from pathlib import Path

import jax
import numpy as np

from grokjax.core.drawn_task import PoolTask
from grokjax.core.interfaces import Signature, Table
from grokjax.core.part import SweptInt, part, setting

_NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
_CLASSES = 10


@part
class Mnist(PoolTask):
    """Images as [example, 784] pixels from 0 to 1 without further normalisation, digits as classes.

    `path` is an `.npz` with x_train, y_train, x_test, y_test, or the file train-images-idx3-ubyte (or .gz), beside
    which the other three lie; `sha256` is then that of all four. Train examples are drawn from the first `pool` train
    images; the test set is the first `test_size` test images and what the draw leaves of the pool.
    """

    paper = "LeCun, Bottou, Bengio, Haffner 1998; Liu, Michaud, Tegmark 2023, arXiv 2210.01117"

    path: str = setting(about="the .npz file, or the IDX file of the train images")
    sha256: str = setting("", "checksum of the file or files, filled in when the sweep is read; others are refused")
    pool: int = setting(1000, "first train images, from which the train set is drawn", at_least=1)
    test_size: int = setting(10_000, "first test images", at_least=1)
    train_size: SweptInt = setting(
        1000, "train examples; the rest of the pool is tested on too", unit="examples", at_least=1, scheduled=False
    )

    @staticmethod
    def files(path: str) -> list[Path]:
        """Every file that is read, of which `sha256` is the checksum."""
        file = Path(path)
        for ending in ("", ".gz"):
            if file.name == _NAMES[0] + ending:
                return [file.with_name(name + ending) for name in _NAMES]
        return [file]

    def table(self) -> Table:
        files = self.files(self.path)
        for file in files:
            if not file.is_file():
                raise ValueError(f"task.path: no file {file}")
        times = tuple(file.stat().st_mtime_ns for file in files)
        return _table(tuple(str(file) for file in files), times, self.pool, self.test_size)

    def signature(self) -> Signature:
        plain = super().signature()
        return plain._replace(task=f"{plain.task} pool {self.pool}")

    def num_train(self, num_examples: int) -> int:
        if self.train_size > self.pool:
            raise ValueError(f"task.train_size: must be at most the pool's {self.pool} examples, got {self.train_size}")
        return int(self.train_size)

    def order(self, key: jax.Array, num_examples: int) -> jax.Array:
        """The pool in random order, then the test images."""
        position = jax.numpy.arange(num_examples, dtype=jax.numpy.int32)
        return jax.numpy.concatenate([jax.random.permutation(key, position[: self.pool]), position[self.pool :]])


@lru_cache(maxsize=4)
def _table(files: tuple[str, ...], times: tuple[int, ...], pool: int, test_size: int) -> Table:
    """`times` of the last changes, so that a changed file is read again."""
    del times
    images, digits, test_images, test_digits = _from_npz(files[0]) if len(files) == 1 else map(_from_idx, files)
    for name, many, few in (("pool", images, pool), ("test_size", test_images, test_size)):
        if few > len(many):
            raise ValueError(f"task.{name}: must be at most the {len(many)} images of {files[0]}, got {few}")
    inputs = np.concatenate([images[:pool], test_images[:test_size]]).astype(np.float32) / np.float32(255)
    targets = np.concatenate([digits[:pool], test_digits[:test_size]]).astype(np.int32)
    inputs = inputs.reshape(len(inputs), -1)
    inputs.flags.writeable = targets.flags.writeable = False
    return Table(inputs=inputs, targets=targets, num_classes=_CLASSES)


def _from_npz(file: str) -> list[np.ndarray]:
    try:
        archive = np.load(file, allow_pickle=False)
        arrays = [archive[name] for name in _ARRAYS]
    except (ValueError, OSError, EOFError, KeyError, AttributeError, TypeError, zlib.error) as error:
        raise ValueError(f"task.path: {file} is no .npz file with {', '.join(_ARRAYS)} ({error})") from error
    return _checked(file, arrays)


def _from_idx(file: str) -> np.ndarray:
    """[example, row, column] or [example] uint8; the format is four bytes of kind, the sizes, and the numbers."""
    try:
        content = Path(file).read_bytes()
        content = gzip.decompress(content) if file.endswith(".gz") else content
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"task.path: {file} cannot be read ({error})") from error
    axes = 3 if "idx3" in Path(file).name else 1
    sizes = np.frombuffer(content[4 : 4 + 4 * axes], ">u4").astype(np.int64)
    if content[:4] != bytes([0, 0, 8, axes]) or len(sizes) != axes or len(content) != 4 + 4 * axes + int(sizes.prod()):
        raise ValueError(f"task.path: {file} is no whole IDX file of {axes} axes of bytes")
    array = np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(sizes)
    if axes == 1 and array.size and array.max() >= _CLASSES:
        raise ValueError(f"task.path: {file} has the digit {array.max()}")
    return array


def _checked(file: str, arrays: list[np.ndarray]) -> list[np.ndarray]:
    for images, digits in (arrays[:2], arrays[2:]):
        is_bytes = images.dtype == np.uint8 and images.ndim == 3 and np.issubdtype(digits.dtype, np.integer)
        if not is_bytes or digits.shape != images.shape[:1] or not (0 <= digits.min() <= digits.max() < _CLASSES):
            actual = f"{images.dtype} {list(images.shape)} with {digits.dtype} {list(digits.shape)}"
            raise ValueError(f"task.path: {file}: needs uint8 images [example, row, column] with digits, got {actual}")
    return arrays
