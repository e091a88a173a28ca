"""Measures taken afterwards, as typed: equal to those of the loop, stored once, in the table and the history."""

import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from grokjax import open_results
from tests.store.small_sweep import copied, typed

SWEEP = """
name: afterwards
task: {{kind: modular_arithmetic, operation: x+y, modulus: 7, train_fraction: 0.6}}
model: {{kind: mlp, activation: square, width: 16}}
optimizer: {{kind: adamw, learning_rate: 1.0e-2}}
loss: {{kind: mse}}
train: {{steps: 60, minibatch: 8}}
axes: {{optimizer.weight_decay: [0.1, 1], model.width: [8, 16]}}
seeds: 2
measure: {{every: [20, 40], what: {what}}}
weights: [20, 30]
"""
WHAT = "spectrum,distance_from_init,gradient_norm"


def trained(place, name, what):
    (place / f"{name}.yaml").write_text(SWEEP.format(what=what))
    assert typed("run", place / f"{name}.yaml", "--out", place / name, "--lanes", 2) == 0
    return place / name


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A finished sweep that measured nothing but what every look sees."""
    return trained(tmp_path_factory.mktemp("bare"), "bare", "[fit]")


@pytest.fixture(scope="module")
def looped(tmp_path_factory):
    """The same runs, measured in the loop."""
    return trained(tmp_path_factory.mktemp("looped"), "looped", f"[{WHAT}]")


def at(root, name, step):
    """[run] of a measure at a step, runs in the order of the sweep."""
    history = open_results(root).history
    row = np.argmax(history["step"].values == step, axis=1)
    assert (np.take_along_axis(history["step"].values, row[:, None], axis=1) == step).all()
    return history[name].values[np.arange(len(row)), row]


def test_values_are_those_of_the_loop_to_rounding_and_stand_in_table_and_history(bare, looped, tmp_path, capsys):
    root = copied(bare, tmp_path)
    assert typed("measure", root, "--what", WHAT, "--step", "all") == 0
    assert "at 32 snapshots of 8 runs" in capsys.readouterr().err  # steps 0, 20, 30 and the last, 60
    names = [
        name
        for name in open_results(looped).history
        if str(name).split("/")[0] in ("stable_rank", "distance_from_init", "gradient_norm")
    ]
    assert len(names) > 8
    for name in names:
        for step in (20, 60):
            left, right = at(root, name, step), at(looped, name, step)
            np.testing.assert_allclose(left, right, rtol=2e-5, atol=1e-7, err_msg=f"{name} at {step}")
    assert np.isfinite(at(root, "gradient_norm/total", 30)).all()
    table = pd.read_csv(root / "table.csv")
    np.testing.assert_allclose(table["gradient_norm/total"], at(root, "gradient_norm/total", 60), rtol=1e-6)
    assert typed("verify", root) == 0


def test_what_was_measured_is_not_measured_again_and_changes_nothing_else(bare, tmp_path, capsys):
    root = copied(bare, tmp_path)
    before = open_results(root).runs.set_index("run_id")
    assert typed("measure", root, "--what", "spectrum") == 0
    files = sorted((root / "measured").iterdir())
    assert typed("measure", root, "--what", "spectrum") == 0
    assert sorted((root / "measured").iterdir()) == files
    assert "at 0 snapshots of 8 runs" in capsys.readouterr().err
    after = open_results(root).runs.set_index("run_id")
    pd.testing.assert_frame_equal(after[before.columns], before)
    assert "stable_rank/output/kernel" in after


def test_a_step_without_stored_weights_is_trained_again_and_said(bare, looped, tmp_path, capsys):
    root = copied(bare, tmp_path)
    assert typed("measure", root, "--what", "distance_from_init", "--step", 40, "--where", "width = 8") == 0
    said = capsys.readouterr().err
    assert (
        "4 runs have no stored parameters there and were trained again; histories came out every bit as stored" in said
    )
    assert typed("measure", root, "--what", "distance_from_init", "--step", 40, "--where", "width = 8") == 0
    assert "trained again" not in capsys.readouterr().err  # nothing is missing, so nothing is trained for it
    left, right = (at(folder, "distance_from_init/total", 40) for folder in (root, looped))
    is_small = open_results(root).runs["model.width"].to_numpy() == 8
    np.testing.assert_allclose(left[is_small], right[is_small], rtol=1e-5)
    assert np.isnan(left[~is_small]).all()


def test_a_kill_between_two_commits_loses_nothing_and_repeats_nothing(bare, tmp_path, monkeypatch, capsys):
    root, commits = copied(bare, tmp_path), []
    add = "grokjax.store.folder.SweepFolder.add_measured"
    plain = __import__("grokjax.store.folder", fromlist=["SweepFolder"]).SweepFolder.add_measured

    def killed(folder, measured):
        if commits:
            raise KeyboardInterrupt
        commits.append(len(measured["run_id"]))
        plain(folder, measured)

    with monkeypatch.context() as patch:
        patch.setattr(add, killed)
        assert typed("measure", root, "--what", "spectrum") == 130
    assert typed("measure", root, "--what", "spectrum") == 0
    assert f"at {8 - commits[0]} snapshots" in capsys.readouterr().err
    assert np.isfinite(at(root, "spectral_entropy/mean", 60)).all()
    assert open_results(root).is_complete


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--what", "specturm"), "did you mean 'spectrum'"),
        (("--what", "spectrum", "--step", "61"), "ends after 60 updates, so there is no step 61"),
        (("--what", "spectrum", "--step", "soon"), "must be a number of updates, last or all"),
        (("--what", "attention"), "asks for activations named 'weights'"),
        (("--what", "description_lenght"), "did you mean 'description_length'"),
        (("--what", "operation_masks"), "measure.what: operation_masks needs examples `x op y =` of two operations"),
        (("--what", "mdl"), "description_length codes a coarse network"),
        (("--what", "[{kind: description_length, tolerances: []}]"), "description_length needs tolerances above 0"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_line(bare, tmp_path, capsys, words, said):
    root = copied(bare, tmp_path)
    capsys.readouterr()
    assert typed("measure", root, *words) in (2, 5)
    assert said in capsys.readouterr().err
    assert open_results(root).is_complete


OWN = """
import jax
import jax.numpy as jnp
import numpy as np
from grokjax import Measure, Probe, Swept, part, setting


