"""Killed while history and table of before are replaced, a sweep can be read all the time and ends as it should."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from grokjax import open_results
from tests.store.killed_inside import WINDOWS
from tests.store.small_sweep import LANES, copied, typed
from tests.store.sweeps import outcome

QUICK = "the old history is gone"


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def trained(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An extended sweep whose new runs are all trained, beside the history of the old ones."""
    root = copied(small, tmp_path_factory.mktemp("trained"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("grokjax.drive.run_sweep.consolidate", interrupted)
        assert typed("extend", root, "--seeds", 3, *LANES) == 130
    return root


@pytest.fixture(scope="module")
def consolidated(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    root = copied(trained, tmp_path_factory.mktemp("consolidated"))
    assert typed("run", root / "spec.yaml", "--out", root, *LANES) == 0
    return outcome(root)


@pytest.mark.parametrize(
    "window", [pytest.param(name, marks=[] if name == QUICK else [pytest.mark.slow]) for name in WINDOWS]
)
def test_a_kill_while_the_history_is_replaced_loses_nothing(window: str, trained, consolidated, tmp_path: Path) -> None:
    root = copied(trained, tmp_path)
    words = ["run", root / "spec.yaml", "--out", root, *LANES]
    command = [sys.executable, "-m", "tests.store.killed_inside", window, *map(str, words)]
    assert subprocess.run(command, capture_output=True, timeout=300).returncode == -signal.SIGKILL
    assert len(open_results(root).runs) == 18
    assert typed(*words) == 0
    assert outcome(root) == consolidated and not (root / "checkpoints").exists()
    assert typed("verify", root) == 0
