"""Is what was damaged after a sweep had ended made again, byte for byte, and nothing else?"""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grokjax import load_sweep
from grokjax.cli.training import _stored_phases
from grokjax.results.stored_params import flat_stored_params
from grokjax.results.stored_sweep import stored_sweep
from grokjax.store.files import read_json_lines
from grokjax.store.head import read_head
from grokjax.store.layout import Layout, StoreWarning
from tests.store.small_sweep import LANES, copied, ended, endings, typed
from tests.store.sweeps import outcome


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def first(root: Path, pattern: str) -> Path:
    return sorted(root.glob(pattern))[0]


def same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for name, leaf in expected.items():
        np.testing.assert_array_equal(found[name], leaf)


FOLDERS = ("runs", "weights")
DAMAGES: dict[str, Callable[[Path], None]] = {
    "a bit of the table": lambda root: flip(root / "table.csv"),
    "no table": lambda root: (root / "table.csv").unlink(),
    "a bit of the history": lambda root: flip(first(root, "history.zarr/test.loss/c/0/0")),
    "no history": lambda root: shutil.rmtree(root / "history.zarr"),
}


def repaired(small: Path, root: Path) -> None:
    """The same command again makes good what verify complains of."""
    assert typed("verify", root) == 5
    assert typed("run", small.parent / "sweep.yaml", "--out", root, *LANES) == 0
    assert outcome(root) == outcome(small)
    assert typed("verify", root) == 0


def test_runs_of_a_damaged_file_are_not_shown_as_ended_while_they_are_trained_again(
    small: Path, tmp_path: Path
) -> None:
    root = copied(small, tmp_path)
    victim = first(root, "runs/*.npz")
    with np.load(victim) as arrays:
        lost = set(arrays["run_id"].tolist())
    flip(victim)
    sweep = stored_sweep(small)
    assert set(_stored_phases(root, sweep)) == set(_stored_phases(small, sweep)) - lost and lost


@pytest.mark.parametrize("damage", DAMAGES)
def test_history_and_table_are_made_again_and_nothing_is_trained(small: Path, tmp_path: Path, damage: str) -> None:
    root = copied(small, tmp_path)
    DAMAGES[damage](root)
    repaired(small, root)
    assert endings(root) == endings(small)


def test_the_runs_of_a_damaged_file_are_trained_again_with_their_weights(small: Path, tmp_path: Path, capsys) -> None:
    root = copied(small, tmp_path)
    flip(first(root, "runs/*.npz"))
    repaired(small, root)
    last = capsys.readouterr().err.splitlines()[-1]
    assert " 12/12 done" in last
    counts = last.split(" · ")[2].split()[1::2]
    assert sum(map(int, counts)) == 12  # a run that was made again counts once
    assert len(endings(root)) > len(endings(small)) and set(endings(root)) == set(endings(small))
    head, _ = read_head(Layout(root))
    assert head is not None
    names = {folder: {name.split("/")[1] for name in head.files if name.startswith(folder)} for folder in FOLDERS}
    assert names["runs"] == names["weights"]  # weights whose run file is gone belong to no run
    table = pd.read_csv(root / "table.csv")
    run_id = table["run_id"][table["status"] == "done"].iloc[0]
    assert typed("export", root, run_id, "--format", "npz", "--out", tmp_path / "weights.npz") == 0


def test_ends_that_a_kill_kept_out_of_the_log_are_written_at_the_next_start(small: Path, tmp_path: Path) -> None:
    root = copied(small, tmp_path)
    log = root / "events.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    lost = [line for line in lines if b'"ended"' in line][-2:]
    log.write_bytes(b"".join(line for line in lines if line not in lost))
    for _ in range(2):  # the second start has nothing to add
        assert typed("run", small.parent / "sweep.yaml", "--out", root, *LANES) == 0
        assert sorted(endings(root)) == sorted(endings(small))
    told = {event["run_id"]: (event["step"], event["reason"]) for event in ended(root)}
    assert told == {event["run_id"]: (event["step"], event["reason"]) for event in ended(small)}
    assert typed("verify", root) == 0


def test_a_start_that_is_refused_says_what_it_has_set_aside_and_leaves_nothing_missing(
    small: Path, tmp_path: Path, capsys
) -> None:
    root = copied(small, tmp_path)
    first(root, "history.zarr/test.loss/c/0/0").unlink()  # not complete, so another executor is refused
    victim = first(root, "weights/*.npz")
    flip(victim)
    assert typed("run", small.parent / "sweep.yaml", "--out", root, "--executor", "vmap") == 5
    said = capsys.readouterr().err
    assert f"warning: {root}: weights/{victim.name} is damaged and set aside" in said and "executor" in said
    assert typed("run", small.parent / "sweep.yaml", "--out", root, *LANES) == 0
    assert victim.name not in capsys.readouterr().err
    assert outcome(root) == outcome(small) and typed("verify", root) == 0


