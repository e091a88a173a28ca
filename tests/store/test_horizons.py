"""Are runs of unequal budgets compared at one step, as if none had gone on?"""

import warnings

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from grokjax import open_results
from grokjax.results.combining import until
from tests.store.small_sweep import LANES, SMALL, copied, typed

MESSAGE = "go to 100 and 160 steps; runs are compared at step 100"


def folders(place, every, looks):
    """The small sweep up to step 100 and up to step 160, looked at and measured every so many steps."""
    (place / "short.yaml").write_text(SMALL.replace("every: {log: 8}", f"every: {every}, looks: {looks}"))
    assert typed("run", place / "short.yaml", "--out", place / "short", *LANES) == 0
    long = copied(place / "short", place)
    assert typed("extend", long, "--steps", 160, *LANES) == 0
    return place / "short", long


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    return folders(tmp_path_factory.mktemp("compared"), 50, 10)


def test_longer_runs_count_up_to_the_smallest_budget_only(compared):
    short, long = compared
    with pytest.warns(UserWarning, match=MESSAGE):
        both = open_results([long, short])
    own, whole = (one.sort_values("run_id", ignore_index=True) for one in (open_results(short).runs, both.runs))
    assert (whole["stop_reason"] == "passed").sum() == 6 and (whole["status"] == "diverged").sum() == 6
    shared = [name for name in own.columns if name != "stop_reason"]
    pd.testing.assert_frame_equal(whole[shared], own[shared])
    assert both.history["step"].max() == 160  # nothing is thrown away


def test_folders_of_one_budget_are_compared_without_a_word(compared):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (open_results([compared[1], compared[1]]).runs["budget"] == 160).all()


def test_a_run_is_compared_by_its_last_look_before_the_common_step_and_by_nothing_after_it(tmp_path):
    short, long = folders(tmp_path, 7, 7)
    with pytest.warns(UserWarning, match=MESSAGE):
        both = open_results([short, long])
    passed = both.runs[both.runs["stop_reason"] == "passed"].set_index("run_id")
    assert len(passed) == 6 and set(passed["final_step"]) == {98} and "undecided" not in set(passed["phase"])
    at_98 = both.history.sel(run_id=list(passed.index), k=98 // 7)
    assert (at_98["step"] == 98).all()
    for name in ("train/loss", "test/accuracy", "weight_norm/total"):
        np.testing.assert_array_equal(passed[name], at_98[name], err_msg=name)
    assert both.looks.take(both.runs["stop_reason"].to_numpy() == "passed").final_step.tolist() == [98] * 6


def test_runs_without_a_look_near_the_common_step_are_undecided(tmp_path):
    short, long = folders(tmp_path, 30, 30)
    with pytest.warns(UserWarning, match=MESSAGE):
        runs = open_results([short, long]).runs
    undecided = runs[runs["status"] == "done"]
    assert len(undecided) == 6 and (undecided["phase"] == "undecided").all()
    assert (undecided["phase_reason"] == "no look within 5% before the common step 100: the last is at 90").all()
    assert undecided["weight_norm/total"].isna().all()  # the last row before it is not compared with those at it
    assert (runs[runs["status"] == "diverged"]["phase"] == "diverged").all()


def test_what_happened_after_the_common_step_did_not_happen():
    by_run = {
        "final_step": [20, 12, 20, 7, 10],
        "diverged_at": [-1, 13, 21, 8, 11],
        "stop_reason": ["budget", "diverged", "diverged", "diverged", "diverged"],
        "budget": [20] * 5,
    }
    steps = np.array([[0, 10, 20], [0, 10, 12], [0, 10, 20], [0, 7, -1], [0, 10, -1]])
    found = until(
        xr.Dataset(
            {name: ("run", np.array(values)) for name, values in by_run.items()}
            | {"look_step": (("run", "look"), steps), "step": (("run", "k"), steps)}
        ),
        10,
    )
    assert found["stop_reason"].values.tolist() == ["passed", "passed", "passed", "diverged", "passed"]
    assert found["diverged_at"].values.tolist() == [-1, -1, -1, 8, -1]
    assert found["final_step"].values.tolist() == [10, 10, 10, 7, 10]
    assert found["look_step"].values.max() == 10 and (found["budget"] == 10).all()
