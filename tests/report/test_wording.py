"""Are numbers written shortly, and are readers told what they must know?"""

import numpy as np
import pytest

from grokjax.analysis.diagram import phase_diagram
from grokjax.analysis.stopping import Audit
from grokjax.report.wording import audit_remark, axis_label, number_text, remarks


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.3, "0.3"), (12.0, "12"), (1e-5, "1e-5"), (1.21483, "1.21"), (113, "113"), (np.float64(0.5), "0.5"),
        (np.int64(7), "7"), ("x+y", "x+y"), (True, "True"), (1e6, "1e6"), (float("inf"), "inf"), (float("nan"), "nan"),
    ],
)  # fmt: skip
def test_numbers_are_written_with_three_digits(value, text):
    assert number_text(value) == text


def test_a_unit_stands_behind_its_path():
    assert axis_label("optimizer.warmup", "updates") == "optimizer.warmup (updates)"
    assert axis_label("optimizer.b1") == "optimizer.b1"


def test_runs_without_a_value_of_an_axis_are_mentioned(make_runs):
    runs = make_runs([({"a.x": 1.0}, ["grokking"] * 3), ({"a.x": np.nan}, ["grokking"] * 2)])
    assert "Left out: 2 runs without a value of a.x." in remarks(phase_diagram(runs, "a.x"))


def test_the_certainty_of_an_undivided_cell_is_the_weakest_one(make_runs):
    phases = (["grokking"] * 3, ["confusion"] * 5, ["undecided"])
    runs = make_runs([({"a.x": float(place)}, some) for place, some in enumerate(phases)])
    z = 1.959963984540054
    said = " ".join(remarks(phase_diagram(runs, "a.x")))
    assert f"above {3 / (3 + z * z):.2f} (lower Wilson limit)" in said  # Wilson's limit of n out of n


def test_a_pooled_certainty_says_what_it_counts(make_runs):
    cells = [({"a.x": 1.0, "a.y": y}, ["grokking"] * 3) for y in (1, 2, 3)]
    said = " ".join(remarks(phase_diagram(make_runs(cells), "a.x")))
    z = 1.959963984540054
    assert f"above {3 / (3 + z * z):.2f} (lower Wilson limit, a seed counted as one run)" in said


def test_flags_and_mixed_criteria_are_said_below_a_diagram(make_runs):
    runs = make_runs([({"a.x": 1.0}, ["grokking"] * 3)]).assign(flags=["few_novel", "few_novel;unstable", ""])
    said = " ".join(remarks(phase_diagram(runs, "a.x")))
    assert "Flags, by runs: 2 few_novel, 1 unstable." in said
    assert "In 1 cell some runs are judged on novel test examples" in said


def test_what_the_audit_saw_is_said_and_that_nobody_looked_too():
    said = audit_remark(Audit(audited=5, stopped=2, collapsed=1, diverged=0))
    assert said.startswith("Of 2 runs that the stop rule would have ended") and said.endswith("1 collapsed.")
    assert audit_remark(Audit(5, 2, 1, 1)).endswith("1 collapsed and 1 diverged.")
    assert "5 runs" in (said := audit_remark(Audit(5, 0, 0, 0))) and "none of them" in said
    assert "no run was audited" in audit_remark(Audit(0, 0, 0, 0))


def test_one_run_of_a_cell_is_one_seed(make_runs):
    said = remarks(phase_diagram(make_runs([({"a.x": 1.0}, ["grokking"]), ({"a.x": 2.0}, ["grokking"])]), "a.x"))
    assert "2 runs, 1 seed per cell." in said[0]
