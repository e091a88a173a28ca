"""Is what was damaged after a sweep had ended made again, byte for byte, and nothing else?"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from grokjax.store.head import read_head
from grokjax.store.layout import Layout
from tests.store.small_sweep import LANES, copied, ended, endings, typed
from tests.store.sweeps import outcome


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def first(root: Path, pattern: str) -> Path:
    return sorted(root.glob(pattern))[0]


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
