"""Is what a page shows of a folder that grows what the commands read from it, and is each file read once?"""

import fcntl

import numpy as np
import pandas as pd
import pytest

from grokjax.results import growing
from grokjax.results.growing import GrowingResults
from grokjax.results.results import read_results
from grokjax.store.committed import read_file, read_spec
from grokjax.store.files import write_record
from tests.results.split_folder import SplitFolder
from tests.store.small_sweep import LANES, copied, small, typed

__all__ = ["small"]


def check_table(results: GrowingResults) -> None:
    """The table is that of the commands, whatever the order of its rows."""
    assert results.snapshot is not None
    wanted = read_results(results.root, with_running=True).runs.sort_values("run_id", ignore_index=True)
    seen = results.snapshot.runs.sort_values("run_id", ignore_index=True)
    assert set(seen) == set(wanted)
    pd.testing.assert_frame_equal(seen[list(wanted)], wanted, check_dtype=False)


def test_after_every_commit_the_table_is_that_of_the_commands(small, tmp_path):
    folder = SplitFolder(small, tmp_path / "split")
    results = GrowingResults(folder.root)
    for count in (0, 1, 4, 0, 7):
        folder.commit(count)
        assert results.refresh()
        check_table(results)
    assert len(results.snapshot.runs) == 12


def test_a_file_that_is_committed_is_read_once(small, tmp_path, monkeypatch):
    read: list[str] = []
    monkeypatch.setattr(growing, "read_file", lambda root, name, head: read.append(name) or read_file(root, name, head))
    folder = SplitFolder(small, tmp_path / "split")
    results = GrowingResults(folder.root)
    folder.commit(2)
    results.refresh()
    assert read == []  # the first reading is that of the commands
    for _ in range(5):
        folder.commit(2)
        results.refresh()
    assert read == [f"runs/{number:06d}.npz" for number in range(3, 13)]


def test_nothing_is_made_anew_while_nothing_is_committed(small):
    results = GrowingResults(small)
    assert results.refresh()
    before = results.snapshot
    assert not results.refresh()
    assert results.snapshot is before


def test_reading_takes_no_lock_and_leaves_the_folder_as_it_is(small, tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("a lock was taken")

    root = copied(small, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in [root, *root.rglob("*")]}
    monkeypatch.setattr(fcntl, "flock", refuse)
    results = GrowingResults(root)
    results.refresh()
    assert len(results.snapshot.runs) == 12
    assert {path: path.stat().st_mtime_ns for path in [root, *root.rglob("*")]} == before


def test_curves_are_those_of_the_results(small):
    results, wanted = GrowingResults(small), read_results(small)
    results.refresh()
    for name in ("test/accuracy", "train/loss", "weight_norm/total"):
        looks, values = wanted.measured(name)
        for place, run_id in enumerate(wanted.runs["run_id"]):
            steps, curve = results.snapshot.curve(run_id, name)
            present = looks.steps[place] >= 0
            assert steps == looks.steps[place][present].tolist()
            np.testing.assert_array_equal(curve, values[place][present])


def test_looks_are_those_of_the_results_though_they_were_read_piece_by_piece(small, tmp_path):
    folder = SplitFolder(small, tmp_path / "split")
    folder.left.sort(key=lambda run: run["stop_reason"][0] != "diverged")  # the others are looked at three times
    results = GrowingResults(folder.root)
    for count in (2, 6):
        folder.commit(count)
        results.refresh()
    folder.hold(2, looks=3)
    results.refresh()
    seen, wanted = results.snapshot, read_results(folder.root, with_running=True)
    order = [wanted.runs["run_id"].tolist().index(run_id) for run_id in seen.runs["run_id"]]
    np.testing.assert_array_equal(seen.looks.steps, wanted.looks.steps[order])
    np.testing.assert_array_equal(seen.looks.accuracy("test"), wanted.looks.accuracy("test")[order])
    assert seen.looks.stop_reason.tolist() == wanted.looks.stop_reason[order].tolist()


@pytest.mark.slow
def test_a_folder_that_was_extended_is_read_as_a_whole_again(small, tmp_path):
    root = copied(small, tmp_path)
    results = GrowingResults(root)
    results.refresh()
    assert typed("extend", root, "--seeds", 3, *LANES) == 0
    assert results.refresh()
    check_table(results)
    assert len(results.snapshot.runs) == 18


def test_runs_that_were_replaced_are_gone(small, tmp_path):
    folder = SplitFolder(small, tmp_path / "split")
    folder.commit(4)
    results = GrowingResults(folder.root)
    results.refresh()
    spec = read_spec(folder.root)
    write_record(folder.root / "spec.json", {**spec, "replaced": [results.snapshot.runs["run_id"][0]]})
    folder.commit(1)
    results.refresh()
    check_table(results)
    assert len(results.snapshot.runs) == 4


def test_runs_in_a_lane_are_there_as_far_as_they_were_saved(small, tmp_path):
    folder = SplitFolder(small, tmp_path / "split")
    folder.left.sort(key=lambda run: run["stop_reason"][0] == "diverged")  # those are not looked at three times
    folder.commit(3)
    folder.hold(2, looks=3)
    results = GrowingResults(folder.root)
    results.refresh()
    check_table(results)
    assert results.snapshot.runs["status"].value_counts()["running"] == 2
    folder.commit(1)
    results.refresh()
    check_table(results)  # the one that has ended since is no longer held
    assert results.snapshot.runs["status"].value_counts()["running"] == 1


def test_a_folder_without_a_sweep_says_so_and_is_read_once_there_is_one(small, tmp_path):
    results = GrowingResults(tmp_path / "later")
    assert results.refresh()
    assert "no sweep" in results.problem
    assert results.snapshot is None
    SplitFolder(small, tmp_path / "later").commit(3)
    assert results.refresh()
    assert results.problem == ""
    assert len(results.snapshot.runs) == 3


def test_what_was_read_stays_when_the_folder_is_damaged(small, tmp_path):
    folder = SplitFolder(small, tmp_path / "split")
    folder.commit(3)
    results = GrowingResults(folder.root)
    results.refresh()
    folder.commit(1)
    (folder.root / "runs/000004.npz").write_bytes(b"damaged")
    assert results.refresh()
    assert "checksum" in results.problem
    assert len(results.snapshot.runs) == 3
