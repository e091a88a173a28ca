"""Which phase does the default rule give, and when is a run undecided under any rule?"""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokjax.analysis.phases import label
from grokjax.analysis.rules import FLAGS, PHASES, RULES
from tests.analysis.labels import only

NOTHING, FIT, GENERAL = 0, 100, 200  # counts of the default sizes


HISTORIES = {
    "confusion": {"steps": [0, 1, 100], "train_clean": [0, 98, 98], "test_novel": [0, 0, 197]},
    "memorization": {"steps": [0, 1, 100], "train_clean": [0, 99, 99], "test_novel": [0, 0, 197]},
    "grokking": {
        "steps": [0, 1, 10, 29, 30, 99],
        "train_clean": [0, 0, 99, 99, 99, 99],
        "test_novel": [0] * 4 + [198] * 2,
    },
    "comprehension": {
        "steps": [0, 1, 10, 29, 99],
        "train_clean": [0, 0, 99, 99, 99],
        "test_novel": [0] * 3 + [198] * 2,
    },
    "unfit": {"steps": [0, 1, 100], "train_clean": [0, 98, 98], "test_novel": [0, 198, 198]},
    "collapsed": {"steps": [0, 1, 50, 100], "train_clean": [0, 99, 99, 99], "test_novel": [0, 0, 198, 179]},
    "diverged": {"steps": [0, 1, 50], "train_clean": [0, 99, 99], "test_novel": [0, 0, 198], "diverged": True},
    "undecided": {"steps": [0, 1, 50], "train_clean": [0, 99, 99], "test_novel": [0, 0, 198], "stop_reason": "running"},
}


@pytest.mark.parametrize("phase", HISTORIES)
def test_each_phase_of_the_default_rule(make_looks, phase):
    assert label(make_looks(HISTORIES[phase])).phase[0] == phase


def test_many_runs_are_labelled_as_each_alone(make_looks):
    together = label(make_looks(*HISTORIES.values()))
    assert together.phase.tolist() == list(HISTORIES)
    assert together.flags.tolist() == [label(make_looks(run)).flags[0] for run in HISTORIES.values()]


def test_generalizing_at_exactly_three_times_the_fit_step_is_grokking(make_looks):
    def phase_at(step: int) -> str:
        run = {"steps": [0, 100, step, 1000], "train_clean": [0, 99, 99, 99], "test_novel": [0, 0, 198, 198]}
        return label(make_looks(run)).phase[0]

    assert [phase_at(step) for step in (299, 300, 301)] == ["comprehension", "grokking", "grokking"]


def test_a_last_accuracy_of_exactly_ninety_percent_is_not_collapsed(make_looks):
    def ending(count: int) -> tuple[str, str, str]:
        run = {"steps": [0, 1, 49, 50, 100], "train_clean": [0, 99, 99, 99, 99], "test_novel": [0, 0, 0, 198, count]}
        return only(label(make_looks(run)))

    assert ending(180) == ("grokking", "unstable", "")
    assert ending(179) == ("collapsed", "unstable", "")


def test_a_dip_that_heals_is_unstable_and_not_collapsed(make_looks):
    run = {"steps": [0, 1, 9, 50, 60, 100], "train_clean": [0, *[99] * 5], "test_novel": [0, 0, 0, 198, 20, 200]}
    assert only(label(make_looks(run))) == ("grokking", "unstable", "")


def test_few_novel_examples_are_flagged_and_judged_on_all_of_test(make_looks):
    sizes = {"test_mirrored": 101, "test_novel": 99}
    base = {"steps": [0, 1, 50, 100], "train_clean": [0, 99, 99, 99], "sizes": sizes}
    run = {**base, "test_mirrored": [0, 0, 0, 101], "test_novel": [0, 0, 0, 97]}  # 198 of 200, 97 of 99 novel
    assert only(label(make_looks(run))) == ("grokking", "few_novel;at_last_look", "")
    run = {
        **base,
        "sizes": {"test_mirrored": 101, "test_novel": 100},
        "test_mirrored": [0] * 4,
        "test_novel": [0, 0, 0, 99],
    }
    assert only(label(make_looks(run))) == ("grokking", "at_last_look", "")


def test_fewer_than_a_hundred_clean_train_examples_are_flagged_under_both_of_our_rules(make_looks):
    def flags(clean: int, noise: float) -> str:
        run = {"steps": [0, 10, 100], "train_clean": [0, clean, clean], "sizes": {"train_clean": clean}}
        return label(make_looks(run, settings={"label_noise": [noise]})).flags[0]

    assert [flags(99, 0.0), flags(100, 0.0)] == ["few_clean", ""]
    assert [flags(99, 0.5), flags(100, 0.5)] == ["few_clean", ""]


