"""Are folders and files that cannot be what was meant refused before any work is done?"""

import os
import signal

import pytest

from grokjax.cli.signals import SAME_SECONDS, Signals
from grokjax.results.results import read_results
from tests.store.small_sweep import typed

READING = ("status", "table", "phases", "curves", "verify", "extend")


@pytest.mark.parametrize("command", READING)
def test_a_missing_folder_gives_2_and_names_the_nearest(small, capsys, command):
    assert typed(command, small.parent / "smal") == 2
    said = capsys.readouterr().err
    assert f"there is no folder {small.parent / 'smal'}; did you mean {small}?" in said and said.count("\n") == 1


def test_a_file_is_no_folder_of_a_sweep(small, capsys):
    assert typed("status", small / "spec.json") == 2
    assert "is a file" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["table", "phases", "curves"])
@pytest.mark.parametrize("place", ["missing/a.csv", "."])
def test_a_file_that_cannot_be_written_gives_2(small, tmp_path, capsys, command, place):
    assert typed(command, small, "--out", tmp_path / place) == 2
    said = capsys.readouterr().err
    assert "--out" in said and ("there is no folder" in said or "is a folder" in said) and said.count("\n") == 1


def test_a_sweep_over_a_file_gives_2(small, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "inside"):
        assert typed("run", small.parent / "sweep.yaml", "--out", out) == 2
        assert "is a file, not a folder" in capsys.readouterr().err


def test_weights_of_a_step_that_is_not_stored_give_2_and_the_steps_that_are(small, tmp_path, capsys):
    runs = read_results(small).runs
    name = runs["run_id"][runs["status"] == "done"].iloc[0]
    assert typed("export", small, name, "--format", "npz", "--step", "7", "--out", tmp_path / "a.npz") == 2
    said = capsys.readouterr().err
    assert "no parameters of run" in said and "stored are those of 0, 50, 100" in said
    assert typed("export", small, name, "--format", "npz", "--out", tmp_path / "missing" / "a.npz") == 2


@pytest.mark.parametrize("where", ["weight_decay=77", "phase = groking", "learning_rate > 1e31"])
def test_a_table_of_no_run_gives_2(small, capsys, where):
    assert typed("table", small, "--where", where) == 2
    said = capsys.readouterr()
    assert "no run is left" in said.err and not said.out


def test_a_replay_beyond_the_end_says_where_the_run_ends(small, capsys):
    runs = read_results(small).runs
    name = runs["run_id"][runs["status"] == "done"].iloc[0]
    assert typed("replay", small, name, "--steps", "1e3") == 0
    assert "ends after 100 steps, before --steps 1000" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--max-seconds", "0"), "must be above 0"),
        (("--max-seconds", "-1"), "must be above 0"),
        (("--max-seconds", "soon"), "must be a number"),
        (("--lanes", "1.5"), "must be a whole number"),
        (("--lanes", "many"), "must be a number"),
    ],
)
def test_numbers_that_make_no_sense_give_2(small, capsys, words, message):
    assert typed("run", small.parent / "sweep.yaml", *words) == 2
    assert message in capsys.readouterr().err


def test_one_ctrl_c_that_arrives_twice_still_saves_and_a_later_one_ends_at_once(monkeypatch):
    now, ended = [10.0], []
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr(os, "_exit", ended.append)
    with Signals() as signals:
        signals.enter("training")
        os.kill(os.getpid(), signal.SIGINT)
        now[0] += SAME_SECONDS / 2
        os.kill(os.getpid(), signal.SIGINT)
        assert signals.received == "SIGINT" and not ended
        now[0] += SAME_SECONDS
        os.kill(os.getpid(), signal.SIGINT)
    assert ended == [130]