@part
class Scaled(Measure):
    factor: Swept = setting(1.0, "factor")

    def measure(self, view):
        return {"scaled/step": self.factor * view.step.astype(jnp.float32)}


@part
class Norm(Probe):
    factor: Swept = setting(1.0, "factor")

    def probe(self, network):
        leaves = jax.tree.leaves(network.params)
        assert all(isinstance(leaf, np.ndarray) for leaf in leaves)
        loss, zeros = network.train_loss(network.params), jax.tree.map(np.zeros_like, network.params)
        return {
            "probed/norm": self.factor * np.sqrt(sum(np.sum(leaf.astype(float) ** 2) for leaf in leaves)),
            "probed/loss": loss,
            "probed/above": int(np.isinf(network.train_loss(network.params, 0.999 * loss))),
            "probed/below": int(np.isinf(network.train_loss(network.params, 1.001 * loss))),
            "probed/zeros": [network.train_loss(zeros), network.fit(zeros)["test/loss"]],
            "probed/step": network.step,
            "probed/n_train": network.n_train,
        }


@part
class Unstored(Probe):
    def probe(self, network):
        return {"probed/word": "many"}


@part
class Shapeless(Probe):
    def probe(self, network):
        return {"probed/steps": np.zeros(network.step)}


@part
class Failing(Probe):
    def probe(self, network):
        return 1 / 0


def unsigned(view):
    return {"odd/unsigned": jnp.uint32(3)}


def nothing(view):
    return {"odd/nothing": jnp.float32(jnp.nan)}