def test_with_label_noise_the_default_rule_gives_the_phases_of_doshi_2024(make_looks):
    run = {"steps": [0, 10, 100], "train_clean": [0, 99, 100], "test_novel": [0, 0, 200]}
    noisy = {**run, "sizes": {"train_clean": 100, "train_noisy": 50}}  # 100 of 150 given labels, all of test
    running = {**noisy, "stop_reason": "running"}
    looks = make_looks(run, noisy, running, run, settings={"label_noise": [0.0, 0.35, 0.35, np.nan]})
    labels = label(looks)
    assert labels.phase.tolist() == ["grokking", "full_inversion", "undecided", "grokking"]
    assert labels.reason.tolist() == ["", "", "running: step 100 of 100", ""]
    assert label(looks, dataclasses.replace(RULES["default"], with_noise="")).phase.tolist()[1] == "grokking"


@pytest.mark.parametrize("rule", ["liu2022", "pair2023", "doshi2024"])
def test_a_rule_that_needs_the_label_noise_is_undecided_where_it_is_not_known(make_looks, rule):
    run = {**HISTORIES["grokking"], "steps": [0, 1, 10, 29, 30, 100_000]}
    labels = label(make_looks(run, settings={"label_noise": [np.nan]}), rule)
    assert only(labels) == ("undecided", "", f"{rule} needs the label noise, which is not known")


def test_a_fit_that_is_lost_again_is_flagged(make_looks):
    run = {"steps": [0, 10, 50], "train_clean": [0, 99, 89]}
    assert only(label(make_looks(run))) == ("memorization", "lost_fit", "")


def test_generalizing_at_the_last_look_is_flagged(make_looks):
    run = {"steps": [0, 10, 100], "train_clean": [0, 99, 99], "test_novel": [0, 0, 198]}
    assert "at_last_look" in label(make_looks(run)).flags[0]
    late_fit = {"steps": [0, 10, 100], "train_clean": [0, 0, 99], "test_novel": [0, 0, 0]}
    assert only(label(make_looks(late_fit))) == ("memorization", "at_last_look", "")


def test_a_run_ended_by_the_stop_rule_is_labelled_and_flagged(make_looks):
    run = {"steps": [0, 1, 2, 90, 100, 500], "train_clean": [0, 0, 99, 99, 99, 99], "test_novel": [0] * 4 + [198] * 2}
    assert only(label(make_looks({**run, "budget": 2000, "stop_reason": "grokked"}))) == (
        "grokking",
        "stopped_early",
        "",
    )


def test_a_run_that_was_ended_before_it_generalized_is_undecided(make_looks):
    run = {"steps": [0, 90], "train_clean": [0, 99], "test_novel": [0, 160], "budget": 2000}
    ended = label(make_looks({**run, "stop_reason": "grokked"}, {**run, "stop_reason": "stopped"}))
    assert ended.phase.tolist() == ["undecided"] * 2
    assert set(ended.reason) == {"ended by the stop rule at step 90 of 2000, before it generalized"}
    lower = label(make_looks({**run, "stop_reason": "grokked"}), {"kind": "default", "generalized": 0.8})
    assert lower.phase.tolist() == ["comprehension"]


def test_a_run_ended_by_the_stop_rule_is_undecided_where_the_whole_run_counts(make_looks):
    run = {
        "steps": [0, 400],
        "train_clean": [0, 100],
        "test_novel": [0, 200],
        "train_loss": [1, 0],
        "test_loss": [1, 0],
    }
    settings = {"label_noise": [0.0]}
    stopped = make_looks({**run, "budget": 100_000, "stop_reason": "grokked"}, settings=settings)
    assert only(label(stopped, "doshi2024")) == ("undecided", "", "doshi2024 needs the whole run: step 400")
    assert only(label(stopped, "pair2023")) == ("undecided", "", "pair2023 needs the whole run: step 400")
    assert only(label(stopped, "liu2022")) == ("comprehension", "stopped_early", "")
    late = {**run, "steps": [0, 20_000], "budget": 100_000, "stop_reason": "grokked"}
    assert label(make_looks(late, settings=settings), "pair2023").phase[0] == "comprehension"


