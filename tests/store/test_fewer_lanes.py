"""A sweep that goes on in fewer lanes than it was left in: what waits for a lane is in its saves as well."""

import json

from grokjax.store.head import read_head
from grokjax.store.layout import Layout
from tests.store.small_sweep import SMALL, endings, typed

SWEEP = SMALL.replace("steps: 100", "steps: 300").replace("[1.0e-2, 1.0e+30]", "[1.0e-2]")
AT_ONCE = ("--max-seconds", "0.001")  # ends after a segment of one update


def saved_runs(root):
    """Run ids in the newest checkpoint, and in how many pools of lanes they are."""
    head, _ = read_head(Layout(root))
    about = json.loads(Layout(root).sums_file(max(map(int, head.checkpoints))).read_bytes())["about"]
    return sorted(run_id for pool in about["run_ids"] for run_id in pool if run_id)


def test_runs_that_wait_for_a_lane_are_saved_and_go_on_where_they_were(tmp_path):
    sweep = tmp_path / "sweep.yaml"
    sweep.write_text(SWEEP)
    assert typed("run", sweep, "--out", tmp_path / "whole", "--lanes", 2) == 0
    words = ("run", sweep, "--out", tmp_path / "out")
    assert typed(*words, "--lanes", 2, *AT_ONCE) == 75
    first = saved_runs(tmp_path / "out")
    assert len(first) == 4  # two devices of two lanes
    for _ in range(2):
        assert typed(*words, "--lanes", 1, *AT_ONCE) == 75
        assert saved_runs(tmp_path / "out") == first
    assert typed(*words, "--lanes", 1) == 0
    assert sorted(endings(tmp_path / "out")) == sorted(endings(tmp_path / "whole"))
    assert (tmp_path / "out" / "table.csv").read_bytes() == (tmp_path / "whole" / "table.csv").read_bytes()
