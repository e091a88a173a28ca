import itertools

import numpy as np
import pandas as pd
import pytest

from grokjax.analysis.claims import make_claim
from grokjax.analysis.verdicts import judge

DECAY = "probability(grokking, weight_decay=10) > probability(grokking, weight_decay=0.3)"


def sweep(phase_of, seeds=8, decays=(0.3, 10.0), fractions=(0.3, 0.5)):
    rows = [
        {"optimizer.weight_decay": decay, "task.train_fraction": fraction, "seeds.init": seed, "seeds.split": seed}
        | {"phase": phase_of(decay, fraction, seed)}
        for decay, fraction, seed in itertools.product(decays, fractions, range(seeds))
    ]
    return pd.DataFrame(rows)


def test_a_difference_in_every_seed_holds_and_its_opposite_fails():
    runs = sweep(lambda decay, fraction, seed: "grokking" if decay > 1 else "memorization")
    found = judge(make_claim("a", DECAY, ["train_fraction"]), runs)
    assert (found.verdict, found.pairs, found.left_out, found.reason) == ("holds", 16, 0, "")
    assert (found.left.estimate, found.right.estimate, found.difference.estimate) == (1, 0, 1)
    assert judge(make_claim("a", DECAY.replace(">", "<"), ["train_fraction"]), runs).verdict == "fails"


def test_a_difference_that_depends_on_the_seed_is_undecided():
    runs = sweep(lambda decay, fraction, seed: "grokking" if (decay > 1) == (seed < 5) else "memorization")
    found = judge(make_claim("a", DECAY, ["train_fraction"]), runs)
    assert found.verdict == "undecided"
    assert "of the draws of seeds agree" in found.reason
    assert found.difference.low < 0 < found.difference.high
    assert found.left.estimate == 5 / 8


@pytest.mark.parametrize("operator", [">", ">=", "<", "<="])
def test_equal_sides_are_no_evidence_for_anything(operator):
    runs = sweep(lambda decay, fraction, seed: "grokking" if seed < 3 else "memorization")
    found = judge(make_claim("a", DECAY.replace(">", operator), ["train_fraction"]), runs)
    assert (found.verdict, found.difference.estimate) == ("undecided", 0)
    assert found.reason == "no seed tells the sides apart"


def test_at_least_as_large_holds_where_larger_does():
    runs = sweep(lambda decay, fraction, seed: "grokking" if decay > 1 else "memorization")
    assert judge(make_claim("a", DECAY.replace(">", ">="), ["train_fraction"]), runs).verdict == "holds"
    assert judge(make_claim("a", DECAY.replace(">", "<="), ["train_fraction"]), runs).verdict == "fails"


def test_seeds_that_tie_do_not_count_towards_the_six():
    def found(differing: int) -> str:
        runs = sweep(lambda decay, fraction, seed: "grokking" if decay > 1 and seed < differing else "confusion", 20)
        return judge(make_claim("a", DECAY, ["train_fraction"]), runs).verdict

    assert [found(5), found(6)] == ["undecided", "holds"]  # 1/32 and 1/64, against 1/40


def test_pairing_by_seed_finds_what_seeds_would_hide():
    # Grokking depends on the seed alone, but at high decay one more seed in four groks: 0.5 against 0.25 of 24 seeds.
    runs = sweep(
        lambda decay, fraction, seed: "grokking" if seed % 4 < (2 if decay > 1 else 1) else "confusion", seeds=24
    )
    claim = make_claim("a", DECAY, ["train_fraction"])
    assert judge(claim, runs).verdict == "holds"
    shifted = runs.copy()
    shifted.loc[shifted["optimizer.weight_decay"] > 1, ["seeds.init", "seeds.split"]] += 100
    found = judge(claim, shifted)
    assert (found.verdict, found.pairs, found.left_out) == ("undecided", 0, 96)
    assert "same seed" in found.reason


