"""Is an extended sweep what one long sweep would have been, with nothing trained twice?"""

import dataclasses
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grokjax import load_sweep, open_results
from grokjax.cli import training
from grokjax.core.data_warning import DataWarning
from grokjax.drive.trainable import check_extension
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load
from grokjax.store.folder import SweepFolder
from grokjax.store.head import read_head, write_head
from grokjax.store.layout import Layout
from grokjax.store.lock import is_locked
from tests.store.small_sweep import LANES, SMALL, copied, endings, typed
from tests.store.sweeps import outcome

LONGER = ("--seeds", "3", "--steps", "160")


def fresh(extended: Path, folder: Path) -> Path:
    """The extended sweep trained from nothing, by the file that its folder holds."""
    assert typed("run", extended / "spec.yaml", "--out", folder / "fresh", *LANES) == 0
    return folder / "fresh"


@pytest.fixture(scope="module")
def longer(small, tmp_path_factory):
    """The finished sweep with more seeds and more steps."""
    root = copied(small, tmp_path_factory.mktemp("longer"))
    assert typed("extend", root, *LONGER, *LANES) == 0
    return root


@pytest.fixture(scope="module")
def long_outcome(longer, tmp_path_factory):
    return outcome(fresh(longer, tmp_path_factory.mktemp("long")))


def test_more_seeds_train_only_the_new_runs(small, tmp_path, capsys):
    root = copied(small, tmp_path)
    assert typed("extend", root, "--seeds", 3, *LANES) == 0
    assert "12 runs reused, 0 continued, 6 new" in capsys.readouterr().err
    assert endings(root)[:12] == endings(small)
    assert len(endings(root)) == len(set(endings(root))) == 18
    assert outcome(root) == outcome(fresh(root, tmp_path))


def test_a_finer_axis_trains_only_the_new_runs(small, tmp_path, capsys):
    root = copied(small, tmp_path)
    assert typed("extend", root, "--axis", "optimizer.weight_decay={log: [0.1, 10, 5]}", *LANES) == 0
    assert "12 runs reused, 0 continued, 8 new" in capsys.readouterr().err
    assert len(endings(root)) == len(set(endings(root))) == 20
    assert outcome(root) == outcome(fresh(root, tmp_path))


@pytest.mark.slow
def test_a_new_axis_keeps_the_runs_at_its_old_value(small, tmp_path):
    root = copied(small, tmp_path)
    assert typed("extend", root, "--axis", "task.train_fraction=[0.5, 0.6]", *LANES) == 0
    assert len(endings(root)) == len(set(endings(root))) == 24
    assert outcome(root) == outcome(fresh(root, tmp_path))


def test_more_steps_continue_the_runs_that_ended_by_their_budget(small, longer):
    table = pd.read_csv(small / "table.csv")
    at_budget = set(table["run_id"][table["stop_reason"] == "budget"])
    counts = Counter(endings(longer))
    assert len(at_budget) == 6 and len(counts) == 18
    assert {run_id for run_id, count in counts.items() if count == 2} == at_budget


def test_a_file_is_read_once_for_all_its_runs_that_go_on(small, tmp_path, monkeypatch):
    root, read, files = copied(small, tmp_path), SweepFolder.read_weights, []
    monkeypatch.setattr(SweepFolder, "read_weights", lambda folder, file: files.append(file) or read(folder, file))
    monkeypatch.setattr("grokjax.drive.run_sweep.consolidate", lambda *_: None)
    assert typed("extend", root, "--steps", "110", *LANES) == 0
    assert 0 < len(files) <= len(list((small / "runs").glob("*.npz"))) < 6  # six runs go on


