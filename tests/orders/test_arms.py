"""Are arms read as their file says, tuned alike, and compared at their best settings on seeds of their own?"""

import pandas as pd
import pytest

from grokjax.orders.arms import Arms
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load

ARMS = {
    "adamw": {"tune": {"optimizer.weight_decay": [0.1, 1]}},
    "sgd": {"optimizer": {"kind": "sgd"}, "optimizer.learning_rate": 0.5, "tune": {"optimizer.weight_decay": [0.1, 1]}},
}


@pytest.fixture
def bench(small):
    def of(arms=ARMS, **compare):
        return load(small(seeds=4, compare={"arms": arms, "tuning_seeds": 2, **compare}))

    return of


def test_arms_hold_their_settings_on_top_of_the_sweeps_own(bench):
    adamw, sgd = bench().compare.arms
    assert adamw.base == bench().base
    assert sgd.base.optimizer.kind == "sgd" and sgd.base.optimizer.learning_rate == 0.5
    assert sgd.base.model == adamw.base.model


def test_a_comparison_that_is_written_reads_back_equal(bench):
    assert load(bench().to_mapping()) == bench()


def test_each_setting_of_each_arm_is_tried_at_each_tuning_seed(bench):
    orders = bench().compare and Arms(bench(), bench().compare).first()
    seeds = [(order.run.optimizer.kind, order.run.optimizer.weight_decay, order.run.seeds.init) for order in orders]
    tuning = (1_000_000, 1_000_001)
    assert seeds == [(kind, decay, seed) for kind in ("adamw", "sgd") for decay in (0.1, 1.0) for seed in tuning]


def test_the_best_setting_of_each_arm_runs_at_fresh_seeds_shared_by_all(bench):
    source = Arms(bench(), bench().compare)
    tuning = source.first()
    # The second setting of the first arm and the first of the second come sooner.
    steps = [90, 90, 30, 30, 20, 20, None, None]
    table = pd.DataFrame(
        {"phase": "grokking", "steps_to_test_99": pd.array(steps, "Int64"), "test/accuracy": 1.0}, index=range(8)
    )
    chosen = source.more(lambda: table)
    runs = [(order.run.optimizer.kind, order.run.optimizer.weight_decay, order.run.seeds.init) for order in chosen]
    assert runs == [("adamw", 1.0, seed) for seed in range(4)] + [("sgd", 0.1, seed) for seed in range(4)]
    assert len(source.more(lambda: pd.concat([table, table]))) == 0
    trials = source.trials([tuning, chosen])
    assert trials["stage"].tolist() == ["tuning"] * 8 + ["comparing"] * 8
    assert trials["setting"].tolist() == [0, 0, 1, 1] * 2 + [1] * 4 + [0] * 4


def test_every_cell_of_the_axes_is_a_comparison_of_its_own(small):
    sweep = load(
        small(axes={"task.operation": ["x+y", "x-y"]}, seeds=2, compare={"arms": ARMS, "tuning_seeds": [70, 71]})
    )
    source = Arms(sweep, sweep.compare)
    steps = [10, 10, 30, 30, 30, 30, 10, 10] * 2  # another decay is best for the second operation
    table = pd.DataFrame(
        {"phase": "grokking", "steps_to_test_99": pd.array(steps, "Int64"), "test/accuracy": 1.0}, index=range(16)
    )
    best = [(order.run.task.operation, order.run.optimizer.weight_decay) for order in source.more(lambda: table)]
    assert best == [("x+y", 0.1)] * 2 + [("x-y", 1.0)] * 2 + [("x+y", 0.1)] * 2 + [("x-y", 1.0)] * 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"arms": {"one": {}}}, "compare.arms: a comparison needs two arms"),
        ({"baseline": "adam"}, "compare.baseline: names no arm (got \"adam\"); did you mean 'adamw'?"),
        ({"arms": {**ARMS, "none": {}}}, "unequal numbers of settings: adamw 2, sgd 2, none 1"),
        ({"arms": {**ARMS, "x": {"optimizer.weight_decai": 1}}}, "compare.arms.x.optimizer.weight_decai"),
        ({"arms": {**ARMS, "x": {"tune": {"optimizer.weight_decai": [1, 2]}}}}, "compare.arms.x.tune.optimizer"),
        ({"arms": {**ARMS, "x": {"seeds.init": 1}}}, "arms share their seeds"),
        ({"arms": {**ARMS, "x": {"tune": {"seeds.init": [1, 2]}}}}, "a seed is nothing to tune"),
        ({"tuning_seeds": [3, 9]}, "these seeds also compare the tuned arms"),
        ({"armz": 1}, "compare.armz: unknown key"),
        ({"budget": "same"}, "compare.budget: must be equal or unequal"),
    ],
)
def test_a_comparison_that_would_not_be_fair_is_refused(bench, changes, words):
    with pytest.raises(SpecError) as caught:
        bench(**{"arms": ARMS, **changes})
    assert words in str(caught.value)


def test_unequal_budgets_are_taken_where_the_file_says_so(bench):
    assert [arm.num_points for arm in bench({**ARMS, "none": {}}, budget="unequal").compare.arms] == [2, 2, 1]


@pytest.mark.parametrize("extra", [{"claims": [{"name": "a", "that": "b > c"}]}, {"exclude": ["weight_decay = 1"]}])
def test_claims_and_exclusions_have_no_meaning_beside_arms(small, extra):
    with pytest.raises(SpecError, match="no meaning beside compare"):
        load(small(compare={"arms": ARMS}, **extra))


def test_an_arm_cannot_set_what_is_an_axis_of_the_sweep(small):
    with pytest.raises(SpecError, match="sets optimizer.weight_decay, which is an axis"):
        load(small(axes={"optimizer.weight_decay": [1, 2]}, compare={"arms": ARMS}))
