"""Does a plan say which scientific choices its runs will be trained under, also where whole parts are axes?"""

import pytest

from grokjax.report.choices import scientific_choices
from tests.report.test_plan_text import planned


def choices(**changes):
    return dict(scientific_choices(planned(**changes)))


def test_every_scientific_choice_is_said():
    said = choices()
    assert "99 %" in said["phase rule"] and "log1p" in said["losses"]
    assert said["stopping"].startswith("off: every run is trained to step 50")
    for word in ("b1 0.9", "b2 0.98", "eps 1e-8", "warmup 0", "weight_decay an axis", "learning_rate 0.01"):
        assert word in said["optimizer"]
    assert "initializer" in said["model"] and said["minibatch"] == "full train set at every step"
    assert said["precision"] == "parameters float32, matrix products highest (no TF32)"
    assert said["seeds"] == "0, 1; streams split, init, order, noise"


@pytest.mark.parametrize(
    ("kind", "word"),
    [("adamw", "learning rate and warm-up scale it"), ("adam_independent_decay", "neither learning rate nor warm-up"),
     ("adam_l2", "learning rate and warm-up scale the update as a whole, decay included"),
     ("sgd", "Learning rate and warm-up scale the update as a whole, decay included")],
)  # fmt: skip
def test_what_scales_the_decay_is_said_of_every_optimizer(kind, word):
    assert word in choices(optimizer={"kind": kind})["decay"]


def test_decay_says_on_how_many_parameters_it_acts():
    assert choices()["decay"].startswith("acts on 120 of 120 parameters.")
    biased = {"kind": "mlp", "width": 8, "bias": True}
    masked = choices(optimizer={"kind": "adamw", "decay_mask": "matrices"}, model=biased)
    assert masked["decay"].startswith("acts on 120 of 133 parameters.")  # 8 + 5 biases
    assert choices(axes={"task.train_fraction": [0.4, 0.8]})["decay"] == "adamw: none, weight_decay is 0"


def test_a_stop_rule_is_spelt_out():
    said = choices(stop={"after_grok": {"steps": 300, "ratio": 0.5}, "audit": 0.05})["stopping"]
    assert said.startswith("on:") and "300 steps, 0.5 x" in said and "5 % of the runs" in said


def test_minibatches_fixed_seeds_and_regularizers_are_said():
    said = choices(
        train={"steps": 50, "minibatch": {"at_most": 8, "share": 0.5}},
        seeds={"count": 2, "streams": {"split": 7}},
        regularizers=[{"kind": "l2", "strength": 0.1}],
    )
    assert said["minibatch"].startswith("at most 8 examples and 50 % of the train set")
    assert said["seeds"].endswith("split held at 7") and "strength 0.1" in said["regularizer"]


def lines(topic, **changes):
    return [text for name, text in scientific_choices(planned(**changes)) if name == topic]


PARTS = {
    "optimizer": [{"kind": "sgd", "learning_rate": 0.1}, {"kind": "adamw", "weight_decay": 3}],
    "loss": ["mse", "cross_entropy"],
    "task.train_fraction": [0.4, 0.8],
}


def test_each_part_that_runs_hold_has_its_line_and_the_base_run_has_none():
    base = {"kind": "adam_l2", "learning_rate": 0.01}
    first, second = lines("optimizer", optimizer=base, axes=PARTS)
    assert first.startswith("sgd: learning_rate 0.1") and "weight_decay 3" in second and second.startswith("adamw:")
    assert [text.split(";")[0].split(":")[0] for text in lines("losses", axes=PARTS)] == [
        "trained with mse",
        "trained with cross_entropy",
    ]
    decays = lines("decay", optimizer=base, axes=PARTS)
    assert decays[0] == "sgd: none, weight_decay is 0" and decays[1].startswith("acts on 120 of 120 parameters. adamw:")
    (task,) = lines("task", axes=PARTS)
    assert "train_fraction an axis from 0.4 to 0.8" in task and "modulus 5" in task


def test_settings_of_a_part_that_is_an_axis_are_those_of_its_own_cells():
    axes = {"optimizer": [{"kind": "sgd"}, {"kind": "adamw"}], "optimizer.weight_decay": [0.1, 1, 10, 100]}
    first, second = lines("optimizer", axes=axes, exclude=["optimizer = adamw and optimizer.weight_decay > 5"])
    assert "weight_decay an axis from 0.1 to 100" in first and "weight_decay an axis from 0.1 to 1," in second


def test_what_moves_together_with_a_part_is_told_with_it():
    tied = {"zip": {"optimizer": PARTS["optimizer"], "loss.form": ["plain", "log1p"]}}
    assert [text.split(";")[0] for text in lines("losses", axes=tied)] == [
        "trained with cross_entropy: form plain, smoothing none",
        "trained with cross_entropy: form log1p, smoothing none",
    ]


def test_minibatches_precisions_and_schedules_that_are_axes_are_told_apart():
    assert lines("minibatch", axes={"train.minibatch": ["full", 8]}) == [
        "full train set at every step",
        "at most 8 examples and 100 % of the train set; a new permutation every epoch",
    ]
    assert [text.split(",")[0] for text in lines("precision", axes={"precision.params": ["float32", "float64"]})] == [
        "parameters float32",
        "parameters float64",
    ]
    ramp = {"kind": "adamw", "learning_rate": {"linear": {"start": 0.1, "end": 0.01, "finish": 50}}}
    (optimizer,) = lines("optimizer", optimizer=ramp, axes={"optimizer.learning_rate.start": [0.1, 0.2]})
    assert "start an axis from 0.1 to 0.2" in optimizer


@pytest.mark.parametrize(
    ("platform", "end"),
    [
        ("cpu", "emulated on a cpu, so no faster than highest"),
        ("gpu", "by the device"),
        ("tpu", "by the device"),
    ],
)
def test_rounded_products_are_told_and_whether_they_are_emulated(platform, end):
    said = dict(scientific_choices(planned(platform=platform, precision={"matmul": "bf16"})))["precision"]
    rounded = "matrix products of inputs rounded to bf16, summed in float32"
    assert said == f"parameters float32, {rounded}; {end}"


def test_many_different_parts_are_cut_short():
    axes = {"model": [{"kind": "mlp", "width": width} for width in range(1, 13)]}
    assert len(found := lines("model", axes=axes)) == 9 and found[-1] == "and 4 more"


def test_claims_that_too_few_seeds_decide_are_said():
    claims = [{"name": "a", "that": "probability(grokking) > 0.5"}]
    assert lines("claims", claims=claims)[0].endswith("2 seeds decide none of them")
    assert "decide none" not in lines("claims", claims=claims, seeds=6)[0] and lines("claims") == []


def test_where_runs_start_is_said_of_sweeps_that_start_from_stored_runs_alone():
    assert lines("start") == []
    init = {"from": "results/base#0123456789abcdef", "step": 0, "prune": {"keep": 0.4, "at": 30}}
    shown = '{from: "base#0123456789abcdef", step: 0, prune: {keep: 0.4, at: 30, form: ticket}}'
    assert lines("start", axes={"init": [None, init]}) == ["drawn", shown]
