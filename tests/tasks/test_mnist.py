"""Are MNIST files read as they are, whichever form they have, and is the official test set never trained on?"""

import gzip
import struct
from pathlib import Path

import jax
import numpy as np
import pytest

from grokjax.core.streams import stream
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load
from grokjax.tasks.mnist import Mnist

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def drawn() -> list[np.ndarray]:
    """60 train and 20 test images of 4 x 4 with their digits."""
    generator = np.random.default_rng(0)
    pairs = [(generator.integers(0, 256, (n, 4, 4)), generator.integers(0, 10, n)) for n in (60, 20)]
    return [array.astype(np.uint8) for pair in pairs for array in pair]


def as_npz(folder: Path) -> Path:
    path = folder / "mnist.npz"
    np.savez(path, **dict(zip(("x_train", "y_train", "x_test", "y_test"), drawn(), strict=True)))
    return path


def as_idx(folder: Path, ending: str = "") -> Path:
    for name, array in zip(NAMES, drawn(), strict=True):
        content = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
        (folder / (name + ending)).write_bytes(gzip.compress(content) if ending else content)
    return folder / (NAMES[0] + ending)


def examples(folder):
    return [Mnist(path=str(as_npz(folder)), pool=60, test_size=20, train_size=60)]


@pytest.mark.parametrize("write", [as_npz, as_idx, lambda folder: as_idx(folder, ".gz")])
def test_all_forms_give_the_same_pixels_from_0_to_1(tmp_path, write):
    table = Mnist(path=str(write(tmp_path)), pool=50, test_size=20, train_size=50).table()
    images, digits, test_images, test_digits = drawn()
    expected = np.concatenate([images[:50], test_images]).reshape(70, 16) / 255
    np.testing.assert_allclose(table.inputs, expected, rtol=1e-7)
    assert table.targets.tolist() == [*digits[:50].tolist(), *test_digits.tolist()] and table.num_classes == 10


@pytest.mark.parametrize("train_size", [10, 50])
def test_official_test_images_are_never_trained_on(tmp_path, train_size):
    task = Mnist(path=str(as_npz(tmp_path)), pool=50, test_size=20, train_size=train_size)
    seen = set()
    for seed in range(5):
        order = np.asarray(task.order(stream(seed, "split"), 70))
        assert sorted(order.tolist()) == list(range(70)) and order[50:].tolist() == list(range(50, 70))
        seen.add(tuple(order[:train_size].tolist()))
    assert len(seen) == 5
    counts = task.counts(task.signature())
    split = task.split(
        task.signature(),
        jax.numpy.asarray(task.table().targets),
        jax.numpy.arange(70),
        counts,
        {name: stream(0, name) for name in ("split", "label")},
    )
    assert (np.asarray(split.group) == 0).sum() == train_size and (np.asarray(split.group)[50:] == 3).all()


SPEC = """
task: {{kind: mnist, path: {path}, pool: 50, test_size: 20, train_size: 40}}
model: mlp
optimizer: adamw
train: {{steps: 3}}
"""


def test_a_changed_label_file_makes_another_run(tmp_path):
    as_idx(tmp_path)
    (tmp_path / "a.yaml").write_text(SPEC.format(path=NAMES[0]))
    before = load(tmp_path / "a.yaml").base.task.sha256
    labels = tmp_path / NAMES[1]
    content = bytearray(labels.read_bytes())
    content[-1] = (content[-1] + 1) % 10
    labels.write_bytes(content)
    assert load(tmp_path / "a.yaml").base.task.sha256 != before
    labels.unlink()
    with pytest.raises(SpecError, match=r"task.path: train-labels-idx1-ubyte cannot be read"):
        load(tmp_path / "a.yaml")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda content: content[:-1], "is no whole IDX file"),
        (lambda content: b"\0\0\x0d" + content[3:], "is no whole IDX file"),
        (lambda content: b"", "is no whole IDX file"),
        (lambda content: content[:-1] + b"\x0b", "has the digit 11"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, spoil, said):
    path = as_idx(tmp_path)
    labels = tmp_path / NAMES[1]
    labels.write_bytes(spoil(labels.read_bytes()))
    with pytest.raises(ValueError, match=said):
        Mnist(path=str(path), pool=50, test_size=20).table()


def test_what_is_no_mnist_and_more_images_than_there_are_is_refused(tmp_path):
    path = as_npz(tmp_path)
    with pytest.raises(ValueError, match=r"task.pool: must be at most the 60 images"):
        Mnist(path=str(path), pool=61).table()
    with pytest.raises(ValueError, match=r"task.train_size: must be at most the pool's 50 examples, got 51"):
        Mnist(path=str(path), pool=50, train_size=51).num_train(70)
    np.savez(tmp_path / "other.npz", inputs=np.zeros(3))
    with pytest.raises(ValueError, match="is no .npz file with x_train"):
        Mnist(path=str(tmp_path / "other.npz")).table()
    (tmp_path / "text.npz").write_text("not at all")
    with pytest.raises(ValueError, match="is no .npz file with x_train"):
        Mnist(path=str(tmp_path / "text.npz")).table()
