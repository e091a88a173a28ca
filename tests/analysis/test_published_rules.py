"""Are runs labelled as the papers define their phases, and left undecided outside what a paper is stated for?"""

import dataclasses

import numpy as np
import pytest

from grokjax.analysis.phases import label
from grokjax.analysis.rules import RULES
from tests.analysis.labels import only

# ---- Liu et al. 2022 -------------------------------------------------------------------------------------------------


def liu(make_looks, steps, train, test, **options):
    settings = options.pop("settings", None)
    run = {"steps": steps, "train_clean": train, "test_novel": test, "budget": 100_000, **options}
    return label(make_looks(run, settings=settings), "liu2022")


@pytest.mark.parametrize(
    ("train", "test", "phase"),
    [
        ([0, 91, 91, 91], [0, 0, 181, 181], "comprehension"),
        ([0, 91, 91, 91], [0, 0, 0, 181], "grokking"),
        ([0, 91, 91, 91], [0, 0, 0, 180], "memorization"),  # exactly 90 % is not above it
        ([0, 90, 90, 90], [0, 0, 0, 180], "confusion"),
    ],
)
def test_each_phase_of_liu_2022(make_looks, train, test, phase):
    labels = liu(make_looks, [0, 500, 1499, 100_000], train, test)
    assert labels.phase[0] == phase
    assert labels.words[0] == ("memorisation" if phase == "memorization" else phase)


def test_liu_2022_calls_a_gap_of_exactly_a_thousand_steps_grokking(make_looks):
    for test_step, phase in ((1499, "comprehension"), (1500, "grokking")):
        labels = liu(make_looks, [0, 500, test_step, 100_000], [0, 100, 100, 100], [0, 0, 200, 200])
        assert labels.phase[0] == phase


@pytest.mark.parametrize(
    ("steps", "is_close"),
    [
        ([0, 499, 500, 1498, 1500, 100_000], True),  # test at 1499 or 1500: 999 or 1000 steps apart
        ([0, 499, 500, 1499, 1501, 100_000], False),  # test at 1500 or later
        ([0, 400, 500, 1450, 1490, 100_000], True),  # train from 401 on: up to 1089 apart
        ([0, 499, 500, 1450, 1490, 100_000], False),
    ],
)
def test_liu_2022_flags_looks_too_far_apart_to_tell_a_thousand_steps(make_looks, steps, is_close):
    labels = liu(make_looks, steps, [0, 0, 100, 100, 100, 100], [0, 0, 0, 0, 200, 200])
    assert ("close_delay" in labels.flags[0]) == is_close
    assert labels.phase[0] == ("grokking" if steps[4] - steps[2] >= 1000 else "comprehension")


def test_liu_2022_sees_nothing_after_its_horizon(make_looks):
    steps, train, test = [0, 500, 100_000, 100_001], [0, 100, 100, 100], [0, 0, 0, 200]
    assert liu(make_looks, steps, train, test, budget=100_001).phase[0] == "memorization"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"budget": 99_999, "steps": [0, 500, 99_999]}, "liu2022 is stated for 100000 steps, not 99999"),
        ({"settings": {"label_noise": [0.1]}}, "liu2022 is stated without label noise, not 0.1"),
        ({"settings": {"steps_per_epoch": [10]}}, "liu2022 counts full-batch steps; here an epoch has 10"),
        ({"test": [0, 200, 200], "train": [0, 0, 0]}, "test passed 90 % and train did not: the rule has no such phase"),
    ],
)
def test_liu_2022_outside_its_domain_is_undecided_with_the_reason(make_looks, options, reason):
    arguments = {"steps": [0, 500, 100_000], "train": [0, 100, 100], "test": [0, 0, 200], **options}
    assert only(liu(make_looks, **arguments)) == ("undecided", "", reason)


def test_liu_2022_labels_what_is_just_inside_its_domain(make_looks):
    settings = {"label_noise": [0.0], "steps_per_epoch": [1]}
    labels = liu(make_looks, [0, 500, 90_000, 100_000], [0, 100, 100, 100], [0, 0, 0, 200], settings=settings)
    assert only(labels) == ("grokking", "", "")


def test_a_changed_horizon_is_applied(make_looks):
    looks = make_looks({"steps": [0, 500, 2000], "train_clean": [0, 100, 100], "test_novel": [0, 0, 200]})
    assert label(looks, "liu2022").phase[0] == "undecided"
    assert label(looks, dataclasses.replace(RULES["liu2022"], horizon=2000)).phase[0] == "grokking"


# ---- Pearce et al. 2023 ----------------------------------------------------------------------------------------------


def pair(make_looks, train, test, settings=None, **options):
    run = {"steps": [0, 100, 20_000], "train_loss": train, "test_loss": test, **options}
    return label(make_looks(run, settings=settings), "pair2023")


