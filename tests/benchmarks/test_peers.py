"""Do the peers train the run that we train? Their code is independent of ours, two of them in another framework."""

import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.peers.map_runs import Watch, read_map
from benchmarks.peers.start import read_start, reference_of
from benchmarks.rig.map_file import write_map
from benchmarks.rig.ours import reference
from benchmarks.rig.processes import PEERS, ROOT, Engine, EngineError, Running, run_to_the_end
from benchmarks.rig.rounds import TOLERANCE, DisagreementError, largest_difference
from benchmarks.rig.workloads import WORKLOADS
from benchmarks.throughput import engines_of
from grokjax import Sweep, open_results
from grokjax.drive.run_sweep import run_sweep

NEEDS_PEERS = pytest.mark.skipif(not (ROOT / PEERS).exists(), reason="the peers are not installed: make peers")
CLOSE = 1e-5  # one network of a few hundred numbers over 10 updates in float32


@pytest.fixture(autouse=True)
def as_users_have_it(monkeypatch):
    monkeypatch.delenv("JAX_NUMPY_RANK_PROMOTION", raising=False)  # our own rule, set in tests/conftest.py


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    path = tmp_path_factory.mktemp("start") / "start.npz"
    reference(WORKLOADS["tiny"].with_form(path.parent, "plain"), path)
    return path


def torch_engines():
    return [name for name in NAMES if name.startswith(("eager", "compiled", "torch", "ModelBatch"))]


NAMES = list(engines_of("tiny", "start.npz"))
SLOW = {name: pytest.param(name, marks=pytest.mark.slow) for name in NAMES if "compiled" in name or "func" in name}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in torch_engines()])
def test_an_engine_in_jax_has_the_losses_of_the_reference(name, start):
    assert differs_by(name, start) < CLOSE


@NEEDS_PEERS
@pytest.mark.parametrize("name", [SLOW.get(name, name) for name in torch_engines()])
def test_an_engine_in_pytorch_has_the_losses_of_the_reference(name, start):
    assert differs_by(name, start) < CLOSE


def differs_by(name, start):
    with Running(engines_of("tiny", start)[name]) as running:
        difference = largest_difference(name, running.greeting()["losses"], *reference_of(start))
        assert running.rate(0.05) > 0
    return difference


@pytest.mark.slow
@NEEDS_PEERS
@pytest.mark.parametrize("workload", ["W1", "W2", "W3", "W4", "P31"])
def test_pytorch_trains_every_network_of_the_benchmarks(workload, tmp_path):
    path = tmp_path / "start.npz"
    reference(WORKLOADS[workload].with_form(tmp_path, "plain"), path)
    with Running(engines_of(workload, path)["eager, all threads"]) as running:
        assert largest_difference("eager", running.greeting()["losses"], *reference_of(path)) < TOLERANCE


@pytest.mark.parametrize(("setting", "value"), [("weight_decay", 0.0), ("learning_rate", 2e-3)])
def test_an_engine_with_another_optimizer_is_found_out(setting, value, start, tmp_path):
    with np.load(start) as file:
        arrays = dict(file)
    arrays["settings"] = json.dumps(read_start(start).settings | {setting: value})
    np.savez(tmp_path / "other.npz", **arrays)
    with Running(engines_of("tiny", tmp_path / "other.npz")["JAX loop"]) as running:
        losses = running.greeting()["losses"]
    with pytest.raises(DisagreementError):
        largest_difference("other", losses, *reference_of(start))


def test_what_one_rounding_moves_is_allowed_from_there_on_and_no_earlier():
    reference, moved = [2.0, 2.0, 2.0], [1e-9, 1e-3, 1e-4]
    assert largest_difference("near", [2.0, 2.0, 2.003], reference, moved) == pytest.approx(1.5e-3)
    with pytest.raises(DisagreementError, match=r"update 0 .* at most 0\.0001"):
        largest_difference("early", [2.002, 2.0, 2.0], reference, moved)
    with pytest.raises(DisagreementError, match=r"update 1 .* at most 0\.002"):
        largest_difference("far", [2.0, 2.01, 2.0], reference, moved)


def test_an_engine_that_ends_is_reported_with_its_command():
    broken = Engine("broken", "benchmarks.peers.jax_loop", ["missing.npz"])
    with Running(broken) as running, pytest.raises(EngineError, match=r"broken ended with status 1: .*missing\.npz"):
        running.greeting()


