"""Do `plan`, `try` and `replay` say what is true, and store nothing?"""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from grokjax import open_results
from tests.store.small_sweep import SMALL, copied, typed

MILLION = (
    SMALL.replace("seeds: 2", "seeds: 10")
    .replace("modulus: 7", "modulus: 31")
    .replace(
        "  optimizer.learning_rate: [1.0e-2, 1.0e+30]\n  optimizer.weight_decay: {log: [0.1, 10, 3]}\n",
        "  model.width: [16, 24]\n  model.activation: [square, relu]\n"
        "  optimizer.weight_decay: {log: [0.01, 10, 250]}\n  task.train_fraction: {linear: [0.2, 0.8, 100]}\n",
    )
)


def test_plan_json_has_the_keys_of_the_contract(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sweep.yaml").write_text(
        SMALL.replace("learning_rate: [1.0e-2, 1.0e+30]", "betas: x").replace(
            "optimizer.betas: x", "model.width: [16, 24]"
        )
    )
    assert typed("plan", "sweep.yaml", "--json", "--no-probe") == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["runs"] == 12 and plan["forecast_seconds"] is plan["compile_seconds"] is None
    assert plan["memory_bytes_per_run"] > 0
    assert [cohort["runs"] for cohort in plan["cohorts"]] == [6, 6]
    assert [cohort["static"] for cohort in plan["cohorts"]] == [{"model.width": [16]}, {"model.width": [24]}]
    assert all(cohort["width"] >= 1 for cohort in plan["cohorts"])
    assert typed("plan", "sweep.yaml", "--no-probe") == 0
    assert "model.width" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.yaml"]


def test_plan_with_a_probe_forecasts_time(small, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert typed("plan", small.parent / "sweep.yaml", "--json", "--lanes", "2") == 0
    plan = json.loads(capsys.readouterr().out)
    assert 0 < plan["forecast_seconds"] < 600 and plan["cohorts"][0]["forecast_seconds"] == plan["forecast_seconds"]
    (cohort,) = plan["cohorts"]
    assert 0 < cohort["compile_seconds"] == plan["compile_seconds"] < 600
    assert cohort["width"] == 2 and 0 < cohort["run_seconds"] <= plan["forecast_seconds"]
    assert list(cohort["measure_seconds"]) == ["weight_norm"] and cohort["measure_seconds"]["weight_norm"] < 0.1
    assert list(tmp_path.iterdir()) == []


def test_plan_of_a_million_runs_takes_seconds_and_little_memory(tmp_path):
    (tmp_path / "million.yaml").write_text(MILLION)
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom grokjax.cli import main\n"
        f"status = main(['plan', {str(tmp_path / 'million.yaml')!r}, '--json', '--no-probe'])\n"
        "peak = [line.split()[1] for line in Path('/proc/self/status').read_text().splitlines() if 'VmHWM' in line]\n"
        "print(status, *peak, time.process_time(), file=sys.stderr)\n"  # getrusage would count this process's memory
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ)
    status, kilobytes, seconds = done.stderr.split()[-3:]
    plan = json.loads(done.stdout)
    assert plan["runs"] == 1_000_000 and [cohort["runs"] for cohort in plan["cohorts"]] == [250_000] * 4
    assert status == "0" and int(kilobytes) < 1_000_000 and float(seconds) < 10
    assert [path.name for path in tmp_path.iterdir()] == ["million.yaml"]


