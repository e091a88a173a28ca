"""Is a smoothed cross-entropy that of the smoothed target, in every form, and absent where it is not asked for?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.losses.cross_entropy import CrossEntropy
from grokjax.orders.identity import run_id
from grokjax.orders.order import grid_orders
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load
from grokjax.train.equal_runs import check_equal_runs

OUTPUTS = np.random.default_rng(0).normal(scale=3, size=(6, 5))
TARGETS = np.array([0, 4, 2, 2, 1, 3])
SWEEP = {
    "name": "smoothing",
    "task": {"kind": "modular_arithmetic", "modulus": 7},
    "model": {"kind": "mlp", "width": 8},
    "optimizer": "adamw",
    "train": {"steps": 10},
}


@pytest.mark.parametrize("form", ["log1p", "plain", "float64"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
def test_loss_is_minus_the_smoothed_target_times_the_log_of_softmax(form, smoothing):
    log_share = OUTPUTS - np.log(np.exp(OUTPUTS).sum(axis=1, keepdims=True))
    target = (1 - smoothing) * np.eye(5)[TARGETS] + smoothing / 5
    loss = CrossEntropy(form=form, smoothing=smoothing)
    outputs = jnp.asarray(OUTPUTS, jnp.float32)
    np.testing.assert_allclose(loss.loss(outputs, jnp.asarray(TARGETS)), -(target * log_share).sum(axis=1), rtol=1e-5)
    slope = jax.jit(jax.grad(lambda values: loss.loss(values, jnp.asarray(TARGETS)).sum()))(outputs)
    np.testing.assert_allclose(slope, np.exp(log_share) - target, atol=1e-6)


def test_the_best_margin_is_finite_and_that_of_the_smoothed_target():
    loss = CrossEntropy(smoothing=0.2)

    def slope(margin):
        outputs = margin * jnp.eye(1, 5)
        return float(jax.grad(lambda values: loss.loss(values, jnp.zeros(1, jnp.int32)).sum())(outputs)[0, 0])

    best = np.log((0.8 + 0.04) / 0.04)
    assert slope(best - 0.1) < 0 < slope(best + 0.1) and abs(slope(best)) < 1e-6


def test_sequences_are_smoothed_at_each_position():
    outputs = jnp.asarray(np.random.default_rng(1).normal(size=(4, 3, 7)), jnp.float32)
    targets = jnp.asarray(np.random.default_rng(2).integers(0, 7, size=(4, 3)))
    loss = CrossEntropy(smoothing=0.3)
    apart = np.stack([loss.loss(outputs[:, place], targets[:, place]) for place in range(3)])
    np.testing.assert_allclose(loss.loss(outputs, targets), apart.mean(axis=0), rtol=1e-6)


def test_smoothing_is_swept_in_one_program_and_changes_no_old_run():
    sweep = load(SWEEP | {"axes": {"loss.smoothing": [None, 0.1, 0.2]}}, check=check_equal_runs)
    plain, first, second = (grid_orders(sweep)[index].run for index in range(3))
    assert run_id(plain) == grid_orders(load(SWEEP))[0].run_id
    assert jax.tree.structure(first) == jax.tree.structure(second) != jax.tree.structure(plain)


def test_no_smoothing_and_smoothing_of_zero_are_one_run_and_refused_as_two():
    with pytest.raises(SpecError, match=r"axes\.loss\.smoothing: changes nothing"):
        load(SWEEP | {"axes": {"loss.smoothing": [None, 0]}}, check=check_equal_runs)
