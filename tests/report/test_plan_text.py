"""Does a plan say how many runs, which programs and which scientific choices there will be?"""

import pytest

from grokjax.plan.plan import make_plan
from grokjax.report.plan_text import plan_text, scientific_choices
from grokjax.spec.sweep_file import sweep_from_mapping

QUICK = {
    "name": "quick",
    "task": {"kind": "modular_arithmetic", "modulus": 5},
    "model": {"kind": "mlp", "width": 8},
    "optimizer": {"kind": "adamw", "learning_rate": 0.01},
    "train": {"steps": 50},
    "axes": {"optimizer.weight_decay": {"log": [0.1, 10, 3]}, "task.train_fraction": [0.4, 0.8]},
    "seeds": 2,
}


def planned(**changes):
    return make_plan(sweep_from_mapping({**QUICK, **changes}), devices=2, is_cpu=True)


def flat(plan):
    return " ".join(plan_text(plan, width=400).split())


def test_runs_axes_and_the_one_program_are_named():
    text = flat(planned())
    assert "quick: 12 runs = 6 cells x 2 seeds, 50 steps each" in text
    assert "optimizer.weight_decay 3 values: 0.1, 1, 10" in text
    assert "1 cohort: all runs share one compiled program" in text


def test_axes_that_change_the_program_are_blamed_and_others_are_not():
    text = flat(planned(axes={"model.width": [8, 16], "task.operation": ["x+y", "x-y"]}))
    assert "2 cohorts, one compiled program each: another model.width is another program" in text
    assert "model.width 8; task.operation x+y, x-y" in text and "model.width 16; task.operation x+y, x-y" in text


def test_memory_parameters_looks_and_disk_are_those_of_the_plan():
    plan = planned()
    text = flat(plan)
    num_params = 2 * 5 * 8 + 8 * 5  # one-hot of two operands to width 8, width 8 to 5 classes
    assert f" {num_params} " in text and plan.cohorts[0].size.num_params == num_params
    assert f"looks {plan.num_looks} a run ({plan.num_looks / 50:.3g} per step), {plan.num_rows} with all" in text
    share = plan.num_looks * 25 / (plan.num_looks * 25 + 50 * 3 * 10)  # 25 examples, 10 of them train ones
    assert f"about {100 * share:.2g} % of the work of a run with 10 train examples" in text
    assert "time not timed" in text and "disk" in text


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
    assert choices(axes={"task.train_fraction": [0.4, 0.8]})["decay"] == "none: weight_decay is 0"


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
