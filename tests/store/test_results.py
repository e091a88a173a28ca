"""Does `open_results` give back what was trained, of one sweep or of several, down to the networks?"""

import warnings

import numpy as np
import pandas as pd
import pytest

from grokjax import Run, Sweep, open_results
from grokjax.losses.mse import MSE
from grokjax.models.mlp import MLP
from grokjax.models.transformer import Transformer
from grokjax.optimizers.adamw import AdamW
from grokjax.orders.order import grid_orders
from grokjax.store.files import arrays_to_bytes, bytes_to_arrays, checksum
from grokjax.store.head import read_head, write_head
from grokjax.store.layout import Layout, StoreError
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from tests.store.small_sweep import LANES, SMALL, copied, typed


@pytest.fixture(scope="module")
def results(small):
    return open_results(small)


@pytest.fixture(scope="module")
def run_id(results):
    """A run that was trained to its end."""
    return results.runs["run_id"][results.runs["status"] == "done"].iloc[0]


@pytest.fixture(scope="module")
def other(small, tmp_path_factory):
    """A sweep with another width, and with other axes; two of its runs are runs of `small`."""
    place = tmp_path_factory.mktemp("other")
    text = SMALL.replace("  optimizer.learning_rate: [1.0e-2, 1.0e+30]\n", "  task.train_fraction: [0.5, 0.6]\n")
    (place / "other.yaml").write_text(
        text.replace("{log: [0.1, 10, 3]}", "[10, 20]").replace("name: small", "name: other")
    )
    assert typed("run", place / "other.yaml", "--out", place / "other", *LANES) == 0
    return place / "other"


def test_grid_has_short_names_and_every_value_in_its_place(results):
    grid = results.grid("test/accuracy")
    assert grid.dims == ("learning_rate", "weight_decay", "seed", "step") and grid.shape[:3] == (2, 3, 2)
    np.testing.assert_array_equal(grid["weight_decay"], [0.1, 1, 10])
    for place in range(12):
        row = results.runs.iloc[place]
        seen = grid.sel(
            learning_rate=row["optimizer.learning_rate"],
            weight_decay=row["optimizer.weight_decay"],
            seed=row["seeds.init"],
        )
        steps = results.history["step"].values[place]
        expected = results.history["test/accuracy"].values[place][steps >= 0]
        np.testing.assert_array_equal(seen.sel(step=steps[steps >= 0]), expected)
        assert np.isnan(seen).sum() == grid.sizes["step"] - np.count_nonzero(steps >= 0)
    assert grid.sel(learning_rate=1e-2, step=100).notnull().all()


def test_history_is_selected_by_run_id(results):
    ids = results.runs["run_id"]
    chosen = results.history.sel(run_id=[ids[7], ids[2]])
    assert list(chosen["run_id"].values) == [ids[7], ids[2]]
    np.testing.assert_array_equal(chosen["step"], results.history["step"][[7, 2]])
    np.testing.assert_array_equal(chosen["test/accuracy"], results.history["test/accuracy"][[7, 2]])


def test_grid_of_an_unknown_measure_names_the_known_ones(results):
    with pytest.raises(KeyError, match="test/accuracy"):
        results.grid("test/acuracy")


def test_cells_and_boundary_are_those_of_the_runs(results):
    cells = results.cells()
    assert cells["runs"].tolist() == [2] * 6 and cells["decided"].tolist() == [2] * 6
    assert cells.groupby("optimizer.learning_rate")["fell"].sum().tolist() == [0, 6]  # the wild rate diverges
    steps = results.runs.groupby(["optimizer.learning_rate", "optimizer.weight_decay"])["steps_to_test_99"]
    np.testing.assert_array_equal(cells["censored"] + cells["fell"], steps.apply(lambda one: one.isna().sum()))
    assert (results.cells("liu2022")["decided"] < 2).any()  # its horizon is not reached
    found = results.boundary("weight_decay", "learning_rate")
    assert found.y.tolist() == [1e-2, 1e30] and found.n.tolist() == [6, 6]
    assert found.at[1] in (-np.inf, np.inf)  # nothing that diverged generalizes


def test_dataset_is_the_table_split_as_the_run_was_trained(results, run_id):
    data, row = results.dataset(run_id), results.runs.set_index("run_id").loc[run_id]
    np.testing.assert_array_equal(data["targets"], data["inputs"][:, :2].sum(axis=1) % 7)
    np.testing.assert_array_equal(data["labels"], data["targets"])
    assert len(set(data["train_index"])) == row["n_train"] == 24
    in_train = np.isin(np.arange(49), data["train_index"])
    np.testing.assert_array_equal(in_train, data["group"] <= 1)
    pairs = {tuple(pair) for pair in data["inputs"][in_train, :2].tolist()}
    mirrored = [tuple(pair)[::-1] in pairs for pair in data["inputs"][~in_train, :2].tolist()]
    np.testing.assert_array_equal(data["group"][~in_train] == 2, mirrored)
    assert sum(mirrored) == row["n_test_mirrored"]


