"""A checkpoint that HEAD names is there until HEAD names others, whenever the process dies."""

import warnings
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from grokjax.store.folder import SweepFolder
from grokjax.store.layout import Layout, StoreWarning
from grokjax.train.trainer import Saved

LANE = {"weight": np.zeros(3, np.float64), "step": np.int32(0)}


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


def save(folder: SweepFolder, step: int) -> None:
    """Save a pool of two lanes, one of them free."""
    lanes = {"weight": np.full((2, 3), float(step)), "step": np.full(2, step, np.int32)}
    folder.start_save(Saved([[SimpleNamespace(run_id="run-7"), None]], [lanes]), 0)


def saved(root: Path, *steps: int) -> None:
    """A process that saves, commits, and ends as it should."""
    folder = SweepFolder(root, "hash")
    for step in steps:
        save(folder, step)
    folder.close()


def killed_before_head(root: Path, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies when everything of a checkpoint is on disk, just before HEAD names it."""

    def die(*_: object) -> None:
        raise Killed

    folder = SweepFolder(root, "hash")
    save(folder, step)
    with monkeypatch.context() as patch:
        patch.setattr("grokjax.store.folder.write_head", die)
        with pytest.raises(Killed):
            folder.close()


def restored(root: Path) -> tuple[dict[str, int], list[str]]:
    """Step of each run at the checkpoint that a resume uses, and what was warned of."""
    with warnings.catch_warnings(record=True, action="always") as said:
        folder = SweepFolder(root, "hash")
        lanes = folder.restore(jax.tree.structure(LANE), 0)
        folder.close()
    return {run_id: int(lane["step"]) for run_id, lane in lanes.items()}, [str(one.message) for one in said]


def on_disk(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "checkpoints").iterdir() if path.name[0] != ".")


def test_kills_just_before_head_cost_no_committed_checkpoint(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(root, 10, 20)
    for step in (30, 40, 50):
        killed_before_head(root, step, monkeypatch)
        assert restored(root) == ({"run-7": 20}, [])
    saved(root, 60)
    assert restored(root) == ({"run-7": 60}, [])


def test_what_no_head_names_is_removed_and_the_last_two_are_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(root, 10, 20, 30, 40)
    killed_before_head(root, 50, monkeypatch)
    assert "5" in on_disk(root)
    saved(root, 60)
    SweepFolder(root, "hash").close()
    named = {int(name.split(".")[0]) for name in on_disk(root)}
    assert named >= {4, 5} and len(named) <= 3 and restored(root) == ({"run-7": 60}, [])


def test_a_damaged_checkpoint_gives_way_to_the_one_before(root: Path) -> None:
    saved(root, 10, 20)
    sums = Layout(root).sums_file(2)
    sums.write_bytes(sums.read_bytes().replace(b"run-7", b"run-8"))
    steps, said = restored(root)
    assert steps == {"run-7": 10} and "checkpoint 2 cannot be used" in said[0]


def test_a_damaged_head_never_replaces_the_good_one_before_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(root, 10, 20)
    head = Layout(root).head
    head.write_bytes(head.read_bytes()[:-20])
    with pytest.warns(StoreWarning, match="HEAD.prev.json is used"):
        saved(root, 30)  # writes HEAD anew from its predecessor
    head.write_bytes(b"")
    steps, warnings = restored(root)
    assert steps and "HEAD.prev.json is used" in warnings[0]