@pytest.mark.parametrize(
    ("train", "test", "phase", "word"),
    [
        ([1, 1, 2e-5], [1, 1, 1e-6], "confusion", "High Train Loss"),
        ([1, 1e-6, 1e-6], [1, 1, 2e-5], "memorization", "High Test Loss"),
        ([1, 1e-6, 1e-6], [1, 0.04, 1e-6], "comprehension", "Train/Test Drop Together"),
        ([1, 1e-6, 1e-6], [1, 0.06, 1e-6], "grokking", "Grokking"),
    ],
)
def test_each_phase_of_pair_2023(make_looks, train, test, phase, word):
    labels = pair(make_looks, train, test)
    assert (labels.phase[0], labels.words[0]) == (phase, word)


def test_pair_2023_floors_the_losses_before_the_ratio(make_looks):
    # 0.0059 / 1.19e-7 = 49,580 and 0.006 / 1.19e-7 = 50,420, however small the train loss gets
    assert pair(make_looks, [1, 1e-30, 1e-30], [1, 0.0059, 1e-9]).phase[0] == "comprehension"
    assert pair(make_looks, [1, 1e-30, 1e-30], [1, 0.0060, 1e-9]).phase[0] == "grokking"
    assert pair(make_looks, [1, 0, 0], [1, 0.0059, 0]).phase[0] == "comprehension"


def test_pair_2023_counts_a_loss_of_exactly_its_threshold_as_learned(make_looks):
    exact = float(np.float32(1e-5))
    rule = dataclasses.replace(RULES["pair2023"], thresholds={"loss": exact, "ratio": 5e4})
    looks = make_looks({"steps": [0, 20_000], "train_loss": [1, exact], "test_loss": [1, exact]})
    assert label(looks, rule).phase[0] == "comprehension"


def test_pair_2023_calls_a_ratio_of_exactly_its_threshold_grokking(make_looks):
    looks = make_looks({"steps": [0, 20_000], "train_loss": [2**-20] * 2, "test_loss": [2**-10, 2**-20]})
    for ratio, phase in ((1024.0, "grokking"), (1024.5, "comprehension")):
        rule = dataclasses.replace(RULES["pair2023"], thresholds={"loss": 1e-5, "ratio": ratio})
        assert label(looks, rule).phase[0] == phase


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"settings": {"loss": np.array(["mse"])}}, "pair2023 is stated for cross_entropy, not mse"),
        ({"steps": [0, 100, 19_999]}, "pair2023 is stated for 20000 steps, not 19999"),
        ({"train": [np.nan] * 3}, "no finite train and test loss"),
    ],
)
def test_pair_2023_outside_its_domain_is_undecided_with_the_reason(make_looks, options, reason):
    arguments = {"train": [1, 1e-6, 1e-6], "test": [1, 1, 1e-6], **options}
    assert only(pair(make_looks, **arguments)) == ("undecided", "", reason)


def test_pair_2023_labels_runs_trained_with_either_loss_in_nats(make_looks):
    for loss in ("cross_entropy", "logistic"):
        settings = {"loss": np.array([loss])}
        assert pair(make_looks, [1, 1e-6, 1e-6], [1, 1, 1e-6], settings=settings).phase[0] == "grokking"


# ---- Doshi et al. 2024 -----------------------------------------------------------------------------------------------


def doshi(make_looks, train, test, noise):
    """Label of a run with 1000 train labels of which some are wrong, and 1000 test examples."""
    run = {
        "steps": [0, 100, 2000],
        "train_clean": train,
        "test_novel": test,
        "sizes": {"train_clean": 1000, "test_novel": 1000},
    }
    return label(make_looks(run, settings={"label_noise": [noise]}), "doshi2024")


@pytest.mark.parametrize(
    ("train", "test", "phase"),
    [
        (978, 983, "coexistence"),
        (900, 900, "coexistence"),
        (786, 1000, "partial_inversion"),
        (700, 900, "partial_inversion"),  # exactly 100 (1.05 - 0.35) %
        (699, 900, "full_inversion"),
        (654, 1000, "full_inversion"),
        (900, 899, "memorization"),
        (899, 899, "confusion"),
    ],
)
def test_each_phase_of_doshi_2024_at_a_noise_of_35_percent(make_looks, train, test, phase):
    assert doshi(make_looks, [0, 0, train], [0, 0, test], 0.35).phase[0] == phase


def test_doshi_2024_forgets_only_what_was_known(make_looks):
    assert doshi(make_looks, [0, 600, 10], [0, 998, 10], 0.35).phase[0] == "forgetting"
    assert doshi(make_looks, [0, 999, 10], [0, 899, 10], 0.35).phase[0] == "confusion"


def test_doshi_2024_needs_the_label_noise(make_looks):
    run = {"steps": [0, 1, 100], "train_clean": [0, 99, 99], "test_novel": [0, 0, 198]}
    labels = label(make_looks(run), "doshi2024")
    assert only(labels) == ("undecided", "", "doshi2024 needs the setting label_noise")


def test_doshi_2024_without_noise_has_no_partial_inversion(make_looks):
    assert doshi(make_looks, [0, 0, 899], [0, 0, 1000], 0.0).phase[0] == "full_inversion"
    assert doshi(make_looks, [0, 0, 1000], [0, 0, 1000], 0.0).phase[0] == "coexistence"