def test_the_lock_is_held_from_the_change_of_the_spec_to_the_end(small, tmp_path, monkeypatch):
    root, seen = copied(small, tmp_path), []

    def told(name):
        function = getattr(training, name)
        monkeypatch.setattr(training, name, lambda *words, **named: seen.append(held()) or function(*words, **named))

    def held():
        return is_locked(root / "LOCK")

    for name in ("stored_sweep", "change_spec", "run_locked"):
        told(name)
    assert typed("extend", root, "--steps", "100") == 0
    assert seen == [True] * 3 and not held()


def test_runs_without_stored_weights_are_not_called_continued(small, tmp_path, capsys):
    root = copied(small, tmp_path)
    head, _ = read_head(Layout(root))
    write_head(Layout(root), head.next(files={name: head.files[name] for name in head.files if "weights" not in name}))
    assert typed("extend", root, "--steps", "110", *LANES, "--max-seconds", "0.001") == 75
    assert "6 runs reused, 0 continued, 6 new" in capsys.readouterr().err


def test_an_extended_sweep_is_what_one_long_sweep_is(longer, long_outcome):
    assert outcome(longer) == long_outcome


def test_a_sweep_extended_after_an_interruption_is_what_one_long_sweep_is(small, tmp_path, long_outcome):
    sweep, root = small.parent / "sweep.yaml", tmp_path / "out"
    assert typed("run", sweep, "--out", root, *LANES, "--max-seconds", "0.001") == 75
    assert 0 < len(endings(root)) < 12
    assert typed("extend", root, *LONGER, *LANES) == 0
    assert outcome(root) == long_outcome


@pytest.mark.slow
def test_an_extension_that_was_interrupted_says_what_is_left(small, tmp_path, long_outcome, capsys):
    root = copied(small, tmp_path)
    assert typed("extend", root, *LONGER, *LANES, "--max-seconds", "0.001") == 75
    capsys.readouterr()
    assert typed("status", root, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["total"] == 18 and 6 <= found["done"] < 18 and found["queued"] == 18 - found["done"]
    assert typed("run", root / "spec.yaml", "--out", root, *LANES) == 0
    assert outcome(root) == long_outcome


def test_a_checkpoint_from_before_several_stop_conditions_goes_on(small, tmp_path, monkeypatch):
    save = SweepFolder.start_save

    def as_before(folder, saved, *others):
        books = [lanes.book._replace(since=lanes.book.since[:, 0]) for lanes in saved.lanes]
        lanes = [lanes._replace(book=book) for lanes, book in zip(saved.lanes, books, strict=True)]
        save(folder, dataclasses.replace(saved, lanes=lanes), *others)

    sweep, root = small.parent / "sweep.yaml", tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(SweepFolder, "start_save", as_before)
        assert typed("run", sweep, "--out", root, *LANES, "--max-seconds", "0.001") == 75
    assert read_head(Layout(root))[0].checkpoints
    assert typed("run", sweep, "--out", root, *LANES) == 0
    assert outcome(root) == outcome(small)


def test_a_folder_whose_equal_runs_would_be_refused_today_is_resumed_and_extended(tmp_path, monkeypatch, capsys):
    sweep, root = tmp_path / "sweep.yaml", tmp_path / "out"
    sweep.write_text(SMALL.replace("optimizer.learning_rate: [1.0e-2, 1.0e+30]", "train.minibatch: [full, 512]"))
    refusal = "full and 512 give the same runs"
    with pytest.raises(SpecError, match=refusal):
        load_sweep(sweep)
    with monkeypatch.context() as patch:
        patch.setattr("grokjax.drive.trainable.check_equal_runs", lambda _: None)
        assert typed("run", sweep, "--out", root, *LANES, "--max-seconds", "0.001") == 75
    for words in (("run", root / "spec.yaml", "--out", root), ("extend", root, "--seeds", 3)):
        capsys.readouterr()
        assert typed(*words, *LANES) == 0
        said = capsys.readouterr().err
        assert "warning: equal runs count once" in said and refusal in said


def test_more_random_draws_train_only_the_new_runs(tmp_path, capsys):
    draws = "  random: {count: 2, seed: 3, optimizer.weight_decay: {log_uniform: [0.1, 10]}}\n"
    text = SMALL[: SMALL.index("axes:")] + "axes:\n" + draws + SMALL[SMALL.index("seeds:") :]
    (tmp_path / "sweep.yaml").write_text(text)
    root = tmp_path / "out"
    assert typed("run", tmp_path / "sweep.yaml", "--out", root, *LANES) == 0
    first = endings(root)
    capsys.readouterr()
    assert typed("extend", root, "--axis", "random.count=3", "--seeds", "[0, 1, 7]", *LANES) == 0
    assert "4 runs reused, 0 continued, 5 new" in capsys.readouterr().err
    assert endings(root)[:4] == first and len(set(endings(root))) == len(endings(root)) == 9
    table = open_results(root).runs
    assert set(first) <= set(table["run_id"]) and set(table["seeds.init"]) == {0, 1, 7}


@pytest.mark.parametrize("words", [(), ("--steps", "100"), ("--seeds", "2"), ("--seeds", "2", "--steps", "100")])
def test_extending_by_nothing_changes_and_trains_nothing(small, tmp_path, words):
    root = copied(small, tmp_path)
    assert typed("extend", root, *words) == 0
    assert (root / "spec.yaml").read_bytes() == (small / "spec.yaml").read_bytes()
    assert outcome(root) == outcome(small) and endings(root) == endings(small)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--seeds", "1"), "--seeds: must be at least the 2 seeds"),
        (("--steps", "10"), "--steps: must be at least the 100 steps"),
        (("--axis", "optimizer.weight_decay=[1, 2]"), "must keep every value"),
        (("--axis", "optimizer.weight_decy=[1, 2]"), "did you mean 'optimizer.weight_decay'"),
        (("--axis", "optimizer.weight_decay"), "must be KEY=FORM"),
        (("--axis", "random.count=6"), "sweep small draws nothing at random"),
        (("--seeds", "[0, x]"), "a list of whole numbers such as [0, 1, 7]"),
        (("--exclude", "['weight_decay = 1']"), "--exclude: leaves out 4 of the 12 runs that are there"),
    ],
)
def test_an_extension_that_would_lose_something_is_refused(small, capsys, words, message):
    before = (small / "spec.yaml").read_bytes()
    assert typed("extend", small, *words) == 2
    assert message in capsys.readouterr().err
    assert (small / "spec.yaml").read_bytes() == before


