"""Does every task say truly what its table is, and split it without losing, doubling or leaking an example?"""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.interfaces import Counts, Split, Task
from grokjax.core.streams import stream
from grokjax.core.words import GROUPS


def mirror_of(task: Task) -> np.ndarray:
    table = task.table()
    return np.arange(len(table.inputs), dtype=np.int32) if table.mirror is None else table.mirror


def split(task: Task, n_train: int, n_corrupt: int = 0, seed: int = 0) -> Split:
    """A split, computed with every swept field, seed and count traced."""
    counts = Counts(jnp.int32(n_train), jnp.int32(n_corrupt))
    return jax.tree.map(
        np.asarray, _split(task.signature(), task, task.table().targets, mirror_of(task), counts, jnp.uint32(seed))
    )


@partial(jax.jit, static_argnums=0)
def _split(signature, task, targets, mirror, counts, seed):
    keys = {purpose: stream(seed, purpose) for purpose in ("split", "label")}
    return task.split(signature, targets, mirror, counts, keys)


def skip_given(task: Task) -> None:
    if task.signature().has_given_split:
        pytest.skip("its train set is given, not drawn")


def has_classes(task: Task) -> bool:
    return np.issubdtype(task.table().targets.dtype, np.integer)


def test_signature_describes_the_table(any_task):
    table, signature = any_task.table(), any_task.signature()
    assert table.inputs.shape == (signature.num_examples, *signature.input_shape)
    assert table.targets.shape == (signature.num_examples, *signature.target_shape)
    assert (str(table.inputs.dtype), str(table.targets.dtype)) == (signature.input_dtype, signature.target_dtype)
    assert table.inputs.dtype in (np.int32, np.float32) and table.targets.dtype in (np.int32, np.float32)
    assert (table.num_classes, table.vocabulary, table.operands) == signature[6:9]
    hash(signature)


def test_symbols_and_classes_are_in_range(any_task):
    table = any_task.table()
    if table.vocabulary is None:
        assert table.inputs.dtype == np.float32 and np.isfinite(table.inputs).all()
    else:
        assert table.inputs.dtype == np.int32 and table.inputs.min() >= 0 and table.inputs.max() < table.vocabulary
    if has_classes(any_task):
        assert table.targets.min() >= 0 and table.targets.max() < table.num_classes
    else:
        assert table.targets.shape[-1] == table.num_classes


def test_no_example_is_in_the_table_twice(any_task):
    inputs = any_task.table().inputs
    assert len(np.unique(inputs.reshape(len(inputs), -1), axis=0)) == len(inputs)


def test_operands_are_the_positions_that_differ_between_examples(any_task):
    table = any_task.table()
    if table.vocabulary is None:
        assert table.operands == ()
    else:
        given = table.inputs.shape[1] - any_task.signature().num_answers + 1  # behind them stand answers
        differing = [place for place in range(given) if len(set(table.inputs[:, place].tolist())) > 1]
        assert list(table.operands) == differing


def test_mirror_swaps_the_operands_and_keeps_the_answer(any_task):
    table, mirror = any_task.table(), mirror_of(any_task)
    for example, other in enumerate(mirror.tolist()):
        assert mirror[other] == example
        assert np.array_equal(table.targets[other], table.targets[example])
        if other != example:
            first, second = table.operands[0], table.operands[-1]  # an operator may stand between them
            swapped = table.inputs[example].copy()
            swapped[[first, second]] = swapped[[second, first]]
            assert np.array_equal(table.inputs[other], swapped)


def test_table_is_the_same_each_time(any_task):
    first, second = any_task.table(), dataclasses.replace(any_task).table()
    assert np.array_equal(first.inputs, second.inputs) and np.array_equal(first.targets, second.targets)


def test_counts_are_whole_numbers_that_fit_the_table(any_task):
    signature = any_task.signature()
    counts = any_task.counts(signature)
    assert isinstance(counts.n_train, int) and 1 <= counts.n_train <= signature.num_examples
    assert isinstance(counts.n_corrupt, int) and 0 <= counts.n_corrupt <= counts.n_train


