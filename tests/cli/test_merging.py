"""A sweep trained in shards and merged is the sweep that one process trains."""

import pytest

from grokjax import open_results
from grokjax.drive.opening import refuse_strangers
from grokjax.store.files import read_json_lines
from tests.store.small_sweep import LANES, copied, endings, small, typed

__all__ = ["small"]


def shard(small, place, number, count):
    words = ("--shard", f"{number}/{count}", "--out", place / str(number), *LANES)
    assert typed("run", small.parent / "sweep.yaml", *words) == 0
    return place / str(number)


@pytest.fixture(scope="module")
def shards(small, tmp_path_factory):
    """The twelve runs of the small sweep in five shards, in one folder."""
    place = tmp_path_factory.mktemp("shards") / "sweep"
    place.mkdir()
    return [shard(small, place, number, 5) for number in range(5)]


def test_every_run_is_in_one_shard(small, shards):
    ids = [run_id for root in shards for run_id in endings(root)]
    assert sorted(ids) == sorted(open_results(small).runs["run_id"])
    assert [len(endings(root)) for root in shards] == [3, 3, 2, 2, 2]


def test_merged_shards_are_byte_for_byte_what_one_process_writes(small, shards, tmp_path, capsys):
    place = copied(shards[0].parent, tmp_path)
    assert typed("merge", *sorted(place.iterdir()), "--out", place) == 0
    assert "12 of 12 runs" in capsys.readouterr().err
    assert (place / "table.csv").read_bytes() == (small / "table.csv").read_bytes()
    left, right = open_results(place), open_results(small)
    assert left.history.identical(right.history) and left.is_complete
    assert typed("verify", place) == 0
    assert typed("replay", place, left.runs["run_id"].iloc[-1]) == 0
    assert typed("run", small.parent / "sweep.yaml", "--out", place, *LANES) == 0
    assert not any(event["event"] == "compiled" for event in read_json_lines(place / "events.jsonl"))


def test_what_is_missing_is_trained_in_the_merged_folder(small, shards, tmp_path, capsys):
    out = tmp_path / "out"
    assert typed("merge", shards[0], shards[3], "--out", out) == 0
    assert "5 of 12 runs" in capsys.readouterr().err
    assert typed("run", small.parent / "sweep.yaml", "--out", out, *LANES) == 0
    assert (out / "table.csv").read_bytes() == (small / "table.csv").read_bytes()
    trained_here = [event["run_id"] for event in read_json_lines(out / "events.jsonl") if "lane" in event]
    assert len(trained_here) == 7


def test_merging_again_takes_nothing_twice(shards, tmp_path):
    out = tmp_path / "out"
    for roots in (shards[:2], shards[1:3]):
        assert typed("merge", *roots, "--out", out) == 0
    assert len(list((out / "runs").glob("[0-9]*.npz"))) == sum(
        len(list((root / "runs").glob("*.npz"))) for root in shards[:3]
    )
    assert open_results(out).runs["run_id"].is_unique


def test_shards_of_different_sweeps_are_not_merged(small, shards, tmp_path, capsys):
    assert (
        typed("run", small.parent / "sweep.yaml", "--set", "train.steps=60", "--out", tmp_path / "other", *LANES) == 0
    )
    assert typed("merge", shards[0], tmp_path / "other", "--out", tmp_path / "out") == 5
    assert "holds another sweep" in capsys.readouterr().err
    refuse_strangers(tmp_path / "out")  # nothing was written


@pytest.mark.parametrize("text", ["3/3", "1", "a/b", "-1/2", "0/0"])
def test_a_shard_that_is_none_is_refused(small, tmp_path, capsys, text):
    assert typed("run", small.parent / "sweep.yaml", f"--shard={text}", "--out", tmp_path / "out") == 2
    assert "I/N" in capsys.readouterr().err


def test_a_shard_without_runs_is_refused(small, tmp_path, capsys):
    assert typed("run", small.parent / "sweep.yaml", "--shard", "12/13", "--out", tmp_path / "out") == 2
    assert "this shard has none" in capsys.readouterr().err


def test_a_shard_of_a_folder_that_holds_more_counts_its_own_runs(small, tmp_path, capsys):
    root = copied(small, tmp_path)
    for file in sorted((root / "runs").glob("*.npz"))[:1]:
        file.unlink()  # some of the runs are to be trained again
    capsys.readouterr()
    assert typed("run", small.parent / "sweep.yaml", "--shard", "0/4", "--out", root, *LANES) == 0
    assert "3/3 done" in capsys.readouterr().err