def test_an_axis_that_leaves_a_claim_undecided_is_trained_with_a_warning(tmp_path):
    (tmp_path / "sweep.yaml").write_text(SMALL + "claims: [{name: a, that: probability(grokking) > 0}]\n")
    sweep = load(tmp_path / "sweep.yaml")
    with pytest.warns(DataWarning, match=r"claims\.0\.that: claim 'a': axis 'optimizer\.learning_rate' varies"):
        check_extension(sweep, sweep)


def test_sweeps_that_share_cells_share_run_ids_and_histories(small, tmp_path):
    other = SMALL.replace("[1.0e-2, 1.0e+30]", "[3.0e-3, 1.0e-2]").replace("{log: [0.1, 10, 3]}", "[1, 10, 30]")
    (tmp_path / "other.yaml").write_text(other.replace("name: small", "name: other"))
    assert typed("run", tmp_path / "other.yaml", "--out", tmp_path / "other", *LANES) == 0
    mine, theirs = open_results(small).history, open_results(tmp_path / "other").history
    shared = sorted(set(mine["run_id"].values) & set(theirs["run_id"].values))
    assert len(shared) == 4  # two values of weight decay at one learning rate, two seeds
    mine, theirs = (one.sel(run=[list(one["run_id"].values).index(name) for name in shared]) for one in (mine, theirs))
    assert set(mine.variables) == set(theirs.variables)
    for name in mine.variables:
        np.testing.assert_array_equal(mine[name].values, theirs[name].values, err_msg=str(name))
