"""The laws once more for a whole sweep as a user types it: the quickstart, cut down."""

from pathlib import Path

import numpy as np
import pytest

from grokjax import open_results
from grokjax.drive import keeper, starts
from tests.store.small_sweep import endings, typed
from tests.store.sweeps import finish, outcome

CUT = {
    "seeds": "1",
    "train.steps": "100",
    "axes.optimizer.weight_decay": "[0.3, 3, 40]",
    "axes.task.train_fraction": "[0.3, 0.6]",
}
RUNS = 6


def words(root: Path, lanes: int = 2, **changes: str) -> list[str]:
    """`run quickstart --out ROOT` with the settings of the cut and others; `__` stands for a dot."""
    settings = CUT | {key.replace("__", "."): value for key, value in changes.items()}
    sets = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    return ["run", "quickstart", "--out", str(root), "--lanes", str(lanes), *sets]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("quickstart") / "out"
    assert typed(*words(root)) == 0
    assert len(open_results(root).runs) == RUNS
    return root


def assert_same_runs(one: Path, two: Path, same_steps: bool = True) -> None:
    """Equal bits of all weights, and of every measure; without `same_steps` where both were measured."""
    mine, theirs = open_results(one), open_results(two)
    places = [theirs.history["run_id"].values.tolist().index(name) for name in mine.history["run_id"].values]
    left, right = mine.history, theirs.history.isel(run=places)
    assert left.sizes["run"] == right.sizes["run"] == RUNS and set(left.variables) == set(right.variables)
    for run in range(RUNS):
        assert not same_steps or np.array_equal(left["step"][run], right["step"][run])
        common, here, there = np.intersect1d(left["step"][run], right["step"][run], return_indices=True)
        assert {0, 100} <= set(common.tolist())
        for name in mine.measures:
            first, second = left[name].values[run][here], right[name].values[run][there]
            assert first.tobytes() == second.tobytes(), name
    for name in mine.runs["run_id"]:
        kernels = [one.params(name)["output"]["kernel"] for one in (mine, theirs)]
        assert kernels[0].tobytes() == kernels[1].tobytes()


def test_another_order_of_cells_on_other_lanes_gives_the_same_runs(reference: Path, tmp_path: Path) -> None:
    axes = {"axes__optimizer__weight_decay": "[40, 0.3, 3]", "axes__task__train_fraction": "[0.6, 0.3]"}
    assert typed(*words(tmp_path / "out", lanes=3, **axes)) == 0
    assert endings(tmp_path / "out") != endings(reference)
    assert_same_runs(reference, tmp_path / "out")


def test_another_schedule_of_measures_gives_the_same_runs(reference: Path, tmp_path: Path) -> None:
    assert typed(*words(tmp_path / "out", measure__every="30", measure__looks="9")) == 0
    assert_same_runs(reference, tmp_path / "out", same_steps=False)


@pytest.mark.parametrize("devices", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_another_number_of_devices_gives_the_same_folder(devices: int, reference: Path, tmp_path: Path) -> None:
    done = finish(*words(tmp_path / "out"), JAX_NUM_CPU_DEVICES=str(devices))
    assert done.returncode == 0, done.stderr
    assert outcome(tmp_path / "out") == outcome(reference)


def interrupt_and_resume(root: Path, lanes: int = 2) -> int:
    """Stop a sweep after its first segment, then let it end; gives the exit status."""
    assert typed(*words(root), "--max-seconds", "0.001") == 75
    assert len(endings(root)) < RUNS
    return typed(*words(root, lanes))


def test_a_resume_on_other_lanes_gives_the_same_folder(reference: Path, tmp_path: Path) -> None:
    assert interrupt_and_resume(tmp_path / "out", lanes=3) == 0
    assert outcome(tmp_path / "out") == outcome(reference)


def test_a_replay_gives_every_bit(reference: Path, capsys: pytest.CaptureFixture) -> None:
    assert typed("replay", reference, open_results(reference).runs["run_id"][4]) == 0
    assert "every bit equal" in capsys.readouterr().out


def without_a_row(*arguments, continued=starts.continued):
    """A lane that goes on without the last row of its history."""
    lane = continued(*arguments)
    return lane._replace(book=lane.book._replace(num_rows=np.int32(lane.book.num_rows - 1)))


def test_a_row_that_is_lost_at_a_resume_breaks_the_law(reference: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(starts, "continued", without_a_row)
    assert interrupt_and_resume(tmp_path / "out") == 0
    assert outcome(tmp_path / "out") != outcome(reference)
    with pytest.raises(AssertionError):
        assert_same_runs(reference, tmp_path / "out")


def test_a_run_that_is_lost_before_its_commit_is_not_passed_over(tmp_path: Path, monkeypatch, capsys) -> None:
    commit = keeper.Keeper.commit

    def lossy(self: keeper.Keeper) -> None:
        del self._pending[:1]
        commit(self)

    monkeypatch.setattr(keeper.Keeper, "commit", lossy)
    assert typed(*words(tmp_path / "out")) == 5
    assert "runs are not stored" in capsys.readouterr().err
