"""Do Weights & Biases, trackio and Optuna read what was exported for them, and is nothing sent anywhere?"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from grokjax.report.exported_runs import exported_cells
from grokjax.results.results import read_results
from tests.store.small_sweep import small, typed

__all__ = ["small"]
AXES = ["optimizer.learning_rate", "optimizer.weight_decay"]


@pytest.fixture(scope="module")
def results(small):
    return read_results(small)


def log_records(content, block=32768):
    """The records of a file of Weights & Biases, which is a log of LevelDB behind seven bytes of its own."""
    position, begun = 7, b""
    while position + 7 <= len(content):
        if block - position % block < 7:  # no header fits into what is left of the block
            position += block - position % block
            continue
        length = int.from_bytes(content[position + 4 : position + 6], "little")
        kind, part = content[position + 6], content[position + 7 : position + 7 + length]
        position += 7 + length
        begun = part if kind in (1, 2) else begun + part
        if kind in (1, 4):
            yield begun


def offline_runs(folder):
    """Run key -> config, and what was logged, step after step, by the library's own messages."""
    wandb_pb = pytest.importorskip("wandb.proto.wandb_internal_pb2")
    read = {}
    for file in sorted(folder.glob("wandb/offline-run-*/run-*.wandb")):
        config, rows = {}, []
        for content in log_records(file.read_bytes()):
            record = wandb_pb.Record()
            record.ParseFromString(content)
            for item in record.run.config.update if record.HasField("run") else ():
                config[item.key] = json.loads(item.value_json)
            if record.HasField("history"):
                rows.append(
                    {
                        (item.key or "/".join(item.nested_key)): json.loads(item.value_json)
                        for item in record.history.item
                    }
                )
        read[file.stem.removeprefix("run-")] = config, rows
    return read


