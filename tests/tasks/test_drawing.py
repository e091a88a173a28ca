"""Are pairs kept together, classes drawn as unequally as asked, and wrong labels always wrong?"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.interfaces import Counts
from grokjax.core.streams import stream
from grokjax.orders.order import grid_orders
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load
from grokjax.tasks.digits import Digits
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.train.equal_runs import check_equal_runs

P = 13
TOGETHER = ModularArithmetic(operation="x+y", modulus=P, mirrored="together")
SWEEP = {
    "name": "drawn",
    "task": {"kind": "modular_arithmetic", "modulus": 7},
    "model": {"kind": "mlp", "width": 8},
    "optimizer": "adamw",
    "train": {"steps": 10},
}


def split(task, n_train: int, n_corrupt: int = 0, seed: int = 0):
    table = task.table()
    mirror = np.arange(len(table.inputs), dtype=np.int32) if table.mirror is None else table.mirror
    found = _split(task.signature(), task, table.targets, mirror, n_train, n_corrupt, jnp.uint32(seed))
    return jax.tree.map(np.asarray, found)


@partial(jax.jit, static_argnums=0)
def _split(signature, task, targets, mirror, n_train, n_corrupt, seed):
    keys = {purpose: stream(seed, purpose) for purpose in ("split", "label")}
    return task.split(signature, targets, mirror, Counts(n_train, n_corrupt), keys)


def train_of(task, n_train: int, seed: int = 0) -> np.ndarray:
    """[example] bool."""
    found = split(task, n_train, seed=seed)
    assert sorted(found.order.tolist()) == list(range(len(found.order)))
    is_train = np.zeros(len(found.order), bool)
    is_train[found.order[:n_train]] = True
    assert np.array_equal(is_train, found.group < 2)
    return is_train


def test_a_pair_is_trained_on_or_tested_as_a_whole_at_every_size():
    mirror = TOGETHER.table().mirror
    for n_train in range(1, P * P):
        is_train = train_of(TOGETHER, n_train, seed=n_train)
        assert np.array_equal(is_train, is_train[mirror]), n_train


def test_no_test_example_is_mirrored_in_the_train_set_where_half_of_them_were():
    apart, together = (split(ModularArithmetic(modulus=P, mirrored=how), 84).group for how in ("apart", "together"))
    assert np.sum(apart == 2) > 20 and np.sum(together == 2) == 0


def test_single_examples_have_their_share_and_larger_train_sets_contain_smaller_ones_but_for_one():
    single = TOGETHER.table().mirror == np.arange(P * P)
    before = np.zeros(P * P, bool)
    for n_train in range(1, P * P):
        is_train = train_of(TOGETHER, n_train)
        assert is_train.sum() == n_train and abs(is_train[single].sum() - n_train * P / P**2) <= 1
        assert np.sum(before & ~is_train) <= 1
        before = is_train


def test_each_pair_is_as_likely_as_any_other():
    counts = sum(train_of(TOGETHER, 68, seed).astype(int) for seed in range(400))
    paired = TOGETHER.table().mirror != np.arange(P * P)
    share = counts[paired].mean() / 400
    spread = np.sqrt(share * (1 - share) / 400)
    assert np.abs(counts[paired] / 400 - share).max() < 4.5 * spread


def test_an_odd_train_set_of_pairs_alone_cuts_one_of_them():
    task = ModularArithmetic(operation="x+y", modulus=P, mirrored="together")
    table = task.table()
    paired = np.flatnonzero(table.mirror != np.arange(P * P))
    place = np.full(P * P, -1)
    place[paired] = np.arange(len(paired))
    mirror = place[table.mirror[paired]].astype(np.int32)
    keys = {"split": stream(0, "split"), "label": stream(0, "label")}
    targets = table.targets[paired]
    for n_train, cut in ((60, 0), (61, 2)):
        counts = Counts(jnp.int32(n_train), jnp.int32(0))
        is_train = np.asarray(task.split(task.signature(), targets, mirror, counts, keys).group) < 2
        assert is_train.sum() == n_train and np.sum(is_train != is_train[mirror]) == cut


@pytest.mark.parametrize("ratio", [1.0, 10.0, 1000.0])
def test_classes_are_drawn_as_unequally_as_waiting_times_say(ratio):
    """A class of weight w has drawn the share 1 - exp(-w t) of its examples when n are drawn in all."""
    n_train, runs = 50, 400
    targets = ModularArithmetic(modulus=P).table().targets
    task = ModularArithmetic(modulus=P, imbalance=ratio)
    counts = sum(np.bincount(targets[train_of(task, n_train, seed)], minlength=P) for seed in range(runs)) / runs
    weight = ratio ** (-np.arange(P) / (P - 1))
    times = np.geomspace(1e-3, 1e4, 20_001)
    drawn = P * (1 - np.exp(-weight * times[:, None]))
    expected = drawn[np.argmin(np.abs(drawn.sum(axis=1) - n_train))]
    np.testing.assert_allclose(counts, expected, atol=0.25)  # five deviations of a mean, and O(1 / n) of the formula


def test_larger_train_sets_contain_smaller_ones_where_classes_are_unequal():
    task = ModularArithmetic(modulus=P, imbalance=30.0)
    small, large = (set(np.flatnonzero(train_of(task, size))) for size in (40, 90))
    assert small < large


def test_pairs_stay_together_where_classes_are_unequal():
    task = ModularArithmetic(modulus=P, imbalance=30.0, mirrored="together")
    is_train, targets = train_of(task, 60), task.table().targets
    assert np.array_equal(is_train, is_train[task.table().mirror])
    assert is_train[targets < 4].mean() > 2 * is_train[targets > 8].mean()


@pytest.mark.parametrize("wrong", [False, True])
def test_wrong_labels_are_never_right_and_uniform_over_the_others(wrong):
    task = ModularArithmetic(modulus=P, wrong_labels=wrong)
    truth = task.table().targets
    shift = []
    for seed in range(40):
        found = split(task, 100, 100, seed)
        chosen = found.order[:100]
        shift.append((found.labels[chosen] - truth[chosen]) % P)
        assert np.array_equal(np.delete(found.labels, chosen), np.delete(truth, chosen))
    counts = np.bincount(np.concatenate(shift), minlength=P)
    assert (counts[0] == 0) == wrong
    np.testing.assert_allclose(counts[1:], counts[1:].mean(), atol=5 * np.sqrt(counts[1:].mean()))


def test_wrong_labels_are_nested_and_counted_as_noisy():
    task = ModularArithmetic(modulus=P, wrong_labels=True)
    little, much = split(task, 100, 20), split(task, 100, 60)
    chosen = little.order[:20]
    assert np.array_equal(little.labels[chosen], much.labels[chosen])
    assert np.sum(little.group == 1) == 20 and np.sum(much.group == 1) == 60


@pytest.mark.parametrize(
    ("task", "rule"),
    [
        ({"operation": "x-y", "mirrored": "together"}, r"task\.mirrored: no example has a mirror .* is 'apart'"),
        ({"kind": "digits", "mirrored": "together"}, r"task\.mirrored: no example has a mirror"),
        ({"kind": "linear_teacher", "imbalance": 3}, r"task\.imbalance: needs one class an example"),
        ({"kind": "linear_teacher", "wrong_labels": True}, r"task\.wrong_labels: needs one label an example"),
        ({"imbalance": 0}, r"task\.imbalance: must be > 0"),
        ({"imbalance": {"linear": {"start": 1, "end": 2, "finish": 5}}}, r"task\.imbalance: is read only once"),
    ],
)  # fmt: skip
def test_a_way_of_drawing_that_a_table_does_not_have_is_refused(task, rule):
    with pytest.raises(SpecError, match=rule):
        load(SWEEP | {"task": {"kind": "modular_arithmetic"} | task})


def test_wrong_labels_beside_no_noise_are_refused_as_an_axis():
    with pytest.raises(SpecError, match=r"axes\.task\.wrong_labels: changes nothing"):
        load(SWEEP | {"axes": {"task.wrong_labels": [False, True]}}, check=check_equal_runs)


def test_ways_of_drawing_are_axes_and_the_plain_one_is_the_old_run():
    axes = {"task.mirrored": ["apart", "together"], "task.imbalance": [None, 3, 9]}
    sweep = load(SWEEP | {"axes": axes}, check=check_equal_runs)
    assert sweep.num_runs == 6
    assert grid_orders(sweep)[0].run_id == grid_orders(load(SWEEP))[0].run_id


def test_classes_of_real_data_can_be_drawn_unequally():
    task = Digits(imbalance=50.0)
    table = task.table()
    counts = np.bincount(table.targets[train_of(task, 300)], minlength=10)
    assert counts[0] > 5 * counts[9]
