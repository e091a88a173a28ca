"""Is Muon the update of its authors for matrices between hidden layers, and the other optimizer for the rest?"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
import pytest

from grokjax.optimizers.adamw import AdamW
from grokjax.optimizers.grouped import Grouped
from grokjax.optimizers.muon import Muon
from grokjax.optimizers.sgd import SGD
from grokjax.orders.order import grid_orders
from grokjax.plan.plan import make_plan
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load
from grokjax.report.choices import scientific_choices
from tests.optimizers.test_orthogonal import polynomial


def examples(folder):
    del folder
    return [Muon(), Muon(nesterov=False, momentum=0.8, rest=SGD(learning_rate=0.02))]


def orthogonal(matrix: np.ndarray) -> np.ndarray:
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    return left * polynomial(values / (np.linalg.norm(values) + 1e-7)) @ right


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("warmup", [0.0, 7.0])
def test_muon_equals_a_loop_in_numpy(problem, adam_direction, check_close, nesterov, warmup):
    def update(name, t, weights, gradient, memory):
        if name == "bias":
            return weights - 0.03 * (adam_direction(t, gradient, memory, 0.8, 0.95, 1e-3) + 0.5 * weights)
        rate = 0.02 * (min(t / warmup, 1) if warmup else 1)
        memory["v"] = 0.9 * memory.get("v", 0.0) + gradient
        direction = orthogonal(gradient + 0.9 * memory["v"] if nesterov else memory["v"])
        return weights - rate * (direction + 0.7 * weights)  # 3 x 2: fewer outputs than inputs, so the factor is 1

    rest = AdamW(learning_rate=0.03, weight_decay=0.5, b1=0.8, b2=0.95, eps=1e-3)
    ours = Muon(learning_rate=0.02, weight_decay=0.7, momentum=0.9, nesterov=nesterov, warmup=warmup, rest=rest)
    check_close(problem.ours(ours), problem.by_hand(update))


def test_muon_without_nesterov_equals_the_one_of_optax(problem, check_close):
    """With it, optax corrects the bias of velocity and gradient apart; the authors do not."""
    plain = optax.contrib.muon(0.02, beta=0.9, nesterov=False, weight_decay=0.7, adam_learning_rate=0.03)
    params = {name: jnp.asarray(value, jnp.float32) for name, value in problem.start.items()}
    state = plain.init(params)
    for t in range(30):
        gradient = {name: params[name] - problem.target[name] + problem.waves[name][t] for name in params}
        updates, state = plain.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
    ours = Muon(
        learning_rate=0.02, weight_decay=0.7, momentum=0.9, nesterov=False, rest=AdamW(learning_rate=0.03, b2=0.999)
    )  # fmt: skip
    check_close(problem.ours(ours), params)


@pytest.mark.parametrize(("shape", "factor"), [((4, 4), 1.0), ((16, 4), 1.0), ((4, 16), 2.0)])
def test_an_update_has_the_size_of_the_rate_times_root_of_outputs_over_inputs(shape, factor):
    params = {"hidden/kernel": jnp.zeros(shape)}
    gradient = {"hidden/kernel": jnp.asarray(np.random.default_rng(0).normal(size=shape), jnp.float32)}
    transform = Muon(learning_rate=0.1).transform()
    updates, _ = transform.update(gradient, transform.init(params), params)
    sizes = np.linalg.svd(updates["hidden/kernel"], compute_uv=False)
    assert np.all((sizes / (0.1 * factor) > 0.68) & (sizes / (0.1 * factor) < 1.21))


def test_embeddings_outputs_biases_and_convolutions_follow_the_rest():
    params = {
        "embed": {"embedding": jnp.ones((5, 3))},
        "positions": {"embedding": jnp.ones((2, 3))},
        "layer_0": {"attention": {"output": {"kernel": jnp.ones((3, 3))}}, "conv": {"kernel": jnp.ones((2, 2, 3, 3))}},
        "output": {"kernel": jnp.ones((3, 5)), "bias": jnp.ones(5)},
    }
    labels = Muon().labels(params)
    assert labels.pop("layer_0") == {"attention": {"output": {"kernel": "matched"}}, "conv": {"kernel": "rest"}}
    assert set(jax.tree.leaves(labels)) == {"rest"}
    assert set(jax.tree.leaves(Muon(excluded=()).labels(params)["embed"])) == {"matched"}


def test_the_rest_may_be_grouped_as_with_a_rate_of_its_own_for_the_output():
    outputs = Grouped(pattern="output/*", matched=SGD(learning_rate=1.0), rest=SGD(learning_rate=0.5))
    params = {name: {"kernel": jnp.ones((2, 2))} for name in ("embed", "hidden_0", "output")}
    transform = Muon(rest=outputs).transform()
    updates, _ = jax.jit(transform.update)(params, transform.init(params), params)
    np.testing.assert_allclose(updates["output"]["kernel"], -1.0)
    np.testing.assert_allclose(updates["embed"]["kernel"], -0.5)
    assert np.abs(updates["hidden_0"]["kernel"]).max() < 0.03


WORDS = {
    "name": "muon",
    "task": {"kind": "modular_arithmetic", "modulus": 7},
    "model": {"kind": "mlp", "width": 9, "depth": 2, "bias": True},
    "optimizer": {"kind": "muon", "rest": {"kind": "adamw", "weight_decay": 1, "decay_mask": "matrices"}},
    "train": {"steps": 10},
}


def test_the_plan_counts_and_says_what_decays():
    sweep = load(WORDS)
    plan = make_plan(sweep, grid_orders(sweep), devices=1, is_cpu=True)
    size = plan.cohorts[0].size
    assert (size.num_params, size.num_decayed) == (14 * 9 + 9 * 9 + 9 * 7 + 9 + 9 + 7, 14 * 9 + 9 * 9 + 9 * 7)
    told = dict(scientific_choices(plan))["decay"]
    assert told.startswith("matrices between hidden layers: muon: none, weight_decay is 0; others: acts on")


def test_the_plan_says_of_matrices_that_decay_and_of_the_rest_in_one_sentence_each():
    groups = {"kind": "grouped", "pattern": "output*", "matched": {"kind": "adamw", "weight_decay": 1}}
    optimizer = {"kind": "muon", "weight_decay": 0.1, "rest": {**groups, "rest": {"kind": "adamw", "weight_decay": 1}}}
    sweep = load({**WORDS, "optimizer": optimizer})
    told = dict(scientific_choices(make_plan(sweep, grid_orders(sweep), devices=1, is_cpu=True)))["decay"]
    assert told.count("; others: ") == 2 and ".;" not in told


def test_a_network_without_such_a_matrix_is_refused():
    words = {**WORDS, "model": {"kind": "mlp", "width": 9}}
    words["optimizer"] = {"kind": "muon", "excluded": ["hidden*", "output/*"]}
    with pytest.raises(SpecError, match=r"optimizer.excluded: .* leave no matrix of: hidden_0/kernel, output/kernel"):
        load(words)


def test_rates_of_both_are_axes_of_one_program():
    words = {**WORDS, "axes": {"optimizer.learning_rate": [0.01, 0.02], "optimizer.rest.learning_rate": [1e-3, 1e-2]}}
    sweep = load(words)
    plan = make_plan(sweep, grid_orders(sweep), devices=1, is_cpu=True)
    assert len(plan.cohorts) == 1 and plan.sweep.num_runs == 4
