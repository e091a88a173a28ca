"""Is a file of arrays taken as it is, and is a wrong one refused in words?"""

import hashlib
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.data_warning import DataWarning
from grokjax.core.interfaces import Counts
from grokjax.core.streams import stream
from grokjax.tasks.arrays import Arrays

TOKENS = np.array([[0, 9, 1], [1, 9, 0], [2, 9, 2], [2, 9, 1]])
CLASSES = np.array([0, 1, 0, 2])
REALS = np.linspace(-1, 1, 12).reshape(4, 3)
VECTORS = np.linspace(0, 1, 8).reshape(4, 2)


def examples(folder):
    random = np.random.default_rng(0)
    tokens = np.stack(np.meshgrid(np.arange(8), np.arange(8)), axis=-1).reshape(64, 2)
    np.savez(folder / "tokens.npz", inputs=tokens, targets=random.integers(0, 5, 64), num_classes=6)
    np.savez(folder / "reals.npz", inputs=random.normal(size=(64, 3)), targets=random.normal(size=(64, 2)))
    return [Arrays(path=str(folder / "tokens.npz")), Arrays(path=str(folder / "reals.npz"), tolerance=0.1)]


@pytest.fixture
def saved(tmp_path):
    def save(**arrays) -> str:
        np.savez(tmp_path / "data.npz", **arrays)
        return str(tmp_path / "data.npz")

    return save


def test_whole_numbers_are_tokens_and_classes(saved):
    table = Arrays(path=saved(inputs=TOKENS, targets=CLASSES)).table()
    assert np.array_equal(table.inputs, TOKENS) and table.inputs.dtype == np.int32
    assert np.array_equal(table.targets, CLASSES) and table.targets.dtype == np.int32
    assert (table.vocabulary, table.num_classes, table.operands) == (10, 3, (0, 2))


def test_larger_alphabets_may_be_given(saved):
    table = Arrays(path=saved(inputs=TOKENS, targets=CLASSES, vocabulary=12, num_classes=7)).table()
    assert (table.vocabulary, table.num_classes) == (12, 7)


def test_real_numbers_become_float32(saved):
    table = Arrays(path=saved(inputs=REALS, targets=VECTORS), tolerance=0.01).table()
    assert np.array_equal(table.inputs, REALS.astype(np.float32)) and table.inputs.dtype == np.float32
    assert np.array_equal(table.targets, VECTORS.astype(np.float32)) and table.targets.dtype == np.float32
    assert (table.vocabulary, table.num_classes, table.operands) == (None, 2, ())