def test_train_and_test_share_no_example_and_miss_none(any_task):
    num_examples = any_task.signature().num_examples
    for n_train in (1, num_examples // 3, num_examples):
        found = split(any_task, n_train)
        assert sorted(found.order.tolist()) == list(range(num_examples))
        train = set(np.flatnonzero(found.group <= 1).tolist())
        assert train == set(found.order[:n_train].tolist())


def test_groups_agree_with_a_count_in_python(any_task):
    table, mirror = any_task.table(), mirror_of(any_task)
    n_train, seed = len(mirror) // 2, 3
    found = split(any_task, n_train, n_train // 3, seed)
    train = set(found.order[:n_train].tolist())
    expected = []
    for example in range(len(mirror)):
        if example in train:
            same = np.array_equal(found.labels[example], table.targets[example])
            expected.append("train_clean" if same else "train_noisy")
        else:
            swapped = mirror[example]
            expected.append("test_mirrored" if swapped != example and swapped in train else "test_novel")
    assert [GROUPS[code] for code in found.group] == expected


def test_noise_changes_only_the_first_train_labels(any_task):
    skip_given(any_task)
    if not has_classes(any_task) or any_task.signature().target_shape:
        pytest.skip("no classes")
    table = any_task.table()
    n_train = len(table.targets) * 2 // 3
    n_corrupt = n_train // 2
    found = split(any_task, n_train, n_corrupt)
    changed = set(np.flatnonzero(found.labels != table.targets).tolist())
    assert changed <= set(found.order[:n_corrupt].tolist())
    chance = 1 - 1 / table.num_classes
    spread = 5 * np.sqrt(n_corrupt * chance * (1 - chance))
    assert abs(len(changed) - n_corrupt * chance) <= spread
    assert found.labels.min() >= 0 and found.labels.max() < table.num_classes
    assert np.sum(found.group == 1) == len(changed)


def test_no_noise_leaves_every_label(any_task):
    targets = any_task.table().targets
    assert np.array_equal(split(any_task, len(targets) // 2).labels, targets)


def test_larger_train_sets_contain_smaller_ones_with_the_same_labels(any_task):
    skip_given(any_task)
    num_examples = any_task.signature().num_examples
    small, large = (
        split(any_task, num_examples // 4, num_examples // 8),
        split(any_task, num_examples // 2, num_examples // 8),
    )
    assert np.array_equal(small.order, large.order)
    assert np.array_equal(small.labels, large.labels)
    assert set(np.flatnonzero(small.group <= 1)) < set(np.flatnonzero(large.group <= 1))


def test_more_noise_keeps_the_labels_that_less_noise_drew(any_task):
    skip_given(any_task)
    n_train = any_task.signature().num_examples // 2
    little, much = split(any_task, n_train, n_train // 4), split(any_task, n_train, n_train)
    first = little.order[: n_train // 4]
    assert np.array_equal(little.labels[first], much.labels[first])
    assert set(np.flatnonzero(little.group == 1)) <= set(np.flatnonzero(much.group == 1))


def test_another_split_seed_gives_another_train_set(any_task):
    skip_given(any_task)
    n_train = any_task.signature().num_examples // 2
    train_sets = [tuple(sorted(split(any_task, n_train, seed=seed).order[:n_train].tolist())) for seed in range(4)]
    assert len(set(train_sets)) == 4


def test_outputs_that_equal_the_targets_are_right_and_their_opposite_is_wrong(any_task):
    table = any_task.table()
    perfect = np.eye(table.num_classes, dtype=np.float32)[table.targets] if has_classes(any_task) else table.targets
    correct = jax.jit(lambda task, outputs, targets: task.correct(outputs, targets))
    assert np.asarray(correct(any_task, perfect, table.targets)).all()
    assert not np.asarray(correct(any_task, -10 * perfect - 10, table.targets)).any()
