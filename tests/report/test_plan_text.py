"""Does a plan say how many runs, which programs there will be and what they cost?"""

import dataclasses

from grokjax.orders.order import grid_orders
from grokjax.plan.plan import make_plan
from grokjax.reader.sweep_file import sweep_from_mapping
from grokjax.report.plan_text import plan_text

QUICK = {
    "name": "quick",
    "task": {"kind": "modular_arithmetic", "modulus": 5},
    "model": {"kind": "mlp", "width": 8},
    "optimizer": {"kind": "adamw", "learning_rate": 0.01},
    "train": {"steps": 50},
    "axes": {"optimizer.weight_decay": {"log": [0.1, 10, 3]}, "task.train_fraction": [0.4, 0.8]},
    "seeds": 2,
}


def planned(platform="cpu", **changes):
    sweep = sweep_from_mapping({**QUICK, **changes})
    return make_plan(sweep, grid_orders(sweep), devices=2, is_cpu=True, platform=platform)


def flat(plan):
    return " ".join(plan_text(plan, width=400).split())


def test_runs_axes_and_the_one_program_are_named():
    text = flat(planned())
    assert "quick: 12 runs = 6 cells x 2 seeds, 50 steps each" in text
    assert "optimizer.weight_decay 3 values: 0.1, 1, 10" in text
    assert "1 cohort: all runs share one compiled program" in text


def test_the_form_of_the_network_is_told_and_where_it_is_not_the_one_asked_for():
    assert "form mlp tables; forms agree" in flat(planned())
    parity = planned(task={"kind": "sparse_parity"}, axes={"optimizer.weight_decay": [0.1, 1.0]})
    assert "form mlp plain, since mlp has no tables on the inputs of sparse_parity; forms agree" in flat(parity)
    twice = planned(
        task={"kind": "modular_arithmetic", "modulus": 5, "sequence": "end x op y = z end"},
        model={"kind": "transformer", "width": 8, "heads": 2},
    )
    assert "form transformer plain, since transformer has no tables for several answers" in flat(twice)


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


def test_the_cost_of_each_measure_is_told_as_a_share_of_a_run_and_the_dearest_first():
    plan = planned(axes={"model.width": [8, 16]})
    timed = [
        dataclasses.replace(one, run_seconds=2.0, cpu_share=0.5, measure_seconds={"cheap": 1e-5, "dear": seconds})
        for one, seconds in zip(plan.cohorts, (1e-3, 4e-3), strict=True)
    ]
    shares = [f"{100 * plan.num_rows * seconds / 2:.3g}" for seconds in (1e-3, 4e-3, 1e-5)]
    said = f"dear {shares[0]} to {shares[1]} % (1 to 4 ms each), cheap {shares[2]} % (0.01 ms each)"
    assert f"measures of the time of a run, at {plan.num_rows} steps: {said}" in flat(
        dataclasses.replace(plan, cohorts=timed)
    )
    assert "measures of the time" not in flat(plan)


def test_the_time_of_training_is_told_apart_from_compiling_and_from_other_work():
    plan = planned(axes={"model.width": [8, 16]})
    timed = [dataclasses.replace(one, seconds=60.0, compile_seconds=15.0, cpu_share=0.9) for one in plan.cohorts]
    quiet = dataclasses.replace(plan, cohorts=timed)
    told = "time 0:02:00 if every run goes to its last step, after 0:00:30 of compiling, as it took now"
    assert told in flat(quiet) and "busy" not in flat(quiet)
    busy = dataclasses.replace(plan, cohorts=[timed[0], dataclasses.replace(timed[1], cpu_share=0.25)])
    other = "the machine is busy: other work takes 75 % of the cores, about 0:08:00 beside it"
    assert f"{told}; {other}" in flat(busy)
    assert busy.to_json()["compile_seconds"] == 30 and busy.to_json()["forecast_seconds"] == 120
