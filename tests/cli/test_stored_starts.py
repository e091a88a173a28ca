"""Is a sweep that starts from stored weights refused before anything is written, and found again from anywhere?"""

import os
import shutil

import pytest

from grokjax import open_results
from grokjax.orders.identity import spec_hash
from grokjax.reader.sweep_file import load
from grokjax.results.stored_sweep import stored_sweep
from tests.store.small_sweep import LANES, SMALL, typed

AXES = "axes:\n  optimizer.learning_rate: [1.0e-2, 1.0e+30]\n  optimizer.weight_decay: {log: [0.1, 10, 3]}\n"


@pytest.fixture
def name(small):
    """A run that was trained to its end."""
    runs = open_results(small).runs
    return runs["run_id"][runs["status"] == "done"].iloc[0]


@pytest.fixture
def second(small, tmp_path, name):
    """A sweep file beside which a relative folder leads to the first sweep."""
    path = tmp_path / "second.yaml"
    path.write_text(
        SMALL.replace("name: small", "name: second").replace(AXES, "")
        + f"init: {{from: {os.path.relpath(small, tmp_path)}#{name}, step: 100}}\n"
    )
    return path


@pytest.mark.parametrize("command", ["run", "plan", "try"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("init.from=nowhere#0123456789abcdef", "nowhere holds no sweep"),
        ("init.step=77", "no parameters of run"),
        ("model.width=8", "the stored run has"),
    ],
)
def test_a_start_that_is_not_stored_gives_2_and_leaves_no_folder(second, tmp_path, capsys, command, change, message):
    out = ["--out", tmp_path / "out"] if command == "run" else []
    assert typed(command, second, *out, "--set", change) == 2
    said = capsys.readouterr().err
    assert "init.from: " in said and message in said and said.count("\n") == 1
    assert f"{second}:" in said or "--set init.from" in said
    assert not (tmp_path / "out").exists()


def test_a_relative_source_is_relative_to_the_sweep_file_and_the_stored_sweep_runs_from_anywhere(
    second, small, tmp_path, monkeypatch, capsys
):
    root = tmp_path / "out"
    assert typed("run", second, "--out", root, *LANES) == 0
    assert stored_sweep(root).base.init.source.startswith(f"{small}#")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    capsys.readouterr()
    assert typed("replay", root, open_results(root).runs["run_id"].iloc[0]) == 0
    assert "every bit equal" in capsys.readouterr().out


def test_the_folder_of_a_source_does_not_enter_the_identity_also_where_it_is_an_axis(second, small, name):
    here, there = (
        load(second, [f"init={{from: '{folder}#{name}', step: 100}}", f"axes={{init.from: ['{folder}#{name}']}}"])
        for folder in (small, "/elsewhere")
    )
    assert spec_hash(here) == spec_hash(there) and here != there


def test_a_folder_of_which_nothing_was_trained_takes_another_sweep(small, tmp_path, capsys):
    root, sweep = tmp_path / "out", small.parent / "sweep.yaml"
    root.mkdir()
    for name in ("spec.yaml", "spec.json", "plan.json"):
        (root / name).write_bytes((small / name).read_bytes())
    assert typed("run", sweep, "--out", root, *LANES, "--set", "train.steps=20") == 0
    assert load(root / "spec.yaml").steps == 20
    (root / "HEAD.json").unlink()
    (root / "HEAD.prev.json").unlink()
    assert typed("run", sweep, "--out", root, *LANES) == 5  # runs without a record are work, too


def test_a_folder_whose_runs_started_from_other_networks_is_refused(tmp_path, capsys):
    def trained(file, out, *more):
        return typed("run", tmp_path / f"{file}.yaml", "--out", tmp_path / out, *LANES, *more)

    plain = SMALL.replace(AXES, "")
    (tmp_path / "base.yaml").write_text(plain)
    (tmp_path / "later.yaml").write_text(plain + "init: {from: base, step: 100}\n")
    (tmp_path / "drawn.yaml").write_text(
        plain + 'init: {from: base, step: 0, draw: ["*"], prune: {keep: 0.5, at: 100}}\n'
    )
    assert trained("base", "base") == 0 and trained("later", "later") == 0
    assert trained("drawn", "drawn") == 2 and "no matrix comes from the source" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "base")
    assert trained("base", "base", "--set", "optimizer.learning_rate=0.003") == 0
    assert trained("later", "later") == 5
    assert "started from other networks" in capsys.readouterr().err
    assert trained("later", "elsewhere") == 0