def test_logits_are_those_of_the_formula_and_of_the_history(results, run_id):
    params, data = results.params(run_id), results.dataset(run_id)
    first, second = data["inputs"][:, 0], data["inputs"][:, 1]
    kernel = params["hidden_0"]["kernel"].astype(np.float64)
    expected = (kernel[first] + kernel[7 + second]) ** 2 @ params["output"]["kernel"].astype(np.float64)
    outputs = results.logits(run_id)
    np.testing.assert_allclose(outputs, expected, rtol=2e-5, atol=2e-6)
    right = outputs.argmax(axis=1) == data["targets"]
    row = results.runs.set_index("run_id").loc[run_id]
    assert right[data["train_index"]].sum() == row["train/correct"]
    assert right[data["group"] >= 2].sum() == row["test/correct"]
    np.testing.assert_array_equal(results.logits(run_id, data["inputs"][5:8]).shape, (3, 7))


def test_evaluate_gives_the_trained_loss_and_the_share_of_right_answers(results, run_id):
    data, row = results.dataset(run_id), results.runs.set_index("run_id").loc[run_id]
    train = data["train_index"]
    found = results.evaluate(run_id, data["inputs"][train], data["targets"][train])
    assert found["accuracy"] == row["train/accuracy"]
    assert found["loss"] == pytest.approx(row["train/objective"], rel=1e-5)
    with pytest.raises(ValueError, match="targets have shape"):
        results.evaluate(run_id, data["inputs"], data["targets"][:3])
    with pytest.raises(ValueError, match="inputs have shape"):
        results.logits(run_id, np.zeros((4, 2)))


def test_activations_by_path(results, run_id):
    kernel, data = results.params(run_id)["hidden_0"]["kernel"], results.dataset(run_id)
    found = results.activations(run_id, "hidden_0")
    assert list(found) == ["hidden_0"]
    np.testing.assert_allclose(
        found["hidden_0"], kernel[data["inputs"][:, 0]] + kernel[7 + data["inputs"][:, 1]], rtol=1e-6, atol=1e-7
    )
    assert set(results.activations(run_id, "")) == {"hidden_0", "output"}
    np.testing.assert_array_equal(results.activations(run_id, "output")["output"], results.logits(run_id))
    with pytest.raises(ValueError, match="valid: hidden_0, output"):
        results.activations(run_id, "mlp")


def test_model_with_params_is_a_network_of_ones_own(results, run_id):
    model, data = results.model(run_id), results.dataset(run_id)
    signature = results.signature(run_id)
    assert signature == ModularArithmetic(operation="x+y", modulus=7).signature()
    outputs = model.module(signature).apply({"params": results.params(run_id)}, data["inputs"], None, None)
    np.testing.assert_allclose(outputs, results.logits(run_id), rtol=1e-5, atol=1e-6)
    assert model == MLP(activation="square", width=16)
    rows = data["inputs"][3:5]
    same = model.logits(model.prepare(results.params(run_id), signature), rows, signature, None)
    np.testing.assert_allclose(same, results.logits(run_id, rows), rtol=1e-5, atol=1e-6)


def test_params_of_a_stored_step_are_read_and_of_another_one_made(results, run_id):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stored, last = results.params(run_id, 50), results.params(run_id)
        np.testing.assert_array_equal(results.params(run_id, 100)["output"]["kernel"], last["output"]["kernel"])
    with pytest.warns(UserWarning, match="no parameters are stored after 49 updates.*equal to the stored one"):
        before = results.params(run_id, 49)
    change = np.abs(stored["output"]["kernel"] - before["output"]["kernel"])
    assert 0 < change.max() < 0.05  # one update at a rate of 0.01
    with pytest.raises(StoreError, match="ends after 100 updates"):
        results.params(run_id, 101)
    with pytest.raises(StoreError, match="did you mean"):
        results.params(run_id[:-1] + "g")


