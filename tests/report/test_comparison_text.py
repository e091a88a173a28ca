"""Does the report of a comparison say once what speaks against an arm, and where?"""

import pandas as pd
import pytest

from grokjax.lab.arms import CaseReport, ComparisonReport, TunedArm
from grokjax.report.comparison_text import remarks


def tuned(best: float, edges: list[str], grokked: list[float]) -> TunedArm:
    return TunedArm(pd.DataFrame({"setting": range(len(grokked)), "grokked": grokked}), {"l1.strength": best}, edges)


@pytest.fixture
def report():
    """Two cases, `p = 5` and `p = 7`, with a baseline and an arm that each case tuned in its own way."""

    def of(*arms: TunedArm) -> ComparisonReport:
        cases = [
            CaseReport({"p": p}, {"decay": tuned(1, [], [1, 1, 1]), "l1": arm}, [])
            for p, arm in zip((5, 7), arms, strict=True)
        ]
        return ComparisonReport("bench", "decay", 100, 6, 6, {"decay": 6, "l1": 6}, True, {}, cases, pd.DataFrame())

    return of


def of_l1(report: ComparisonReport) -> list[str]:
    return [line for line in remarks(report) if line.startswith("l1")]


def test_an_edge_that_all_cases_share_is_told_once(report):
    arm = tuned(0.1, ["l1.strength"], [0, 1, 1])
    assert of_l1(report(arm, arm)) == ["l1: its best is at the edge of what was tried: l1.strength 0.1."]


def test_an_edge_of_one_case_is_told_with_the_case(report):
    inner, outer = tuned(0.2, [], [0, 1, 1]), tuned(0.1, ["l1.strength"], [1, 1, 0])
    assert of_l1(report(inner, outer)) == ["l1: its best is at the edge of what was tried: l1.strength 0.1 (p = 7)."]


def test_an_arm_that_never_generalized_in_one_case_is_told_with_the_case(report):
    never, once = tuned(0.2, [], [0, 0, 0]), tuned(0.2, [], [0, 1, 0])
    told = "l1 generalized at none of its settings{}, so its best one means little."
    assert of_l1(report(never, once)) == [told.format(" (p = 5)")]
    assert of_l1(report(never, never)) == [told.format("")]
    assert of_l1(report(once, once)) == []