@pytest.mark.parametrize(
    ("steps", "is_close"),
    [
        ([0, 99, 100, 290, 310, 999], True),
        ([0, 99, 100, 310, 311, 999], False),
        ([0, 50, 100, 280, 299, 999], True),
        ([0, 99, 100, 298, 300, 999], True),
        ([0, 99, 100, 299, 310, 999], False),
    ],
)
def test_looks_too_far_apart_to_tell_grokking_from_comprehension_are_flagged(make_looks, steps, is_close):
    # Fit at 100, generalized at 291 to 310: either label is possible; at 311: only one; fit at 51 to 100: either again.
    # Generalized at 299 or 300: either; at 300 to 310: only one.
    run = {"steps": steps, "train_clean": [0, 0, 99, 99, 99, 99], "test_novel": [0] * 4 + [198] * 2}
    assert ("close_delay" in label(make_looks(run)).flags[0]) == is_close


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        ({"steps": []}, "not looked at yet"),
        ({"steps": [0, 10], "budget": 50, "stop_reason": "running"}, "running: step 10 of 50"),
        ({"steps": [0, 10], "budget": 50}, "unfinished: step 10 of 50"),
        ({"steps": [0, 10], "sizes": {"test_novel": 0}}, "no test examples"),
        ({"steps": [0, 10], "sizes": {"train_clean": 0, "train_noisy": 100}}, "no train_clean examples"),
    ],
)
def test_a_run_that_cannot_be_labelled_is_undecided_with_the_reason(make_looks, run, reason):
    assert only(label(make_looks(run))) == ("undecided", "", reason)


def test_a_diverged_run_is_diverged_under_every_rule(make_looks):
    run = {**HISTORIES["diverged"], "budget": 10}
    looks = make_looks(run, settings={"label_noise": [0.5]})
    for rule in RULES:
        assert only(label(looks, rule)) == ("diverged", "", "")


def test_the_default_rule_does_not_depend_on_the_unit_of_a_step(make_looks):
    for phase, run in HISTORIES.items():
        scaled = {**run, "steps": [1000 * step for step in run["steps"]]}
        assert label(make_looks(scaled)).phase[0] == phase


counts = st.lists(st.tuples(st.integers(85, 100), st.integers(170, 200)), min_size=1, max_size=8)


@given(counts, st.sampled_from(["budget", "grokked", "running"]), st.booleans(), st.sampled_from([99, 100, 200]))
def test_every_run_gets_exactly_one_known_phase_under_every_rule(make_looks, seen, stop_reason, diverged, novel):
    run = {
        "steps": [0, *(3**place for place in range(len(seen) - 1))],
        "train_clean": [train for train, _ in seen],
        "test_novel": [min(test, novel) for _, test in seen],
        "sizes": {"test_novel": novel},
        "diverged": diverged,
        "stop_reason": stop_reason,
    }
    looks = make_looks(run, settings={"label_noise": [0.3]})
    for rule in RULES:
        phase, flags, reason = only(label(looks, rule))
        assert phase in PHASES
        assert (phase == "undecided") == (reason != "")
        assert set(flags.split(";")) - {""} <= set(FLAGS)


@given(counts)
def test_default_phases_follow_from_the_four_facts_and_nothing_else(make_looks, seen):
    steps = [0, *(2**place for place in range(len(seen) - 1))]
    train, test = [pair[0] for pair in seen], [pair[1] for pair in seen]
    run = {"steps": steps, "train_clean": train, "test_novel": test}
    fit = next((step for step, count in zip(steps, train, strict=True) if count >= 99), None)
    general = next((step for step, count in zip(steps, test, strict=True) if count >= 198), None)
    expected = {
        (True, True): "grokking"
        if general is not None and fit is not None and general >= 3 * max(fit, 1)
        else "comprehension",
        (True, False): "memorization",
        (False, True): "unfit",
        (False, False): "confusion",
    }[(fit is not None, general is not None)]
    if general is not None and test[-1] < 180:
        expected = "collapsed"
    assert label(make_looks(run)).phase[0] == expected


def test_a_rule_without_its_measure_is_undecided(make_looks):
    looks = make_looks({**HISTORIES["grokking"], "steps": [0, 1, 10, 29, 30, 20_000]})
    columns = {name: values for name, values in looks.columns.items() if name != "train/loss"}
    labels = label(dataclasses.replace(looks, columns=columns), "pair2023")
    assert only(labels) == ("undecided", "", "pair2023 needs the measure train/loss")


def test_a_run_that_still_passes_a_low_threshold_has_not_collapsed(make_looks):
    looks = make_looks({"steps": [0, 10, 100], "train_clean": [0, 100, 100], "test_novel": [0, 0, 172]})  # 86 %
    assert label(looks).phase.tolist() == ["memorization"]
    assert label(looks, {"generalized": 0.85}).phase.tolist() == ["grokking"]
    assert label(looks, {"generalized": 0.86}).phase.tolist() == ["grokking"]
    assert label(looks, {"generalized": 0.861}).phase.tolist() == ["memorization"]
    fallen = make_looks({"steps": [0, 10, 100, 110], "train_clean": [0, 100, 100, 100], "test_novel": [0, 0, 172, 168]})
    assert label(fallen, {"generalized": 0.85}).phase.tolist() == ["collapsed"]