def test_several_folders_are_one_result(small, other):
    mine, theirs, both = open_results(small), open_results(other), open_results([small, other])
    assert len(mine.runs) == 12 and len(theirs.runs) == 8 and len(both.runs) == 18
    assert both.runs["run_id"].is_unique and both.is_complete
    table = both.runs.set_index("run_id")
    for one in (mine, theirs):
        for path in ("optimizer.weight_decay", "final_step", "phase", "test/loss", "steps_to_train_99"):
            own = one.runs.set_index("run_id")[path]
            pd.testing.assert_series_equal(table.loc[own.index, path], own, check_dtype=False)
    own = mine.runs["run_id"]
    assert (table.loc[own, "task.train_fraction"] == 0.5).all()  # what `small` holds fixed is its value in the whole
    assert (table.loc[theirs.runs["run_id"], "optimizer.learning_rate"] == 0.01).all()
    grid = both.grid("train/accuracy")
    assert {"learning_rate", "weight_decay", "train_fraction", "seed", "step"} == set(grid.dims)
    assert np.isfinite(grid.sel(step=100, learning_rate=1e-2)).sum() == 6 + 8 - 2


@pytest.mark.slow
def test_folders_that_differ_in_something_fixed_keep_it_apart(small, tmp_path):
    (tmp_path / "wide.yaml").write_text(
        SMALL.replace("width: 16", "width: 24").replace("[1.0e-2, 1.0e+30]", "[1.0e-2]")
    )
    assert typed("run", tmp_path / "wide.yaml", "--out", tmp_path / "wide", *LANES) == 0
    both = open_results([small, tmp_path / "wide"])
    assert len(both.runs) == 18 and sorted(both.runs["model.width"].unique()) == [16, 24]
    assert both.grid("train/accuracy").sizes["width"] == 2
    wide = both.runs["run_id"][both.runs["model.width"] == 24].iloc[0]
    assert both.params(wide)["output"]["kernel"].shape == (24, 7)


def test_a_folder_with_another_history_of_one_run_is_refused(small, tmp_path):
    root = copied(small, tmp_path)
    head, _ = read_head(Layout(root))
    files = {name: digest for name, digest in head.files.items() if name.startswith("runs/")}
    for name in files:
        arrays = bytes_to_arrays((root / name).read_bytes())
        arrays["looks/test/correct"][:, 2] += 1
        (root / name).write_bytes(content := arrays_to_bytes(arrays))
        files[name] = checksum(content)
    write_head(Layout(root), head.next(files=files, is_complete=False))
    with pytest.raises(StoreError, match="stored twice with different test/correct"):
        open_results([small, root])


def test_no_folder_and_no_sweep_are_refused(tmp_path):
    with pytest.raises(StoreError, match="at least one"):
        open_results([])
    with pytest.raises(StoreError, match="no sweep"):
        open_results(tmp_path)


PARTS = {
    "task": ModularArithmetic(operation="x+y", modulus=7, train_fraction=0.5),
    "model": MLP(activation="square", width=16),
    "optimizer": AdamW(learning_rate=1e-2, weight_decay=1.0),
    "loss": MSE(),
}


def test_a_run_trains_alone_to_what_the_sweep_trained(results):
    run = Run(**PARTS)
    trained = run.train(steps=100, measure={"every": {"log": 8}, "what": ["fit", "weight_norm"]})
    assert trained.run_id in set(results.runs["run_id"])
    row = results.runs.set_index("run_id").loc[trained.run_id]
    assert row["seeds.init"] == 0 and row["optimizer.weight_decay"] == 1.0
    assert trained.summary["phase"] == row["phase"] and trained.summary["steps_to_train_99"] == row["steps_to_train_99"]
    place = list(results.runs["run_id"]).index(trained.run_id)
    for name in results.measures:
        np.testing.assert_array_equal(trained.history[name], results.history[name].values[place], err_msg=name)
    for layer, leaves in results.params(trained.run_id).items():
        np.testing.assert_array_equal(trained.final[layer]["kernel"], leaves["kernel"])


def test_a_sweep_made_in_python_runs_and_gives_its_results(tmp_path):
    sweep = Sweep(
        name="python",
        base=Run(**{**PARTS, "model": Transformer(width=16, heads=2)}),
        steps=20,
        axes={"optimizer.weight_decay": [0.1, 1.0]},
        measure={"every": 10, "what": ["fit"]},
    )
    assert grid_orders(sweep)[1].run.optimizer.weight_decay == 1.0
    found = sweep.run(root=tmp_path / "out", lanes=2)
    assert found.is_complete and found.runs["optimizer.weight_decay"].tolist() == [0.1, 1.0]
    run_id = found.runs["run_id"][0]
    inside = found.activations(run_id, "mlp")
    assert "layer_0/mlp" in inside and all(path.startswith("layer_0/mlp") for path in inside)
    assert found.activations(run_id, "attention")["layer_0/attention"].shape[0] == 49