@pytest.fixture(scope="module")
def trained_map(tmp_path_factory):
    folder = tmp_path_factory.mktemp("map")
    sweep = Sweep(
        name="map",
        base={
            "task": {"kind": "modular_arithmetic", "operation": "x-y", "modulus": 13},
            "model": {
                "kind": "mlp",
                "encoding": "concatenated",
                "shared_embedding": False,
                "embedding": 32,
                "bias": True,
            },
            "optimizer": {"kind": "adamw", "learning_rate": 0.01},
        },
        axes={"optimizer.weight_decay": [0.3, 2.0], "task.train_fraction": [0.5, 0.9]},
        steps=1500,
        stop={"after_grok": {"steps": 100, "ratio": 0.1}, "audit": 0},
    )
    run_sweep(sweep, folder / "results")
    write_map(folder / "map.npz", sweep, range(sweep.num_runs))
    return folder


def outcomes_of(module, folder, *options, is_peer=False):
    files = [str(folder / "map.npz"), str(folder / f"{module}.json")]
    run_to_the_end(Engine(module, f"benchmarks.peers.{module}", [*files, *options], is_peer=is_peer))
    return json.loads((folder / f"{module}.json").read_text())


def check_first_losses(outcomes, folder):
    losses = open_results(folder / "results").looks.column("train/loss")[:, :10]
    for one, ours in zip(outcomes, losses, strict=True):
        assert largest_difference("map", one["losses"][:10], ours) < CLOSE


def test_the_vmapped_map_has_our_losses_at_the_looks_and_goes_to_the_last_step(trained_map):
    outcomes = outcomes_of("jax_map", trained_map, "--together", "6")
    check_first_losses(outcomes, trained_map)
    assert [one["final_step"] for one in outcomes] == [1500] * 4


@NEEDS_PEERS
def test_the_pool_of_pytorch_has_our_losses_at_the_looks_and_ends_runs_where_we_do(trained_map):
    outcomes = outcomes_of("torch_pool", trained_map, "--processes", "2", is_peer=True)
    check_first_losses(outcomes, trained_map)
    ours = open_results(trained_map / "results").runs["final_step"].tolist()
    assert len(set(ours)) > 1  # some runs end early
    assert [one["final_step"] for one in outcomes] == pytest.approx(ours, rel=0.1)  # roundings move the last looks


@pytest.mark.slow
@NEEDS_PEERS
def test_ray_tune_trains_every_run_once_each_ends_where_ours_does(trained_map):
    outcomes = outcomes_of("ray_map", trained_map, "--processes", "2", is_peer=True)
    check_first_losses(outcomes, trained_map)
    ours = open_results(trained_map / "results").runs["final_step"].tolist()
    assert [one["final_step"] for one in outcomes] == pytest.approx(ours, rel=0.1)
    assert all(one["began"] < one["ended"] for one in outcomes)


@NEEDS_PEERS
def test_hyperoptax_has_our_losses_at_the_looks_and_leaves_no_run_of_a_last_group_out(trained_map):
    outcomes = outcomes_of("hyperoptax_map", trained_map, "--together", "3", is_peer=True)
    check_first_losses(outcomes, trained_map)
    assert [one["final_step"] for one in outcomes] == [1500] * 4
    vmapped = outcomes_of("jax_map", trained_map, "--together", "4")
    accuracies = [one["accuracy"] for one in vmapped]
    assert [one["accuracy"] for one in outcomes] == pytest.approx(
        accuracies, abs=0.2
    )  # of 17 examples, after 1,500 roundings


def test_the_stop_rule_of_peers_ends_a_run_at_the_look_at_which_ours_ended_it(trained_map):
    runs, results = read_map(trained_map / "map.npz"), open_results(trained_map / "results")
    correct, final = results.looks.column("test/correct"), results.runs["final_step"].to_numpy()
    for run, step in enumerate(final):
        watch, total = Watch(runs), len(runs.inputs) - runs.n_train[run]
        seen = int(np.searchsorted(runs.looks, step)) + 1
        ends = [watch.ends(look, correct[run, look], total) for look in range(seen)]
        assert ends == [False] * (seen - 1) + [True]


def test_peers_import_nothing_of_grokjax():
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "import benchmarks.peers.jax_loop, benchmarks.peers.jax_vmap, benchmarks.peers.jax_map\n"
        "print([name for name in sys.modules if name.startswith('grokjax')])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