def test_runs_without_a_partner_are_left_out_and_counted():
    runs = sweep(lambda decay, fraction, seed: "grokking" if decay > 1 else "memorization")
    found = judge(make_claim("a", DECAY, ["train_fraction"]), runs.drop(index=[0, 1]))
    assert (found.pairs, found.left_out, found.verdict) == (14, 2, "holds")


def test_undecided_runs_leave_the_claim_undecided():
    runs = sweep(lambda decay, fraction, seed: "grokking" if decay > 1 else "memorization")
    runs.loc[3, "phase"] = "undecided"
    found = judge(make_claim("a", DECAY, ["train_fraction"]), runs)
    assert found.verdict == "undecided"
    assert found.reason == "1 of 16 runs of probability(grokking, weight_decay=0.3) are undecided"


def test_unequal_budgets_leave_the_claim_undecided():
    runs = sweep(lambda decay, fraction, seed: "grokking" if decay > 1 else "memorization").assign(budget=100)
    claim = make_claim("a", DECAY, ["train_fraction"])
    assert judge(claim, runs).verdict == "holds"
    runs.loc[runs["optimizer.weight_decay"] > 1, "budget"] = 500
    found = judge(claim, runs)
    assert found.verdict == "undecided"
    assert found.reason == "budgets differ: 100, 500 steps; open the folders together"


def test_an_axis_that_is_neither_fixed_nor_paired_is_named():
    runs = sweep(lambda decay, fraction, seed: "grokking")
    found = judge(make_claim("a", DECAY), runs)
    assert found.verdict == "undecided"
    assert found.reason == "'task.train_fraction' varies too: fix it or list it under over"


def test_values_match_to_a_thousandth_and_missing_ones_are_reported():
    runs = sweep(lambda decay, fraction, seed: "grokking" if decay > 1 else "confusion", decays=(0.30001, 10.001))
    assert judge(make_claim("a", DECAY, ["train_fraction"]), runs).verdict == "holds"
    found = judge(make_claim("a", DECAY.replace("10", "11"), ["train_fraction"]), runs)
    assert (found.verdict, found.reason) == ("undecided", "no run matches probability(grokking, weight_decay=11)")


@pytest.mark.parametrize(("seeds", "verdict"), [(1, "undecided"), (5, "undecided"), (6, "holds")])
def test_fewer_than_six_seeds_decide_nothing(seeds, verdict):
    runs = sweep(lambda decay, fraction, seed: "grokking" if decay > 1 else "memorization", seeds=seeds)
    found = judge(make_claim("a", DECAY, ["train_fraction"]), runs)
    assert (found.verdict, found.seeds, found.difference.estimate) == (verdict, seeds, 1)
    assert found.reason == ("fewer than 6 seeds" if verdict == "undecided" else "")


def test_generalized_means_any_phase_that_generalizes():
    phases = ["grokking", "comprehension", "unfit", "collapsed"]
    runs = sweep(lambda decay, fraction, seed: phases[seed % 4])
    found = judge(make_claim("a", "probability(generalized, weight_decay=10) > 0.2", ["train_fraction"]), runs)
    assert found.left.estimate == 0.75
    assert found.right == (0.2, 0.2, 0.2)
    assert found.verdict == "holds"


@pytest.fixture
def timed():
    """Every seed generalizes ten times later at a decay of 0.3, and half of them never."""
    runs = sweep(lambda decay, fraction, seed: "memorization" if decay < 1 and seed < 4 else "grokking")
    steps = np.where(runs["optimizer.weight_decay"] < 1, 1000.0, 100.0) + runs["seeds.init"]
    return runs.assign(steps_to_test_99=np.where(runs["phase"] == "grokking", steps, np.nan))