def test_one_offline_run_holds_the_phases_and_the_table_of_a_sweep(small, results, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    for name in ("WANDB_SWEEP_ID", "WANDB_RUN_ID", "WANDB_PROJECT"):  # as inside of an agent of theirs
        monkeypatch.setenv(name, "theirs")
    assert typed("export", small, "--to", "wandb", "--out", tmp_path / "board") == 0
    ((key, (config, rows)),) = offline_runs(tmp_path / "board").items()
    counts = {name.removeprefix("phase/"): value for name, value in rows[0].items() if name.startswith("phase/")}
    assert key == "summary" and counts == results.runs["phase"].value_counts().to_dict()
    assert config["optimizer.weight_decay"].split() == [str(value) for value in results.runs[AXES[1]].unique()]
    assert rows[0]["runs/nrows"] == len(results.runs) and rows[0]["phases/_type"] == "image-file"
    listed = subprocess.run(
        [sys.executable, "-m", "wandb", "sync", "--dry-run"],
        cwd=tmp_path / "board",
        env={**os.environ, "WANDB_DIR": str(tmp_path / "board")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert listed.returncode == 0 and "summary" in listed.stdout + listed.stderr


@pytest.mark.slow  # many starts of somebody else's service
def test_each_run_has_its_curves_and_settings_offline(small, results, tmp_path):
    pytest.importorskip("wandb")
    chosen = ("--by", "run", "--where", "weight_decay=1")
    assert typed("export", small, "--to", "wandb", *chosen, "--out", tmp_path / "board") == 0
    read = offline_runs(tmp_path / "board")
    chosen = results.runs[np.isclose(results.runs[AXES[1]], 1)]
    assert set(read) == {"summary", *chosen["run_id"]}
    for run in chosen.to_dict("records"):
        config, rows = read[run["run_id"]]
        history = results.history.sel(run_id=run["run_id"])
        steps = history["step"].values[history["step"].values >= 0]
        assert config[AXES[0]] == pytest.approx(run[AXES[0]])
        told = {row["_step"]: row["test/accuracy"] for row in rows if "test/accuracy" in row}
        assert list(told) == steps.tolist()
        np.testing.assert_allclose(list(told.values()), history["test/accuracy"].values[: len(steps)], rtol=1e-6)


def test_cells_are_medians_over_their_seeds(results):
    cells = list(exported_cells(results, results.runs))
    assert len({cell.key for cell in cells}) == len(cells) == len(results.runs[AXES].drop_duplicates())
    for cell in cells:
        own = results.runs[(results.runs[AXES] == [cell.settings[path] for path in AXES]).all(axis=1)]
        assert len(own) > 1 and sum(cell.last.values()) == len(own)
        losses = results.history.sel(run_id=own["run_id"].tolist())["test/loss"].values
        first = np.quantile(losses[:, 0], (0.25, 0.5, 0.75))
        told = cell.rows[0][1]
        np.testing.assert_allclose([told[f"test/loss{end}"] for end in ("_q25", "", "_q75")], first, rtol=1e-6)
        assert cell.rows[0][0] == 0 and told["runs"] == len(own)


def test_a_cell_has_the_same_key_whatever_else_is_exported_and_repeats_count_once(results):
    some = results.runs[np.isclose(results.runs[AXES[1]], 1)]
    keys = {cell.name: cell.key for cell in exported_cells(results, results.runs)}
    assert all(keys[cell.name] == cell.key for cell in exported_cells(results, some))
    repeated = results.runs.assign(is_repeat=[True, *[False] * (len(results.runs) - 1)])
    assert sum(sum(cell.last.values()) for cell in exported_cells(results, repeated)) == len(results.runs) - 1


ASKED = """
import socket

def asked(*arguments, **options):
    with open({!r}, "a") as log:
        log.write(repr(arguments))
    raise OSError("no network in this test")

socket.getaddrinfo = asked
"""


def test_trackio_has_each_run_and_nothing_leaves_the_machine_whatever_is_set(small, results, tmp_path):
    pytest.importorskip("trackio")
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(ASKED.format(str(tmp_path / "asked")))
    command = [
        sys.executable,
        "-m",
        "grokjax",
        "export",
        small,
        "--to",
        "trackio",
        "--by",
        "run",
        "--out",
        tmp_path / "t",
    ]
    sending = {"TRACKIO_SPACE_ID": "somebody/space", "TRACKIO_SERVER_URL": "http://127.0.0.1:9/?write_token=x"}
    paths = os.pathsep.join(filter(None, [str(tmp_path / "watch"), str(Path.cwd()), os.environ.get("PYTHONPATH")]))
    token = tmp_path / ".cache" / "huggingface" / "token"  # where a login leaves it
    token.parent.mkdir(parents=True)
    token.write_text("hf_somebody")
    sending |= {"HF_TOKEN": "hf_somebody", "HOME": str(tmp_path), "PYTHONPATH": paths}
    done = subprocess.run(
        command, env={**os.environ, **sending}, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0 and "Upload" not in done.stdout, done.stderr
    assert not (tmp_path / "asked").exists()
    script = f"import trackio; print([run.name for run in trackio.Api().runs({results.name!r})])"
    listed = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "TRACKIO_DIR": str(tmp_path / "t")},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert all(run_id in listed.stdout for run_id in results.runs["run_id"])


def test_optuna_loads_a_study_with_a_trial_for_each_run(small, results, tmp_path):
    optuna = pytest.importorskip("optuna")
    assert typed("export", small, "--to", "optuna", "--out", tmp_path / "study") == 0
    backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / "study" / "journal.log"))
    study = optuna.load_study(study_name=results.name, storage=optuna.storages.JournalStorage(backend))
    trials = {trial.user_attrs["run_id"]: trial for trial in study.trials}
    assert set(trials) == set(results.runs["run_id"])
    for run in results.runs.to_dict("records"):
        trial = trials[run["run_id"]]
        assert trial.params == pytest.approx({path: run[path] for path in AXES})
        is_whole = run["status"] != "diverged"
        assert (trial.state == optuna.trial.TrialState.COMPLETE) == is_whole
        if is_whole:
            assert trial.value == pytest.approx(run["test/accuracy"])
    best = results.runs.loc[results.runs["status"] != "diverged", "test/accuracy"].max()
    assert study.best_value == pytest.approx(best)


DASHBOARD = shutil.which("optuna-dashboard")


@pytest.mark.slow  # somebody else's service is started
@pytest.mark.skipif(DASHBOARD is None, reason="optuna-dashboard is not on the PATH: pip install optuna-dashboard")
def test_optuna_dashboard_shows_every_run_with_its_settings_value_and_curve(small, results, tmp_path):
    assert typed("export", small, "--to", "optuna", "--out", tmp_path / "study") == 0
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [DASHBOARD, tmp_path / "study" / "journal.log", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            (study,) = asked_of_dashboard(port, "studies")["study_summaries"]
            told = asked_of_dashboard(port, f"studies/{study['study_id']}")
        finally:
            process.terminate()
    assert study["study_name"] == results.name and study["directions"] == ["maximize"]
    trials = {
        next(one["value"] for one in trial["user_attrs"] if one["key"] == "run_id"): trial for trial in told["trials"]
    }
    assert set(trials) == set(results.runs["run_id"])
    for run in results.runs.to_dict("records"):
        trial = trials[run["run_id"]]
        params = {one["name"]: one["param_internal_value"] for one in trial["params"]}
        assert params == pytest.approx({path: run[path] for path in AXES})
        assert trial["state"] == ("Fail" if run["status"] == "diverged" else "Complete")
        if trial["state"] == "Complete":
            assert trial["values"] == pytest.approx([run["test/accuracy"]])
            assert trial["intermediate_values"][-1] == {"step": run["final_step"], "value": trial["values"][0]}


def asked_of_dashboard(port, question, patience=120):
    """What it answers, once it listens."""
    until = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/{question}", timeout=30) as answer:
                return json.load(answer)
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def test_granularity_is_refused_where_every_run_is_exported_anyway(small, tmp_path, capsys):
    assert typed("export", small, "--to", "optuna", "--by", "cell", "--out", tmp_path / "study") == 2
    assert "--by: is of wandb and trackio only" in capsys.readouterr().err
    assert not (tmp_path / "study").exists()