"""


def test_other_settings_of_a_measure_are_not_taken_for_what_is_there(bare, tmp_path, monkeypatch, capsys):
    root = copied(bare, tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    scaled = "[{{kind: './own.py:Scaled', factor: {}}}]"
    assert typed("measure", root, "--what", scaled.format(1)) == 0
    assert typed("measure", root, "--what", scaled.format(1)) == 0
    assert "at 0 snapshots" in capsys.readouterr().err
    assert typed("measure", root, "--what", scaled.format(7)) == 5
    assert "measured with other settings" in capsys.readouterr().err
    assert typed("measure", root, "--what", scaled.format(1)[:-1] + ", {kind: spectrum}]") == 0
    assert (
        typed("measure", root, "--what", "[{kind: spectrum}, " + scaled.format(7)[1:]) == 5
    )  # beside one that is there
    assert (at(root, "scaled/step", 60) == 60).all()


def test_values_without_a_sign_for_none_are_refused_before_anything_is_stored(bare, tmp_path, monkeypatch, capsys):
    root = copied(bare, tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    assert typed("measure", root, "--what", "./own.py:unsigned") == 2
    assert "as uint32" in capsys.readouterr().err
    assert not list((root / "measured").glob("*")) and len(open_results(root).runs) == 8


def test_a_measure_that_gives_no_number_is_taken_once(bare, tmp_path, monkeypatch, capsys):
    root = copied(bare, tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    for count in (8, 0):
        assert typed("measure", root, "--what", "./own.py:nothing") == 0
        assert f"at {count} snapshots" in capsys.readouterr().err


def test_a_damaged_file_of_measurements_is_left_out_and_measured_again(bare, tmp_path, capsys):
    root = copied(bare, tmp_path)
    assert typed("measure", root, "--what", "spectrum") == 0
    file = min((root / "measured").iterdir())  # of the first of two cohorts
    file.write_bytes(file.read_bytes()[:-2] + b"xx")
    assert typed("verify", root) == 5
    capsys.readouterr()
    assert typed("measure", root, "--what", "spectrum") == 0
    assert "at 4 snapshots" in capsys.readouterr().err
    assert np.isfinite(at(root, "spectral_entropy/mean", 60)).all() and typed("verify", root) == 0


def own_folder(bare, tmp_path, monkeypatch):
    """A copy of the finished sweep, beside the parts of this file."""
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    return copied(bare, tmp_path)


def test_a_probe_of_the_users_sees_a_network_on_the_host(bare, tmp_path, monkeypatch, capsys):
    root = own_folder(bare, tmp_path, monkeypatch)
    assert typed("measure", root, "--what", "./own.py:Norm,weight_norm", "--step", "all") == 0
    assert "at 32 snapshots of 8 runs" in capsys.readouterr().err
    for step in (0, 20, 30, 60):
        np.testing.assert_allclose(at(root, "probed/norm", step), at(root, "weight_norm/total", step), rtol=1e-5)
        np.testing.assert_allclose(at(root, "probed/loss", step), at(root, "train/loss", step), rtol=1e-5)
        np.testing.assert_allclose(at(root, "probed/zeros", step), np.log(7), rtol=1e-5)  # chance
        assert (at(root, "probed/step", step) == step).all() and (at(root, "probed/n_train", step) == 29).all()
        assert (at(root, "probed/above", step) == 1).all() and (at(root, "probed/below", step) == 0).all()
    assert "probed/norm" in open_results(root).runs and typed("verify", root) == 0
    assert typed("measure", root, "--what", "./own.py:Norm", "--step", "all") == 0
    assert "at 0 snapshots" in capsys.readouterr().err
    assert typed("measure", root, "--what", "[{kind: './own.py:Norm', factor: 2}]") == 5
    assert "measured with other settings" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Unstored", "gives 'probed/word' as <U4"),
        ("Shapeless", "gives other shapes of 'probed/steps' for different networks"),
        ("Failing", "ZeroDivisionError"),
    ],
)
def test_what_a_probe_gives_wrongly_is_refused_in_one_line(bare, tmp_path, monkeypatch, capsys, name, said):
    root = own_folder(bare, tmp_path, monkeypatch)
    assert typed("measure", root, "--what", f"./own.py:{name}", "--step", "all") == 2
    assert said in capsys.readouterr().err
    assert not list((root / "measured").glob("*"))


def test_a_killed_probe_goes_on_where_it_was(bare, tmp_path, capsys):
    words = ("--what", "[{kind: description_length, tolerances: [1, 0.1], steps: 4, thresholds: 4}]", "--step", "all")
    root, whole = copied(bare, tmp_path), copied(bare, tmp_path / "whole")
    window = "the first measured values are committed"
    killed = subprocess.run([sys.executable, "-m", "tests.store.killed_inside", window, "measure", str(root), *words])
    assert killed.returncode == -signal.SIGKILL
    assert len(list((root / "measured").glob("*"))) == 1 and typed("verify", root) == 0
    assert typed("measure", root, *words) == 0
    assert "at 31 snapshots of 8 runs" in capsys.readouterr().err
    assert typed("measure", whole, *words) == 0
    for name in ("description_length/bytes_1", "description_length/delta", "description_length/total_bits"):
        for step in (0, 20, 30, 60):
            np.testing.assert_array_equal(at(root, name, step), at(whole, name, step))
    assert (at(root, "description_length/bytes_0.1", 60) > 0).all()
    assert open_results(root).is_complete


def test_modules_and_damage_of_networks_of_several_widths_are_those_of_their_parameters(bare, tmp_path):
    root = copied(bare, tmp_path)
    what = "[{kind: modularity, shuffles: 5}, {kind: frequency_modules, draws: 1}, {kind: damage, draws: 2}]"
    assert typed("measure", root, "--what", what) == 0
    results = open_results(root)
    for width in (8, 16):
        run_id = results.runs["run_id"][results.runs["model.width"] == width].iloc[0]
        run = results.history.sel(run_id=run_id)
        last, params = np.flatnonzero(run["step"].values == 60)[0], results.params(run_id)
        first = params["hidden_0"]["kernel"].reshape(2, 7, width)
        power = (np.abs(np.fft.rfft(first, axis=1)) ** 2).sum(axis=0)[1:]
        told = run["frequency_modules/unit_frequency"].values[last]
        np.testing.assert_array_equal(told[:width], 1 + power.argmax(axis=0))
        assert (told[width:] == -1).all()
        assert run["damage/train_accuracy"].values[last, 0] == pytest.approx(
            results.runs.set_index("run_id")["train/accuracy"][run_id]
        )
        assert run["modularity/bound"].values[last] <= run["modularity/ncut"].values[last]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("[{kind: modularity, clusters: 9}]", "modularity needs at most 8 clusters here, got 9"),
        ("[{kind: damage, shares: [0.5]}]", "damage needs two shares or more, from 0 to 1"),
    ],
)
def test_a_probe_that_makes_no_sense_of_a_network_is_refused_before_anything_is_stored(
    bare, tmp_path, capsys, what, said
):
    root = copied(bare, tmp_path)
    assert typed("measure", root, "--what", what) == 2
    assert said in capsys.readouterr().err
    assert not list((root / "measured").glob("*"))