def test_medians_count_never_as_infinity(timed):
    claim = make_claim(
        "a",
        "median(steps_to_test_99, weight_decay=0.3) > median(steps_to_test_99, weight_decay=10)",
        ["train_fraction"],
    )
    found = judge(claim, timed)
    assert found.left.estimate == np.inf
    assert found.right.estimate == 103.5
    assert found.difference.estimate == np.inf
    assert found.verdict == "holds"


def test_a_median_may_be_compared_with_a_number(timed):
    def verdict(text: str) -> str:
        return judge(make_claim("a", text, ["train_fraction"]), timed).verdict

    assert verdict("median(steps_to_test_99, weight_decay=10) < 108") == "holds"
    assert verdict("median(steps_to_test_99, weight_decay=10) > 108") == "fails"
    assert verdict("103.5 > median(steps_to_test_99, weight_decay=10)") == "undecided"


def test_collapsed_and_diverged_runs_never_got_there(timed):
    timed.loc[timed["optimizer.weight_decay"] > 1, "phase"] = "collapsed"
    found = judge(make_claim("a", "median(steps_to_test_99, weight_decay=10) < 1e9", ["train_fraction"]), timed)
    assert (found.verdict, found.left.estimate) == ("fails", np.inf)


def test_delay_is_infinite_without_generalizing_and_minus_infinite_without_a_fit():
    runs = sweep(lambda decay, fraction, seed: "unfit" if decay > 1 else "memorization")
    unfit = (runs["phase"] == "unfit").to_numpy()
    runs = runs.assign(
        log10_delay=np.nan,
        steps_to_fit=np.where(unfit, np.nan, 10.0),
        steps_to_generalized=np.where(unfit, 10.0, np.nan),
    )
    claim = make_claim(
        "a", "median(log10_delay, weight_decay=10) < median(log10_delay, weight_decay=0.3)", ["train_fraction"]
    )
    found = judge(claim, runs)
    assert (found.left.estimate, found.right.estimate, found.verdict) == (-np.inf, np.inf, "holds")


def test_runs_with_neither_event_have_no_delay_and_are_left_out():
    runs = sweep(lambda decay, fraction, seed: "confusion" if decay < 1 and seed < 2 else "grokking", seeds=10)
    has = (runs["phase"] == "grokking").to_numpy()
    late = np.where(runs["optimizer.weight_decay"] > 1, 100.0, 1000.0)
    runs = runs.assign(
        steps_to_fit=np.where(has, 10.0, np.nan),
        steps_to_generalized=np.where(has, late, np.nan),
        log10_delay=np.where(has, np.log10(late / 10), np.nan),
    )
    claim = make_claim(
        "a", "median(log10_delay, weight_decay=10) < median(log10_delay, weight_decay=0.3)", ["train_fraction"]
    )
    found = judge(claim, runs)
    assert (found.left.estimate, found.right.estimate, found.verdict) == (1, 2, "holds")
    assert (found.pairs, found.seeds, found.left_out) == (16, 8, 8)  # two seeds, two fractions, both sides


def test_an_unknown_measure_of_a_run_is_not_a_number(timed):
    runs = timed.assign(**{"test/loss": np.nan})
    found = judge(make_claim("a", "median(test/loss, weight_decay=10) < 1", ["train_fraction"]), runs)
    assert (found.verdict, found.reason) == ("undecided", "test/loss is unknown for 16 runs")


def test_an_unknown_key_is_answered_with_the_nearest():
    runs = sweep(lambda decay, fraction, seed: "grokking")
    with pytest.raises(ValueError, match=r"claim 'a': no column 'weight_dcay'; nearest is 'optimizer\.weight_decay'"):
        judge(make_claim("a", DECAY.replace("decay", "dcay"), ["train_fraction"]), runs)


def test_the_same_claim_is_judged_the_same_each_time():
    runs = sweep(lambda decay, fraction, seed: "grokking" if (seed * 7 + int(decay)) % 3 else "confusion")
    claim = make_claim("a", DECAY, ["train_fraction"])
    assert judge(claim, runs) == judge(claim, runs)
