"""Is every scheduled snapshot stored, many of them a file, and none lost with a process that dies?"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grokjax.results.stored_params import flat_stored_params
from grokjax.store.files import bytes_to_arrays
from grokjax.store.head import read_head
from grokjax.store.layout import Layout, StoreError
from tests.store.small_sweep import LANES, copied, typed


def committed(root: Path) -> list[Path]:
    head, _ = read_head(Layout(root))
    assert head is not None
    return [root / name for name in head.files if name.startswith("snapshots/")]


def stored(root: Path) -> list[tuple[str, int]]:
    """Run and step of every snapshot."""
    files = [bytes_to_arrays(path.read_bytes()) for path in committed(root)]
    return [(str(one), int(step)) for file in files for one, step in zip(file["run_id"], file["step"], strict=True)]


def expected(root: Path) -> set[tuple[str, int]]:
    """`weights: 50` of runs of 100 steps; a run that diverges gets no further than its first updates."""
    table = pd.read_csv(root / "table.csv")
    steps = {
        name: (0,) if status == "diverged" else (0, 50, 100) for name, status in table[["run_id", "status"]].values
    }
    return {(name, step) for name, all_steps in steps.items() for step in all_steps}


def test_every_snapshot_is_stored_once_in_few_files(small: Path) -> None:
    assert sorted(stored(small)) == sorted(expected(small))
    assert len(committed(small)) <= len(expected(small)) / 4


def test_a_snapshot_is_that_of_its_run_and_step(small: Path) -> None:
    table = pd.read_csv(small / "table.csv")
    for name in table["run_id"][table["status"] == "done"]:
        last = flat_stored_params(small, name)
        np.testing.assert_array_equal(flat_stored_params(small, name, 100)["output/kernel"], last["output/kernel"])
        assert np.any(flat_stored_params(small, name, 50)["output/kernel"] != last["output/kernel"])


def test_a_damaged_snapshot_is_refused(small: Path, tmp_path: Path) -> None:
    root = copied(small, tmp_path)
    name = stored(root)[0][0]
    for path in committed(root):
        content = bytearray(path.read_bytes())
        content[-len(content) // 2] ^= 1
        path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        flat_stored_params(root, name, 50)


def test_a_run_is_committed_after_its_snapshots(small: Path, tmp_path: Path, monkeypatch) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    sweep, root = small.parent / "sweep.yaml", tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("grokjax.store.folder.SweepFolder.add_snapshots", die)
        assert typed("run", sweep, "--out", root, *LANES) == 130
    assert typed("run", sweep, "--out", root, *LANES) == 0
    assert set(stored(root)) == expected(small)
