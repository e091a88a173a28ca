import pandas as pd
import pytest

from grokjax.analysis.near_misses import near_misses
from grokjax.analysis.rules import find_rule
from grokjax.report.wording import near_remark

RUNS = pd.DataFrame(
    {
        "phase": ["memorization"] * 4 + ["confusion", "grokking", "collapsed", "undecided"],
        "flags": ["", "few_novel", "", "", "", "", "", ""],
        "test/accuracy": [0.95, 0.95, 0.79, 0.80, 0.97, 0.90, 0.85, 0.85],
        "test_novel/accuracy": [0.95, 0.10, 0.79, 0.80, 0.97, 0.90, 0.85, 0.85],
    }
)


def test_runs_without_generalization_that_end_under_the_threshold_are_counted_by_label():
    found = near_misses(RUNS, "default")
    assert found is not None
    assert found.close == {"confusion": 1, "memorization": 3}  # with few novel examples all of test decides
    assert (found.labelled["memorization"], found.threshold, found.value) == (4, "generalized", 0.99)
    said = near_remark(found)
    assert said.startswith(
        "1 of 1 runs labelled confusion and 3 of 4 runs labelled memorization end between 80 and 99 %"
    )
    assert "`--set generalized=0.9`" in said


@pytest.mark.parametrize("rule", ["pair2023", {"kind": "default", "generalized": 0.8}])
def test_nothing_is_said_where_no_run_is_close(rule):
    assert near_misses(RUNS, find_rule(rule)) is None
    assert near_misses(RUNS.drop(columns="test/accuracy"), "default") is None


def test_a_threshold_of_ninety_percent_is_not_advised_again():
    found = near_misses(RUNS.assign(**{"test_novel/accuracy": 0.85}), find_rule({"generalized": 0.9}))
    assert found is not None and "between 80 and 90 %" in near_remark(found) and "--set" not in near_remark(found)
