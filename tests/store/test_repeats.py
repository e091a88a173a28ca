"""Do equal histories count once, however many run ids they have?"""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from grokjax import open_results
from grokjax.analysis.boundary import boundary
from grokjax.analysis.cells import cell_table
from grokjax.analysis.claims import make_claim
from grokjax.analysis.diagram import phase_diagram
from grokjax.analysis.verdicts import judge
from grokjax.results.repeats import with_repeats
from grokjax.store.files import arrays_to_bytes, bytes_to_arrays, checksum, write_atomically
from grokjax.store.head import read_head, write_head
from grokjax.store.layout import Layout
from tests.store.small_sweep import copied, typed


def histories(*losses):
    """A table and dataset of runs with these train losses by look; cells are told apart by `decay`."""
    values = np.array(losses, np.float32)
    steps = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    names = [f"run{place}" for place in range(len(values))]
    data = dict.fromkeys(("look/train/loss", "look/test/loss"), (("run", "look"), values))
    table = pd.DataFrame({"run_id": names, "decay": [1.0] * 2 + [2.0] * (len(values) - 2)})
    return table, xr.Dataset({"look_step": (("run", "look"), steps), **data})


def test_equal_losses_after_the_start_are_told_across_cells_and_repeats_within_one():
    table, dataset = histories([9, 3, 2, 1], [8, 3, 2, 1], [7, 3, 2, 1], [7, 3, 2, 1.5])
    found = with_repeats(table, dataset, ["decay"])
    assert found["equal_to"].tolist() == ["run1", "run0", "run0", ""]
    assert found["is_repeat"].tolist() == [False, True, False, False]


def test_one_bit_apart_is_another_history():
    table, dataset = histories([9, 3, 2, 1], [9, 3, 2, np.nextafter(np.float32(1), np.float32(2))])
    assert with_repeats(table, dataset, [])["equal_to"].tolist() == ["", ""]


@pytest.mark.parametrize("loss", [[9, 3, 3, 3, 3], [9, 3, 2, 2, 2], [9, np.nan, np.nan, np.nan, np.nan]])
def test_runs_that_are_dead_at_once_are_not_called_equal(loss):
    table, dataset = histories(loss, loss)
    assert not with_repeats(table, dataset, [])["is_repeat"].any()


def test_repeats_add_nothing_to_cells_diagrams_boundaries_and_claims():
    runs = pd.DataFrame(
        {
            "optimizer.weight_decay": np.repeat([0.1, 10.0], 8),
            "seeds.init": list(range(8)) * 2,
            "phase": ["memorization"] * 8 + ["grokking"] * 8,
            "steps_to_test_99": [np.nan] * 8 + [100.0] * 8,
            "budget": 1000,
            "is_repeat": False,
        }
    )
    repeated = runs.assign(is_repeat=runs["seeds.init"] > 1)
    claim = make_claim("decay", "probability(grokking, weight_decay=10) > 0.5")
    assert judge(claim, runs).verdict == "holds"
    found = judge(claim, repeated)
    assert (found.verdict, found.seeds) == ("undecided", 2)
    assert found.reason == "fewer than 6 seeds; 6 runs repeat another of their cell bit for bit and do not count"
    kept = repeated[~repeated["is_repeat"]]
    axes = ["optimizer.weight_decay"]
    pd.testing.assert_frame_equal(cell_table(repeated, axes), cell_table(kept, axes))
    assert cell_table(repeated, axes)["runs"].tolist() == [2, 2]
    assert phase_diagram(repeated, axes[0]).n.tolist() == [[2, 2]]
    for field in dataclasses.fields(edge := boundary(repeated, axes[0])):
        np.testing.assert_array_equal(getattr(edge, field.name), getattr(boundary(kept, axes[0]), field.name))


def test_a_folder_in_which_two_seeds_have_one_history_says_so(small, tmp_path, capsys):
    root = copied(small, tmp_path)
    before = open_results(root).runs
    assert not before["is_repeat"].any() and (before["equal_to"] == "").all()
    one, other = before["run_id"][before["status"] == "done"].iloc[:2]
    head, _ = read_head(Layout(root))
    files = {name: digest for name, digest in head.files.items() if name.startswith("runs/")}
    stored = {name: bytes_to_arrays((root / name).read_bytes()) for name in files}
    source = next((arrays, list(arrays["run_id"]).index(one)) for arrays in stored.values() if one in arrays["run_id"])
    for name, arrays in stored.items():
        for place in np.flatnonzero(arrays["run_id"] == other):
            for key in arrays:
                if key.startswith("looks/"):
                    arrays[key][place] = source[0][key][source[1]]
        content = arrays_to_bytes(arrays)
        write_atomically(root / name, content)
        files[name] = checksum(content)
    write_head(Layout(root), head.next(files=files, is_complete=False))
    runs = open_results(root).runs.set_index("run_id")
    assert runs.loc[[one, other], "equal_to"].tolist() == [other, one] and runs["is_repeat"].sum() == 1
    assert open_results(root).cells()["runs"].tolist() == [1, 2, 2, 2, 2, 2]
    capsys.readouterr()
    assert typed("phases", root) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "2 of 12 runs have histories equal to another's, bit for bit; those of one cell count as one" in said
