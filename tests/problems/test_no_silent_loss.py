"""Where science could be lost without a word, is it refused or said? One test for each guard."""

import numpy as np
import pandas as pd
import pytest

from grokjax.analysis.cells import cell_table
from grokjax.analysis.intervals import quantile
from grokjax.drive.consolidation import consolidate
from grokjax.store.committed import read_spec
from grokjax.store.files import read_json_lines
from grokjax.store.folder import SweepFolder
from grokjax.store.layout import StoreError
from tests.store.small_sweep import LANES, copied, small, typed

__all__ = ["small"]
SILENT = """
import jax.numpy as jnp


def silent(view):
    return {"silent/value": jnp.where(view.step > 1_000_000, 1.0, jnp.nan)}


def heard(view):
    return {"heard/value": jnp.where(view.step > 50, 1.0, jnp.nan)}
"""


def test_an_axis_that_the_chosen_parts_would_ignore_is_refused(small, capsys):
    words = ("plan", small.parent / "sweep.yaml", "--no-probe", "--set", "axes.model.embedding=[8, 16]")
    assert typed(*words) == 2
    assert "axes.model.embedding: changes nothing" in capsys.readouterr().err


@pytest.mark.parametrize("seeds", ["[0, 1, 0]", "{list: [3, 3]}"])
def test_a_seed_twice_is_refused(small, capsys, seeds):
    assert typed("plan", small.parent / "sweep.yaml", "--no-probe", "--set", f"seeds={seeds}") == 2
    assert "twice" in capsys.readouterr().err


def test_train_and_test_examples_that_are_equal_are_said(small, tmp_path, capsys):
    inputs = np.arange(24, dtype=np.float32).reshape(12, 2)
    inputs[7] = inputs[3]
    np.savez(tmp_path / "data.npz", inputs=inputs, targets=np.arange(12) % 3)
    task = f"task={{kind: arrays, path: {tmp_path / 'data.npz'}}}"
    assert typed("plan", small.parent / "sweep.yaml", "--no-probe", "--set", task) == 0
    said = capsys.readouterr().err
    assert "grokjax: warning:" in said and "1 of 12 examples have the inputs of another example" in said


def test_a_cell_that_is_missing_is_never_left_out_of_a_finished_sweep(small, tmp_path):
    root = copied(small, tmp_path)
    folder = SweepFolder(root, read_spec(root)["spec_hash"])
    before = (root / "table.csv").read_bytes()
    with pytest.raises(StoreError, match="1 runs are not stored; run the same command again"):
        consolidate(folder, [*folder.ledger, "0123456789abcdef"])
    folder.close()
    assert (root / "table.csv").read_bytes() == before


def test_the_run_of_a_cell_whose_file_is_gone_is_trained_again(small, tmp_path, capsys):
    root = copied(small, tmp_path)
    for path in root.glob("runs/*.npz"):
        path.unlink()
    assert typed("verify", root) == 5
    assert typed("run", small.parent / "sweep.yaml", "--out", root, *LANES) == 0
    assert "is missing; its runs are trained again" in capsys.readouterr().err
    assert len(pd.read_csv(root / "table.csv")) == 12


def test_a_number_that_is_none_is_never_averaged():
    with pytest.raises(ValueError, match="a value is NaN"):
        quantile(np.array([1.0, np.nan, 3.0]), 0.5)
    cells = pd.DataFrame(
        {
            "decay": [1, 1, 1],
            "seeds.split": [0, 1, 2],
            "phase": ["grokking", "diverged", "diverged"],
            "steps_to_test_99": [100.0, np.nan, np.nan],
        }
    )
    (cell,) = cell_table(cells, ["decay"]).to_dict("records")
    assert cell["steps_to_test_99"] == np.inf  # most never got there; the mean of what is known would be 100
    assert (cell["runs"], cell["fell"]) == (3, 2)


def test_a_measure_that_never_gave_a_number_is_said_and_logged(small, tmp_path, capsys):
    (tmp_path / "own.py").write_text(SILENT)
    text = (small.parent / "sweep.yaml").read_text().replace("[1.0e-2, 1.0e+30]", "[1.0e-2]")
    assert "what: [fit, weight_norm]" in text
    (tmp_path / "sweep.yaml").write_text(
        text.replace("what: [fit, weight_norm]", 'what: [fit, "./own.py:silent", "./own.py:heard"]')
    )
    assert typed("run", tmp_path / "sweep.yaml", "--out", tmp_path / "out", *LANES) == 0
    said = capsys.readouterr().err
    told = f"warning: {tmp_path / 'out'}: silent/value is not a number at any step of any run"
    assert told in said and "heard/value" not in said
    events = [event["what"] for event in read_json_lines(tmp_path / "out" / "events.jsonl") if "what" in event]
    assert len(events) == 1 and events[0].startswith("silent/value")
