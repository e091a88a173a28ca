"""Is exactly the train set trained on that a file names, whatever the task?"""

import numpy as np
import pytest

from grokjax.core.data_warning import DataWarning
from grokjax.orders.order import grid_orders
from grokjax.reader.errors import SpecError
from grokjax.reader.run import Run
from grokjax.reader.sweep_file import load
from grokjax.tasks.given_split import GivenSplit
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.train.equal_runs import check_equal_runs

P = 7
SUMS = ModularArithmetic(modulus=P)
SWEEP = {
    "name": "given",
    "task": {"kind": "given_split", "path": "split.npz", "task": {"kind": "modular_arithmetic", "modulus": P}},
    "model": {"kind": "mlp", "width": 8, "activation": "square"},
    "optimizer": {"kind": "adamw", "learning_rate": 0.01},
    "train": {"steps": 20},
}


def examples(folder):
    np.savez(folder / "split.npz", train_indices=np.arange(0, P * P, 3))
    return [GivenSplit(task=SUMS, path=str(folder / "split.npz"))]


@pytest.fixture
def split_file(tmp_path):
    def save(**indices) -> str:
        np.savez(tmp_path / "split.npz", **indices)
        return str(tmp_path / "split.npz")

    return save


def test_named_examples_are_trained_on_and_the_others_tested(split_file):
    chosen = np.array([40, 3, 17, 8])
    task = GivenSplit(task=SUMS, path=split_file(train_indices=chosen))
    table, plain = task.table(), SUMS.table()
    assert np.array_equal(table.inputs[:4], plain.inputs[chosen])
    assert np.array_equal(table.targets[:4], plain.targets[chosen])
    assert task.counts(task.signature()).n_train == 4
    assert len(table.inputs) == P * P and len(np.unique(table.inputs, axis=0)) == P * P
    swapped = table.inputs[table.mirror]
    assert np.array_equal(swapped[:, 0], table.inputs[:, 1]) and np.array_equal(swapped[:, 1], table.inputs[:, 0])


def test_test_indices_alone_name_the_rest(split_file):
    task = GivenSplit(task=SUMS, path=split_file(test_indices=np.arange(10, 49)))
    assert task.counts(task.signature()).n_train == 10
    assert np.array_equal(task.table().inputs[:10], SUMS.table().inputs[:10])


def test_examples_in_neither_are_left_out_with_a_warning(split_file):
    task = GivenSplit(task=SUMS, path=split_file(train_indices=np.arange(5), test_indices=np.arange(20, 30)))
    with pytest.warns(DataWarning, match="34 of 49 examples are in neither train_indices nor test_indices"):
        assert len(task.table().inputs) == 15


def test_a_run_trains_on_them_and_can_have_noisy_labels(split_file):
    task = GivenSplit(task=SUMS, path=split_file(train_indices=np.arange(0, 49, 2)), label_noise=0.4, wrong_labels=True)
    model = {"kind": "mlp", "width": 8}
    trained = Run(task=task, model=model, optimizer={"kind": "adamw"}).train(steps=5)
    last = trained.history.isel(k=-1)
    counts = [int(last[f"{name}/n"]) for name in ("train", "train_noisy", "test")]
    assert counts == [25, 10, 24]


def test_what_was_true_of_the_task_stays_true(split_file):
    task, plain = GivenSplit(task=SUMS, path=split_file(train_indices=[1, 2])), SUMS.signature()
    signature = task.signature()
    assert signature.has_given_split and not plain.has_given_split
    assert signature._replace(task="") == plain._replace(task="")


def test_the_content_of_the_file_is_the_identity_and_not_its_place(split_file, tmp_path):
    split_file(train_indices=np.arange(20))
    ids = [grid_orders(load(SWEEP, folder=tmp_path))[0].run_id]
    (tmp_path / "moved").mkdir()
    (tmp_path / "split.npz").rename(tmp_path / "moved" / "split.npz")
    ids.append(grid_orders(load(SWEEP, folder=tmp_path / "moved"))[0].run_id)
    split_file(train_indices=np.arange(21))
    ids.append(grid_orders(load(SWEEP, folder=tmp_path))[0].run_id)
    assert ids[0] == ids[1] != ids[2]


def test_settings_of_the_inner_task_are_axes(split_file, tmp_path):
    split_file(train_indices=np.arange(20))
    operations = {"task.task.operation": ["x+y", "x*y"]}
    sweep = load(SWEEP | {"axes": operations}, folder=tmp_path, check=check_equal_runs)
    assert [grid_orders(sweep)[index].run.task.task.operation for index in range(2)] == ["x+y", "x*y"]
    with pytest.raises(SpecError, match=r"axes\.seeds\.split: changes nothing"):
        load(SWEEP | {"axes": {"seeds.split": [0, 1]}}, folder=tmp_path, check=check_equal_runs)


@pytest.mark.parametrize(
    ("indices", "changes", "rule"),
    [
        ({"train_indices": [0, 49]}, {}, r"split\.npz train_indices must be from 0 to 48, got 0 to 49"),
        ({"train_indices": [0, 0]}, {}, "names an example twice"),
        ({"train_indices": [0, 1], "test_indices": [1, 2]}, {}, "example 1 is in train_indices and in test_indices"),
        ({"train": [0, 1]}, {}, "must hold train_indices or test_indices, or both, and no more; it holds train"),
        ({"train_indices": [0]}, {"train_fraction": 0.3}, r"task\.task\.train_fraction: the train set is given"),
        ({"train_indices": [0]}, {"label_noise": 0.3}, r"task\.task\.label_noise: .* a setting of given_split"),
        ({"train_indices": [0]}, {"mirrored": "together"}, r"task\.task\.mirrored: the train set is given"),
    ],
)
def test_what_is_no_split_is_refused(split_file, tmp_path, indices, changes, rule):
    split_file(**{name: np.array(places) for name, places in indices.items()})
    inner = SWEEP["task"]["task"] | changes
    with pytest.raises(SpecError, match=rule):
        load(SWEEP | {"task": SWEEP["task"] | {"task": inner}}, folder=tmp_path)


@pytest.mark.parametrize("setting", [{"mirrored": "together"}, {"imbalance": 3}])
def test_a_way_of_drawing_beside_it_is_refused(split_file, tmp_path, setting):
    split_file(train_indices=np.arange(20))
    with pytest.raises(SpecError, match=rf"task\.{next(iter(setting))}: the train set is given with the data"):
        load(SWEEP | {"task": SWEEP["task"] | setting}, folder=tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SpecError, match=r"task\.path: no such file"):
        load(SWEEP, folder=tmp_path)