def test_a_vector_is_right_within_the_tolerance(saved):
    task = Arrays(path=saved(inputs=REALS, targets=VECTORS), tolerance=0.01)
    outputs = VECTORS + np.array([[0, 0], [0.09, 0.09], [0.12, 0.0], [0.2, 0.0]])
    assert task.correct(outputs, VECTORS).tolist() == [True, True, True, False]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"inputs": TOKENS, "target": CLASSES}, "has no array 'targets'; did you mean 'target'?"),
        ({"x": TOKENS, "targets": CLASSES}, "has no array 'inputs'; there is: targets, x"),
        ({"inputs": TOKENS[:3], "targets": CLASSES}, "one row an example, at least 2; got 3 and 4"),
        ({"inputs": TOKENS[:1], "targets": CLASSES[:1]}, "one row an example, at least 2; got 1 and 1"),
        ({"inputs": CLASSES, "targets": CLASSES}, r"inputs must be .* got int64 \[4\]"),
        ({"inputs": TOKENS[None], "targets": CLASSES}, r"inputs must be .* got int64 \[1, 4, 3\]"),
        ({"inputs": TOKENS > 1, "targets": CLASSES}, r"inputs must be .* got bool \[4, 3\]"),
        ({"inputs": TOKENS, "targets": CLASSES * 1.0}, r"targets must be .* got float64 \[4\]"),
        ({"inputs": TOKENS, "targets": TOKENS}, r"targets must be .* got int64 \[4, 3\]"),
        ({"inputs": REALS * np.nan, "targets": CLASSES}, "values of inputs must be finite float32 numbers, got 12"),
        ({"inputs": REALS * 1e41, "targets": CLASSES}, "values of inputs must be finite float32 numbers, got 12"),
        ({"inputs": TOKENS - 1, "targets": CLASSES}, "inputs must be from 0 to 2147483647, got -1 to 8"),
        ({"inputs": TOKENS, "targets": CLASSES - 1}, "targets must be from 0 to 2147483647, got -1 to 1"),
        ({"inputs": TOKENS, "targets": CLASSES, "num_classes": 2}, "num_classes must be .* at least 3, got 2"),
        ({"inputs": TOKENS, "targets": CLASSES, "vocabulary": 9.5}, "vocabulary must be .* at least 10, got 9.5"),
        ({"inputs": REALS, "targets": CLASSES, "vocabulary": 9}, "vocabulary is for whole-number inputs"),
        ({"inputs": REALS, "targets": VECTORS, "num_classes": 9}, "num_classes is for class targets"),
        ({"inputs": TOKENS, "targets": np.array([None] * 4)}, "is no .npz file of plain arrays"),
        ({"inputs": REALS, "targets": VECTORS}, "task.tolerance: is needed with target vectors"),
    ],
)
def test_a_wrong_file_is_refused_with_its_reason(saved, arrays, message):
    with pytest.raises(ValueError, match=message) as caught:
        Arrays(path=saved(**arrays)).table()
    assert "\n" not in str(caught.value)


def test_a_tolerance_for_classes_is_refused(saved):
    with pytest.raises(ValueError, match=r"task.tolerance: is for target vectors only"):
        Arrays(path=saved(inputs=TOKENS, targets=CLASSES), tolerance=0.1).table()


def test_a_missing_file_is_refused_with_the_nearest_name(saved, tmp_path):
    saved(inputs=TOKENS, targets=CLASSES)
    with pytest.raises(ValueError, match=r"task.path: no file .*date.npz; did you mean 'data.npz'?"):
        Arrays(path=str(tmp_path / "date.npz")).table()


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "data.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"is no .npz file of plain arrays"):
        Arrays(path=str(tmp_path / "data.npz")).table()


def test_a_single_array_is_refused(tmp_path):
    with open(tmp_path / "data.npz", "wb") as file:
        np.save(file, TOKENS)
    with pytest.raises(ValueError, match=r"is no .npz file of plain arrays"):
        Arrays(path=str(tmp_path / "data.npz")).table()


def test_a_file_that_changed_since_the_sweep_was_read_is_refused(saved):
    path = saved(inputs=TOKENS, targets=CLASSES)
    checksum = Arrays(path=path).checksum()
    with open(path, "rb") as file:
        assert checksum == hashlib.sha256(file.read()).hexdigest()
    assert Arrays(path=path, sha256=checksum).table().num_classes == 3
    saved(inputs=TOKENS, targets=CLASSES + 1)
    os.utime(path, ns=(1, 1))
    with pytest.raises(ValueError, match="has changed"):
        Arrays(path=path, sha256=checksum).table()
    assert Arrays(path=path).table().num_classes == 4


def splitting(task):
    """The data of a run, labels and groups and order, as a function of the seed."""
    signature, table = task.signature(), task.table()
    counts = Counts(*map(jnp.int32, task.counts(signature)))

    @jax.jit
    def split(seed):
        keys = {"split": stream(seed, "split"), "label": stream(seed, "label")}
        return task.split(signature, jnp.asarray(table.targets), jnp.arange(len(table.inputs)), counts, keys)

    return lambda seed: jax.tree.map(np.asarray, split(jnp.uint32(seed)))