def test_a_file_that_the_system_does_not_let_be_read_is_not_taken_for_damaged(
    small: Path, tmp_path: Path, capsys
) -> None:
    for number, folder in enumerate(FOLDERS):
        (place := tmp_path / str(number)).mkdir()
        root = copied(small, place)
        victim = first(root, f"{folder}/*.npz")
        content = victim.read_bytes()
        victim.unlink()
        victim.symlink_to(victim.name)  # stands for a disk that fails: the read ends in ELOOP as it would in EIO
        head = (root / "HEAD.json").read_bytes()
        assert typed("run", small.parent / "sweep.yaml", "--out", root, *LANES) == 6
        assert victim.name in capsys.readouterr().err
        assert (root / "HEAD.json").read_bytes() == head and not (root / "quarantine").exists()
        victim.unlink()
        victim.write_bytes(content)
        assert typed("run", small.parent / "sweep.yaml", "--out", root, *LANES) == 0 and typed("verify", root) == 0


@pytest.mark.parametrize("content", [b"", b"no archive"])
def test_a_damaged_snapshot_is_named_and_no_bug(small: Path, tmp_path: Path, capsys, content: bytes) -> None:
    root = copied(small, tmp_path)
    run_id = endings(root)[0]
    for path in root.glob("snapshots/*.npz"):
        path.write_bytes(content)
    assert typed("export", root, run_id, "--format", "npz", "--step", 50, "--out", tmp_path / "weights.npz") == 5
    assert f"{first(root, 'snapshots/*.npz').name} is missing or damaged" in capsys.readouterr().err


def test_last_parameters_come_from_a_snapshot_of_the_last_step_where_the_weights_are_lost(
    small: Path, tmp_path: Path
) -> None:
    root = copied(small, tmp_path)
    for path in root.glob("weights/*.npz"):
        flip(path)
    run_id = next(event["run_id"] for event in ended(small) if event["step"] == 100)  # the last snapshot's
    expected = flat_stored_params(small, run_id)
    for step in (None, 100):  # damaged weights are still named
        same(flat_stored_params(root, run_id, step), expected)
    assert typed("run", small.parent / "sweep.yaml", "--out", root, *LANES) == 0
    assert not list(root.glob("weights/*.npz"))
    same(flat_stored_params(root, run_id), expected)


def test_a_log_that_is_lost_is_missed(small: Path, tmp_path: Path, capsys) -> None:
    root = copied(small, tmp_path)
    (root / "events.jsonl").unlink()
    assert typed("run", small.parent / "sweep.yaml", "--out", root, *LANES) == 0
    assert f"warning: {root}: events.jsonl is missing; the ends of the stored runs" in capsys.readouterr().err
    assert sorted(endings(root)) == sorted(endings(small)) and typed("verify", root) == 0


def test_an_extension_says_once_what_was_damaged(small: Path, tmp_path: Path, capsys) -> None:
    root = copied(small, tmp_path)
    victim = first(root, "weights/*.npz")
    flip(victim)
    assert typed("extend", root, "--seeds", 3, *LANES) == 0
    assert capsys.readouterr().err.count(f"weights/{victim.name} is damaged") == 1
    told = [event for event in read_json_lines(root / "events.jsonl") if event["event"] == "quarantined"]
    assert len(told) == 1 and typed("verify", root) == 0


def test_an_extension_under_another_executor_is_refused_and_changes_nothing(small: Path, tmp_path: Path) -> None:
    root = copied(small, tmp_path)
    before = {path: path.read_bytes() for path in root.iterdir() if path.is_file() and path.name != "LOCK"}
    assert typed("extend", root, "--seeds", 3, "--executor", "vmap") == 5
    assert all(path.read_bytes() == content for path, content in before.items())


def test_a_warning_that_is_made_an_error_leaves_a_folder_that_goes_on(small: Path, tmp_path: Path) -> None:
    root = copied(small, tmp_path)
    flip(first(root, "runs/*.npz"))
    with pytest.raises(StoreWarning, match=f"{root}: runs/"):  # pytest makes warnings errors
        load_sweep(small.parent / "sweep.yaml").run(root=root, lanes=2)
    assert typed("verify", root) == 0
    assert typed("run", small.parent / "sweep.yaml", "--out", root, *LANES) == 0
    assert outcome(root) == outcome(small) and typed("verify", root) == 0
