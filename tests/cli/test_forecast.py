"""Is it said before training what a sweep takes, refused what cannot fit, and nothing changed by asking?"""

import shutil
import types

import pytest

from tests.store.small_sweep import LANES, endings, typed
from tests.store.sweeps import outcome


@pytest.fixture
def sweep(small):
    return small.parent / "sweep.yaml"


def test_a_long_sweep_says_its_time_and_disk_before_it_trains_and_gives_the_same_results(
    small, sweep, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("grokjax.drive.run_sweep.LONG", 1)
    monkeypatch.setattr("grokjax.drive.preparation.busiest_pool", lambda *_: 1_000_000)  # as if there were more of them
    assert typed("run", sweep, "--out", tmp_path / "out", *LANES) == 0
    lines = capsys.readouterr().err.splitlines()
    (said,) = [line for line in lines if "for this cohort" in line]
    assert (
        "training cohort 1/1 · 0/12 done" in said
        and " · about " in said
        and "0:00:00" not in said
        and "on disk for the sweep" in said
    )
    assert outcome(tmp_path / "out") == outcome(small)


def test_a_short_sweep_is_not_timed_first(sweep, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("grokjax.drive.preparation.probe_together", lambda *_, **__: pytest.fail("timed"))
    assert typed("run", sweep, "--out", tmp_path / "out", *LANES) == 0
    assert "for this cohort" not in capsys.readouterr().err


def test_results_that_do_not_fit_on_the_disk_give_6_with_both_numbers(sweep, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: types.SimpleNamespace(free=12_000))
    assert typed("run", sweep, "--out", tmp_path / "out", *LANES) == 6
    said = capsys.readouterr().err
    assert "12 runs need " in said and "12 kB are free" in said and said.count("\n") == 1
    assert not (tmp_path / "out" / "runs").exists() or not endings(tmp_path / "out")
    monkeypatch.undo()
    assert typed("run", sweep, "--out", tmp_path / "out", *LANES) == 0