def test_try_shows_shapes_and_losses_and_stores_nothing(small, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert typed("try", small.parent / "sweep.yaml", "--steps", "10", "--cell", "1") == 0
    shown = capsys.readouterr().out
    assert "24 train, 25 test" in shown and "hidden_0/kernel [14, 16] float32" in shown and "step     10" in shown
    assert "step      0  loss           -  train" in shown and "nan" not in shown
    assert typed("try", small.parent / "sweep.yaml", "--cell", "6") == 2
    assert "0..5" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def traced(small, tmp_path_factory):
    """A run that did not diverge, its trace, and what the replay said."""
    table = pd.read_csv(small / "table.csv")
    run_id = table["run_id"][table["status"] == "done"].iloc[1]
    path = tmp_path_factory.mktemp("trace") / "trace.npz"
    before = (small / "HEAD.json").read_bytes()
    assert typed("replay", small, run_id, "--trace", path) == 0
    assert (small / "HEAD.json").read_bytes() == before
    with np.load(path) as arrays:
        return run_id, dict(arrays)


def test_a_trace_holds_what_an_independent_program_needs(small, traced):
    run_id, trace = traced
    shapes = {name: values.shape for name, values in trace.items()}
    assert shapes == {
        "param/hidden_0/kernel": (14, 16),
        "param/output/kernel": (16, 7),
        "inputs": (49, 3),
        "targets": (49,),
        "true_targets": (49,),
        "train_index": (24,),
        "loss": (100,),
    }
    np.testing.assert_array_equal(trace["targets"], trace["inputs"][:, :2].sum(axis=1) % 7)
    results = open_results(small)
    np.testing.assert_array_equal(trace["train_index"], results.dataset(run_id)["train_index"])
    initial = results.params(run_id, 0)  # stored, since `weights: 50` asks for snapshots from step 0 on
    for layer, leaves in initial.items():
        np.testing.assert_array_equal(trace[f"param/{layer}/kernel"], leaves["kernel"])
    assert np.all(np.isfinite(trace["loss"])) and trace["loss"][-1] < trace["loss"][0]


def test_replay_says_that_every_bit_is_equal(small, capsys, traced):
    assert typed("replay", small, traced[0], "--steps", "30") == 0
    said = capsys.readouterr().out
    assert "30 steps" in said and "every bit equal" in said


def test_replay_of_a_diverged_run_is_equal_too(small, capsys):
    table = pd.read_csv(small / "table.csv")
    assert typed("replay", small, table["run_id"][table["status"] == "diverged"].iloc[0]) == 0
    assert "every bit equal" in capsys.readouterr().out


def one_bit(arrays):
    arrays["looks/test/loss"].view(np.uint32)[:, 3] ^= 1


def no_tail(arrays):
    arrays["look_step"][:, 5:] = -1


def no_beginning(arrays):
    arrays["row_step"][:, 0] = -2


def another_end(arrays):
    arrays["stop_reason"][:] = "grokked"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (one_bit, "test/loss at step"),
        (no_tail, "looks at step"),
        (no_beginning, "rows at step 0, which only one"),
        (another_end, "stop_reason, budget where grokked is stored"),
    ],
)
def test_replay_notices_another_history(small, tmp_path, traced, capsys, change, message):
    """What is stored is changed, and the checksums with it."""
    from grokjax.store.files import arrays_to_bytes, bytes_to_arrays, checksum
    from grokjax.store.head import read_head, write_head
    from grokjax.store.layout import Layout

    root = copied(small, tmp_path)
    head, _ = read_head(Layout(root))
    files = dict(head.files)
    for name in (one for one in head.files if one.startswith("runs/")):
        arrays = bytes_to_arrays((root / name).read_bytes())
        change(arrays)
        (root / name).write_bytes(content := arrays_to_bytes(arrays))
        files[name] = checksum(content)
    write_head(Layout(root), head.next(files=files))
    assert typed("replay", root, traced[0]) == 5
    assert f"first difference {message}" in capsys.readouterr().out


def test_replay_refuses_an_unknown_run(small, capsys, traced):
    assert typed("replay", small, traced[0][:-1] + "g") == 2
    assert f"did you mean {traced[0]!r}" in capsys.readouterr().err


def test_debug_shows_the_whole_traceback_behind_what_a_part_raised(tmp_path, capsys):
    (tmp_path / "opt.py").write_text(
        "import optax\n\n\ndef muon():\n    return optax.chain(optax.contrib.scale_by_muon(), optax.scale(-1.0))\n"
    )
    (tmp_path / "s.yaml").write_text(
        "task: {kind: modular_arithmetic, modulus: 7}\nmodel: {kind: mlp, width: 8}\n"
        "optimizer: {kind: ./opt.py:muon}\ntrain: {steps: 5}\n"
    )
    assert typed("plan", tmp_path / "s.yaml", "--no-probe") == 2
    plain = capsys.readouterr().err
    assert "<class 'NoneType'>" in plain and "Traceback" not in plain
    assert typed("--debug", "plan", tmp_path / "s.yaml", "--no-probe") == 2
    debugged = capsys.readouterr().err
    assert "_muon.py" in debugged.partition("direct cause")[0] and "different types at key path" in debugged
