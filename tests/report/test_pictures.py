"""Does a diagram get the right axes, say how many runs ended, and what the audited ones did, under every rule?"""

import types

import numpy as np
import pandas as pd
import pytest

from grokjax.report.pictures import choose_axes, show_phases


@pytest.fixture
def shown(make_runs, make_looks):
    """Text of a diagram of runs of these phases, of a sweep of one run more that was meant to reach step 1000."""

    def show(phases, is_audited, stop, rule="default", labels=None):
        runs = make_runs([({"a.x": 1.0}, phases)])
        is_over = np.array([phase != "undecided" for phase in phases])
        runs = runs.assign(
            run_id=[str(number) for number in range(len(phases))],
            status=np.where(is_over, "done", "running"),
            stop_reason=np.where(is_over, "budget", "running"),
            is_audited=is_audited,
        )
        spec = {"axes": ["a.x"], "num_runs": len(phases), "steps": 1000, "stop": stop}
        results = types.SimpleNamespace(spec=spec, groups=[["a.x"]], runs=runs, looks=make_looks(phases))
        chosen = runs if labels is None else runs.assign(phase=labels)
        return " ".join(show_phases(results, chosen, rule, None, None, None, "name").split())  # type: ignore[arg-type]

    return show


RULE = {"steps": 10, "ratio": 0.5}


def test_runs_in_a_lane_are_not_counted_as_finished(shown):
    assert "PARTIAL: 2 of 4 runs finished" in shown(["grokking", "undecided", "grokking", "undecided"], False, None)
    assert "PARTIAL" not in shown(["grokking", "grokking"], False, None)


def test_audited_runs_are_counted_by_the_default_rule_whatever_is_shown(shown):
    # `comprehension` and `collapsed` generalize at step 20 and are there at 100 too; the others would not be ended
    phases = ["collapsed", "comprehension", "memorization", "comprehension"]
    said = "Of 2 runs that the stop rule would have ended, trained on all the same, 1 collapsed."
    assert said in shown(phases, [True, True, True, False], RULE)
    assert said in shown(phases, [True, True, True, False], RULE, "liu2022", ["undecided"] * 4)


def test_a_stop_rule_without_an_audited_run_is_said(shown):
    assert "no run was audited" in shown(["grokking"] * 2, False, RULE)
    assert "audited" not in shown(["grokking"] * 2, False, None)


RUNS = pd.DataFrame({"a.b": [1, 2, 1, 2], "c.d": [5, 6, 5, 6], "e.f": [1, 1, 2, 2], "seeds.init": [0, 1, 2, 3]})


@pytest.mark.parametrize(
    ("groups", "typed", "chosen"),
    [
        ([["a.b"], ["e.f"]], (None, None), ("a.b", "e.f")),
        ([["a.b", "c.d"], ["e.f"]], (None, None), ("a.b", "e.f")),
        ([["a.b", "c.d"]], (None, None), ("a.b", None)),
        ([["a.b", "c.d"], ["e.f"]], (None, "c.d"), ("e.f", "c.d")),
        ([["a.b", "c.d"]], ("c.d", "a.b"), ("c.d", "a.b")),
        ([["seeds.init"], ["a.b"]], (None, None), ("a.b", None)),
        ([["seeds.init"]], (None, None), ("seeds.init", None)),
    ],
)
def test_the_axes_are_the_first_two_that_vary_apart(groups, typed, chosen):
    assert choose_axes(groups, RUNS, *typed) == chosen


@pytest.mark.parametrize(("groups", "typed", "message"), [([], (None, None), "no axis"), ([], ("a.b", "a.b"), "both")])
def test_a_diagram_without_two_directions_is_refused(groups, typed, message):
    with pytest.raises(ValueError, match=message):
        choose_axes(groups, RUNS, *typed)
