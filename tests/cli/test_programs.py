"""Does a folder keep the program that its runs depend on, at every resume, extension and replay?"""

from pathlib import Path

import pandas as pd
import pytest

from grokjax.store.files import read_record
from tests.store.small_sweep import LANES, SMALL, copied, endings, typed
from tests.store.sweeps import outcome

VMAP = ("--executor", "vmap")


def width(root: Path) -> int:
    """Lanes of a block in the one program of a folder."""
    (facts,) = read_record(root / "plan.json").values()
    assert facts["executor"] == "vmap"
    return facts["block_lanes"]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("batched") / "sweep.yaml"
    path.write_text(SMALL.replace("steps: 100", "steps: 3000").replace("seeds: 2", "seeds: 1"))
    return path


@pytest.fixture(scope="module")
def interrupted(sweep: Path) -> Path:
    """Stopped after its first segment, with runs in its lanes."""
    assert typed("run", sweep, "--out", sweep.parent / "out", *VMAP, "--lanes", 2, "--max-seconds", "0.001") == 75
    return sweep.parent / "out"


@pytest.fixture(scope="module")
def uninterrupted(sweep: Path) -> Path:
    assert typed("run", sweep, "--out", sweep.parent / "whole", *VMAP, "--lanes", 2) == 0
    return sweep.parent / "whole"


@pytest.mark.parametrize(
    ("words", "message"),
    [(("--executor", "map"), "--executor vmap"), (("--lanes", "3"), "--lanes 2"), ((*VMAP, "--lanes", 1), "--lanes 2")],
)
def test_another_program_is_refused(interrupted: Path, sweep: Path, words: tuple, message: str, capsys) -> None:
    assert typed("run", sweep, "--out", interrupted, *words) == 5
    said = capsys.readouterr().err
    assert f"was trained with {message}" in said and said.count("\n") == 1


def test_an_extension_in_other_lanes_is_refused_and_leaves_the_folder_the_sweep_that_it_was(
    uninterrupted: Path, capsys
) -> None:
    before = {path.name: path.read_bytes() for path in uninterrupted.glob("*.*") if path.is_file()}
    assert typed("extend", uninterrupted, "--seeds", 2, "--lanes", 3) == 5
    assert "was trained with --lanes 2" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in uninterrupted.glob("*.*") if path.is_file()} == before


def test_a_resume_uses_the_program_of_the_first_start(interrupted: Path, uninterrupted, sweep, tmp_path: Path) -> None:
    root = copied(interrupted, tmp_path)
    assert typed("run", sweep, "--out", root) == 0  # by itself a CPU maps, and would choose another width
    assert width(root) == 2 and outcome(root) == outcome(uninterrupted)


@pytest.mark.slow
def test_an_extended_sweep_is_what_one_long_sweep_of_its_program_is(uninterrupted: Path, tmp_path: Path) -> None:
    root = copied(uninterrupted, tmp_path)
    assert typed("extend", root, "--seeds", 2, "--steps", 3100) == 0
    assert width(root) == 2
    fresh = tmp_path / "fresh"
    assert typed("run", root / "spec.yaml", "--out", fresh, *VMAP, "--lanes", 2) == 0
    assert outcome(root) == outcome(fresh)


@pytest.mark.slow
def test_a_replay_uses_the_program_of_its_run(uninterrupted: Path, capsys) -> None:
    table = pd.read_csv(uninterrupted / "table.csv")
    assert typed("replay", uninterrupted, table["run_id"][table["status"] == "done"].iloc[0]) == 0
    assert "every bit equal" in capsys.readouterr().out


def test_mapped_lanes_may_change_and_the_executor_may_not(small: Path, tmp_path: Path, capsys) -> None:
    sweep, root = small.parent / "sweep.yaml", tmp_path / "out"
    assert typed("run", sweep, "--out", root, *LANES, "--max-seconds", "0.001") == 75
    assert typed("run", sweep, "--out", root, *VMAP) == 5
    assert "was trained with --executor map" in capsys.readouterr().err
    assert typed("run", sweep, "--out", root, "--lanes", 3, "--executor", "map") == 0
    assert outcome(root) == outcome(small) and len(endings(root)) == 12


@pytest.mark.slow
def test_a_start_that_committed_nothing_binds_nobody(small: Path, tmp_path: Path, monkeypatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    sweep, root = small.parent / "sweep.yaml", tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("grokjax.drive.run_sweep.Trainer", stop)
        assert typed("run", sweep, "--out", root, *VMAP, "--lanes", 2) == 130
    assert width(root) == 2
    assert typed("run", sweep, "--out", root, *LANES) == 0
    assert outcome(root) == outcome(small)