MANY = {"inputs": np.arange(100)[:, None], "targets": np.arange(100) % 7}
TRAIN, TEST = np.arange(60, 10, -2), np.arange(1, 40, 2)


@pytest.mark.parametrize(
    ("indices", "train", "test"),
    [
        ({"train_indices": TRAIN, "test_indices": TEST}, TRAIN, TEST),
        ({"train_indices": TRAIN}, TRAIN, np.setdiff1d(np.arange(100), TRAIN)),
        ({"test_indices": TEST}, np.setdiff1d(np.arange(100), TEST), TEST),
    ],
)
@pytest.mark.filterwarnings("ignore:.*they are left out")
def test_rows_that_the_file_names_are_the_train_and_the_test_set_under_every_seed(saved, indices, train, test):
    task = Arrays(path=saved(**MANY, **indices))
    first = task.table().inputs[:, 0]
    for split in map(splitting(task), (0, 1)):
        is_train = split.group < 2
        assert first[is_train].tolist() == train.tolist() and first[~is_train].tolist() == test.tolist()
        assert first[split.order[: len(train)]].tolist() == train.tolist()
    given = task.signature()
    assert given != Arrays(path=saved(**MANY)).signature()  # else the two would share a program


def test_train_and_test_examples_may_be_arrays_of_their_own(saved):
    pairs = {
        f"{group}_{name}": array[rows]
        for group, rows in (("train", TRAIN), ("test", TEST))
        for name, array in MANY.items()
    }
    task = Arrays(path=saved(**pairs))
    assert task.table().n_train == len(TRAIN)
    assert task.table().inputs[:, 0].tolist() == [*TRAIN, *TEST]
    assert task.table().targets.tolist() == [*(TRAIN % 7), *(TEST % 7)]


def test_noise_falls_on_any_given_train_examples_and_on_no_test_example(saved):
    task = Arrays(path=saved(**MANY, test_indices=TEST), label_noise=0.5)
    changed = np.zeros(100)
    for split in map(splitting(task), range(30)):
        is_noisy = split.labels != task.table().targets
        assert not is_noisy[80:].any() and 20 <= is_noisy.sum() <= 40  # 40 are drawn, a draw may equal the truth
        changed += is_noisy
    share = changed[:80] / 30
    assert share.min() > 0.1 and share.max() < 0.8 and abs(share.mean() - 0.5 * 6 / 7) < 0.03


def test_examples_in_neither_set_are_left_out_and_counted(saved):
    path = saved(**MANY, train_indices=TRAIN, test_indices=TEST)
    with pytest.warns(DataWarning, match="55 of 100 examples are in neither"):
        assert len(Arrays(path=path).table().inputs) == 45


def test_a_share_of_a_given_train_set_is_refused(saved):
    task = Arrays(path=saved(**MANY, test_indices=TEST), train_fraction=0.3)
    with pytest.raises(ValueError, match="task.train_fraction: the train set is given with the data"):
        task.counts(task.signature())


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"names": TRAIN}, "has the unknown array 'names'; known: inputs, targets, train_indices"),
        ({"train_index": TRAIN}, "unknown array 'train_index'; did you mean 'train_indices'?"),
        ({"train_indices": TRAIN, "test_indices": TRAIN[:3]}, "example 56 is in train_indices and in test_indices"),
        ({"train_indices": [3, 3]}, "train_indices names an example twice"),
        ({"train_indices": [100]}, "train_indices must be from 0 to 99, got 100 to 100"),
        ({"train_indices": [True]}, "must be a row of whole numbers, got bool"),
        ({"train_indices": np.arange(100)}, "the given split has 100 train and 0 test examples"),
        ({"train_inputs": TRAIN}, "has 'inputs' beside train_inputs"),
    ],
)
def test_a_split_that_is_none_is_refused(saved, arrays, message):
    with pytest.raises(ValueError, match="task.path: ") as caught:
        Arrays(path=saved(**MANY, **arrays)).table()
    assert message in str(caught.value)
