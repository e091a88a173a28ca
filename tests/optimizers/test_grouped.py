"""Does each group of parameters move as its own optimizer says, as if it were alone?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.streams import stream
from grokjax.optimizers.adamw import AdamW
from grokjax.optimizers.grouped import Grouped
from grokjax.optimizers.sgd import SGD
from grokjax.orders.order import grid_orders
from grokjax.plan.plan import make_plan
from grokjax.reader.build import build_part
from grokjax.reader.sweep_file import load
from grokjax.report.choices import scientific_choices

WORDS = {
    "name": "liu",
    "task": {"kind": "modular_arithmetic", "modulus": 7},
    "model": {"kind": "mlp", "preset": "liu2022", "width": 8},
    "optimizer": {
        "kind": "grouped",
        "matched": {"kind": "adamw", "learning_rate": 1e-3},
        "rest": {"kind": "adamw", "learning_rate": 1e-2, "weight_decay": 3},
    },
    "train": {"steps": 20},
    "axes": {"optimizer.rest.weight_decay": [0, 1, 5], "optimizer.rest.learning_rate": [1e-4, 1e-2]},
}


def examples(folder) -> list[Grouped]:
    return [
        Grouped(pattern="*bias", matched=SGD(learning_rate=0.02), rest=AdamW(learning_rate=0.02, warmup=10.0)),
        Grouped(pattern="*bias", matched=SGD(learning_rate=0.01), rest=SGD(learning_rate=0.02, momentum=0.5)),
    ]


def test_a_group_equals_numpy_whatever_the_other_does(problem, adam_direction, check_close):
    def update(name, t, weights, gradient, memory):
        if name == "bias":
            return weights - 0.1 * gradient
        return weights - 0.05 * (adam_direction(t, gradient, memory, 0.9, 0.98, 1e-8) + 0.7 * weights)

    ours = Grouped(pattern="b*", matched=SGD(learning_rate=0.1), rest=AdamW(learning_rate=0.05, weight_decay=0.7))
    check_close(problem.ours(ours), problem.by_hand(update))


def test_groups_within_a_group_make_three_rates():
    params = {name: {"kernel": jnp.ones((2, 2))} for name in ("embed", "hidden", "output")}
    inner = Grouped(pattern="output*", matched=SGD(learning_rate=0.3), rest=SGD(learning_rate=0.2))
    transform = Grouped(pattern="embed*", matched=SGD(learning_rate=0.1), rest=inner).transform()
    updates, _ = transform.update(params, transform.init(params), params)
    for name, rate in (("embed", 0.1), ("hidden", 0.2), ("output", 0.3)):
        np.testing.assert_allclose(updates[name]["kernel"], -rate, rtol=1e-6)


@pytest.mark.parametrize("pattern", ["embd*", "*"])
def test_a_pattern_that_makes_no_two_groups_is_refused_with_the_names_there_are(pattern):
    words = WORDS | {"optimizer": WORDS["optimizer"] | {"pattern": pattern}}
    with pytest.raises(ValueError, match=r"optimizer.pattern: .* must match some parameters and not all of: embed/emb"):
        load(words)


def test_settings_of_a_group_are_swept_in_one_program_and_written_back():
    sweep = load(WORDS)
    runs = [order.run for order in grid_orders(sweep)]
    assert len({jax.tree.structure(run) for run in runs}) == 1
    assert {run.optimizer.rest.weight_decay for run in runs} == {0.0, 1.0, 5.0}
    assert {run.optimizer.matched.learning_rate for run in runs} == {1e-3}
    assert build_part("optimizers", WORDS["optimizer"], "optimizer") == load(WORDS).base.optimizer
    assert load(sweep.to_mapping()).base == sweep.base


def test_a_run_with_groups_trains_and_moves_the_embedding_by_its_own_rate_only():
    moved = []
    for rate in (1e-3, 2e-3):
        optimizer = WORDS["optimizer"] | {"matched": {"kind": "adamw", "learning_rate": rate}}
        run = load(WORDS | {"axes": {}, "optimizer": optimizer}).base
        before = run.model.init(stream(0, "init"), run.task.signature())
        after = run.train(steps=1).final
        moved.append(jax.tree.map(lambda new, old: np.asarray(new) - np.asarray(old), after, before))
    first, second = moved
    np.testing.assert_allclose(second["embed"]["embedding"], 2 * first["embed"]["embedding"], rtol=1e-3)
    np.testing.assert_allclose(second["output"]["kernel"], first["output"]["kernel"], rtol=1e-6)
    assert np.abs(first["embed"]["embedding"]).max() == pytest.approx(1e-3, rel=0.01)  # the first update of Adam


def test_the_plan_says_of_each_group_what_decays():
    sweep = load(WORDS)
    plan = make_plan(sweep, grid_orders(sweep), devices=1, is_cpu=True)
    assert dict(scientific_choices(plan))["decay"].startswith(
        "embed*: adamw: none, weight_decay is 0; others: acts on "
    )
    assert dict(scientific_choices(plan))["decay"].count("adamw:") == 2
    size = plan.cohorts[0].size
    assert size.num_decayed == size.num_params == 7 + 16 + 72 + 63
