import time

import numpy as np
import pytest

from grokjax.analysis.history import Looks
from grokjax.analysis.table import event_columns


@pytest.fixture
def row(make_looks):
    run = {
        "steps": [0, 10, 20, 40, 80, 160],
        "train_clean": [1, 45, 79, 80, 80, 80],
        "train_noisy": [0, 5, 16, 20, 18, 16],
        "recovered": [0, 1, 1, 1, 4, 5],
        "test_novel": [0, 10, 99, 180, 198, 197],
        "train_loss": [3, 1, 0.5, 0.25, 0.25, 0.25],
        "test_loss": [3, 2, 4, 1, 0.5, 0.75],
        "sizes": {"train_clean": 80, "train_noisy": 20},
    }
    return event_columns(make_looks(run)).iloc[0]


def test_first_crossings_and_their_brackets(row):
    expected = {
        "steps_to_train_50": (0, 10), "steps_to_train_90": (10, 20),
        "steps_to_train_95": (10, 20), "steps_to_train_99": (20, 40),
        "steps_to_test_50": (20, 40), "steps_to_test_90": (20, 40),
        "steps_to_test_95": (40, 80), "steps_to_test_99": (40, 80),
    }  # fmt: skip
    for name, (after, at) in expected.items():
        assert (row[f"{name}_after"], row[name]) == (after, at), name


def test_sustained_fit_and_generalization(row):
    expected = {"steps_to_train_50": (0, 10), "steps_to_train_95": (10, 20), "steps_to_test_95": (40, 80)}
    for name, (after, at) in expected.items():  # train: 50, 95, 100, 98, 96 of 100 from step 10 on
        assert (row[f"{name}_sustained_after"], row[f"{name}_sustained"]) == (after, at), name
    assert np.isnan(row["steps_to_train_99_sustained"])  # given labels: 98 and 96 of 100 after it
    assert np.isnan(row["steps_to_test_99_sustained"])
    assert row["steps_to_fit"] == 40  # 80 of 80 clean labels: 79 of 80 is under 99 %
    assert row["steps_to_generalized"] == 80
    assert row["log10_delay"] == pytest.approx(np.log10(2))
    assert (row["phase"], row["flags"], row["phase_reason"]) == ("comprehension", "few_clean;unstable;close_delay", "")


def test_extremes_and_final_values(row):
    assert (row["min_train_loss"], row["min_test_loss"], row["max_test_train_ratio"]) == (0.25, 0.5, 8)
    assert row["max_test_accuracy"] == 198 / 200
    assert row["post_peak_drop"] == pytest.approx(1 / 200)
    assert row["final_step"] == 160
    assert row["train/accuracy"] == 96 / 100
    assert row["train_clean/accuracy"] == 1
    assert row["train_noisy/accuracy"] == 16 / 20
    assert row["train_noisy/recovered_share"] == 5 / 20
    assert row["test/accuracy"] == row["test_novel/accuracy"] == 197 / 200
    assert np.isnan(row["test_mirrored/accuracy"])
    assert (row["train/loss"], row["test/loss"]) == (0.25, 0.75)


def test_events_that_did_not_come_are_empty(make_looks):
    table = event_columns(make_looks({"steps": [0, 10]}, {"steps": []}))
    events = [name for name in table.columns if name.startswith("steps_to_")] + ["log10_delay"]
    assert table[events].isna().all(axis=None)
    assert table["phase"].tolist() == ["confusion", "undecided"]
    assert table["final_step"].tolist()[0] == 10
    assert np.isnan(table["final_step"][1])


def test_a_first_look_that_passes_has_no_look_before(make_looks):
    table = event_columns(make_looks({"steps": [0, 10], "train_clean": [100, 100]}))
    assert table["steps_to_train_99"][0] == 0
    assert np.isnan(table["steps_to_train_99_after"][0])


def test_another_rule_changes_the_labels_and_no_number(make_looks):
    looks = make_looks({"steps": [0, 10, 2000], "train_clean": [0, 100, 100], "test_novel": [0, 0, 200]})
    default, published = event_columns(looks), event_columns(looks, "liu2022")
    assert published["phase"][0] == "undecided"
    assert published["phase_reason"][0] == "liu2022 is stated for 100000 steps, not 2000"
    labels = ["phase", "phase_word", "flags", "phase_reason", "phase_rule"]
    assert default.drop(columns=labels).equals(published.drop(columns=labels))


def test_no_runs_give_an_empty_table(make_looks):
    assert len(event_columns(make_looks())) == 0


def test_many_runs_take_seconds_and_are_labelled_as_a_few():
    num_runs, num_looks = 10_000, 100
    generator = np.random.default_rng(0)
    groups = ("train", "test", "train_clean", "train_noisy", "test_mirrored", "test_novel")
    columns = {f"{group}/correct": generator.integers(0, 1001, (num_runs, num_looks), np.int32) for group in groups}
    columns |= {f"{group}/loss": generator.random((num_runs, num_looks), np.float32) for group in ("train", "test")}
    looks = Looks(
        steps=np.tile(np.arange(num_looks), (num_runs, 1)),
        columns=columns,
        sizes={group: np.full(num_runs, 1000) for group in groups},
        diverged=np.zeros(num_runs, bool),
        budget=np.full(num_runs, num_looks - 1),
        stop_reason=np.full(num_runs, "budget", object),
    )
    start = time.process_time()
    table = event_columns(looks)
    assert time.process_time() - start < 20  # takes one; a loop over runs and looks takes minutes
    few = event_columns(looks.take(np.arange(2500, 2600)))
    assert table.iloc[2500:2600].reset_index(drop=True).equals(few)


def test_steps_to_generalize_follow_the_threshold_of_the_rule_and_the_counted_shares_do_not(make_looks):
    looks = make_looks({"steps": [0, 10, 20, 30], "train_clean": [0, 90, 99, 100], "test_novel": [0, 0, 180, 190]})
    row = event_columns(looks, {"kind": "default", "fit": 0.9, "generalized": 0.9}).iloc[0]
    assert (row["steps_to_fit"], row["steps_to_generalized"]) == (10, 20)
    assert (row["phase"], row["phase_rule"]) == ("comprehension", "default, fit=0.9, generalized=0.9")
    assert np.isnan(row["steps_to_test_99"])
    row = event_columns(looks).iloc[0]
    assert row["steps_to_fit"] == 20 and np.isnan(row["steps_to_generalized"]) and row["phase_rule"] == "default"
