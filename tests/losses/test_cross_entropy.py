"""Is each form of the cross-entropy as exact as it says, and does the plain one collapse as published?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.losses.cross_entropy import CrossEntropy

CLASSES = 113
MARGINS = [-200, -100, -30, -5, -1, -0.1, 0, 0.1, 1, 5, 10, 16, 18, 22, 30, 45, 60, 80]


def examples(folder):
    del folder  # steps of the narrow forms are too coarse for finite differences: test_narrow_cross_entropy.py
    return [*(CrossEntropy(form=form) for form in ("log1p", "plain", "float64")), CrossEntropy(smoothing=0.1)]


def outputs_with_margin(margin: float) -> np.ndarray:
    """[1, class]: the target is class 0, the best other one stands `margin` below it, the rest are scattered."""
    outputs = np.random.default_rng(0).normal(scale=0.3, size=(1, CLASSES)) - margin - 2
    outputs[0, :2] = 0, -margin
    return outputs.astype(np.float32)


def reference(outputs: np.ndarray, target: int) -> tuple[float, np.ndarray]:
    """Value and gradient in float64, from ratios that do not cancel."""
    gap = outputs.astype(np.float64)[0] - float(outputs[0, target])
    others = np.delete(gap, target)
    shift = max(others.max(), 0.0)
    rest = np.exp(others - shift).sum()
    value = np.log1p(rest) if shift == 0 else shift + np.log(np.exp(-shift) + rest)
    share = np.exp(gap - shift) / (np.exp(-shift) + rest)
    share[target] = -np.delete(share, target).sum()
    return value, share


def value_and_gradient(form: str, outputs: np.ndarray) -> tuple[float, np.ndarray]:
    loss = CrossEntropy(form=form)
    compiled = jax.jit(jax.value_and_grad(lambda values: loss.loss(values, jnp.zeros(1, jnp.int32)).sum()))
    value, gradient = compiled(outputs)
    return float(value), np.asarray(gradient)[0]


@pytest.mark.parametrize("margin", MARGINS)
def test_log1p_form_agrees_with_float64_at_every_margin(margin):
    outputs = outputs_with_margin(margin)
    value, gradient = value_and_gradient("log1p", outputs)
    true_value, true_gradient = reference(outputs, 0)
    assert value == pytest.approx(true_value, rel=1e-6)
    # entries below the smallest normal float32 may be flushed to 0
    np.testing.assert_allclose(gradient, true_gradient, rtol=2e-6, atol=1.2e-38)


@pytest.mark.parametrize("margin", [margin for margin in MARGINS if margin <= 22])
def test_float64_form_agrees_with_float64(margin):
    outputs = outputs_with_margin(margin)
    value, gradient = value_and_gradient("float64", outputs)
    true_value, true_gradient = reference(outputs, 0)
    assert value == pytest.approx(true_value, rel=1e-6)
    np.testing.assert_allclose(gradient, true_gradient, rtol=1e-6, atol=1e-38)


@pytest.mark.parametrize("margin", [margin for margin in MARGINS if margin <= 1])
def test_plain_form_agrees_with_float64_while_the_margin_is_small(margin):
    outputs = outputs_with_margin(margin)
    value, gradient = value_and_gradient("plain", outputs)
    true_value, true_gradient = reference(outputs, 0)
    assert value == pytest.approx(true_value, rel=1e-6)
    np.testing.assert_allclose(gradient, true_gradient, rtol=1e-5)


def test_plain_form_collapses_at_margin_30():
    outputs = np.zeros((1, CLASSES), np.float32)
    outputs[0, 0] = 30.0
    value, gradient = value_and_gradient("plain", outputs)
    assert value == 0.0
    assert gradient[0] == 0.0  # the target is no longer pushed up, while the others still shrink:
    np.testing.assert_allclose(gradient[1:], np.exp(-30.0), rtol=1e-5)
    true_value, true_gradient = reference(outputs, 0)
    assert value_and_gradient("log1p", outputs)[0] == pytest.approx(true_value, rel=1e-6)
    assert value_and_gradient("log1p", outputs)[1][0] == pytest.approx(true_gradient[0], rel=1e-6)


def test_plain_form_has_no_slope_in_the_margin_at_30():
    direction = jnp.zeros((1, CLASSES)).at[0, 0].set(1.0)

    def along(form: str) -> float:
        loss = CrossEntropy(form=form)
        return float(jax.grad(lambda margin: loss.loss(margin * direction, jnp.zeros(1, jnp.int32)).sum())(30.0))

    assert along("plain") == 0.0
    assert along("log1p") == pytest.approx(-112 * np.exp(-30.0), rel=1e-5)
    assert along("float64") == pytest.approx(-112 * np.exp(-30.0), rel=1e-3)


def test_float64_form_computes_in_float64_only_inside():
    loss = CrossEntropy(form="float64")
    outputs, targets = jnp.zeros((2, 3, 5)), jnp.zeros((2, 3), jnp.int32)
    slope = jax.jit(jax.vmap(jax.grad(lambda values, targets: loss.loss(values, targets).sum())))
    assert "f64" in slope.lower(outputs, targets).as_text()
    assert slope(outputs, targets).dtype == jnp.float32
    assert jnp.ones(1).dtype == jnp.float32


def test_float64_form_keeps_its_precision_under_every_transformation():
    margins = np.array([[22.0, 20.0], [18.0, 25.0]])
    outputs = jnp.zeros((2, 2, CLASSES)).at[:, :, 0].set(margins)
    targets = jnp.zeros((2, 2), jnp.int32)
    slope = jax.grad(_total)

    def looped(values, targets):
        return jax.lax.fori_loop(0, targets[0] + 1, lambda _, total: total + slope(values, targets), 0 * values)

    ways = {
        "map of jit": jax.jit(lambda *both: jax.lax.map(lambda each: slope(*each), both)),
        "vmap of jit": jax.vmap(jax.jit(slope)),
        "vmap of grad of jit": jax.vmap(jax.grad(jax.jit(_total))),
        "vmap of a loop": jax.jit(jax.vmap(looped)),
    }
    rest = 112 * np.exp(-margins)
    for name, way in ways.items():
        found = way(outputs, targets)[:, :, 0]
        np.testing.assert_allclose(found, -rest / (1 + rest), rtol=1e-5, err_msg=name)  # float64 cancels 5e-6 at 25


def _total(values, targets):
    return CrossEntropy(form="float64").loss(values, targets).sum()


@pytest.mark.parametrize("form", ["log1p", "plain", "float64"])
def test_uniform_outputs_cost_the_logarithm_of_the_number_of_columns(form):
    found = CrossEntropy(form=form).loss(jnp.zeros((4, 115)), jnp.array([0, 1, 50, 112]))
    np.testing.assert_allclose(found, np.full(4, 4.744932), rtol=1e-6)


@pytest.mark.parametrize("form", ["log1p", "plain", "float64"])
def test_sequences_are_averaged_over_their_positions(form):
    loss = CrossEntropy(form=form)
    outputs = jnp.asarray(np.random.default_rng(1).normal(size=(4, 3, 7)), jnp.float32)
    targets = jnp.asarray(np.random.default_rng(2).integers(0, 7, size=(4, 3)))
    apart = np.stack([loss.loss(outputs[:, place], targets[:, place]) for place in range(3)])
    np.testing.assert_allclose(loss.loss(outputs, targets), apart.mean(axis=0), rtol=1e-6)


def test_no_form_needs_a_gather_or_scatter():
    for form in ("log1p", "plain", "float64"):
        loss = CrossEntropy(form=form)
        slope = jax.jit(jax.grad(lambda values, loss=loss: loss.loss(values, jnp.zeros(4, jnp.int32)).sum()))
        text = slope.lower(jnp.zeros((4, 7))).as_text()
        assert "gather" not in text and "scatter" not in text


def test_target_vectors_are_refused():
    with pytest.raises(TypeError, match="whole-number class targets, got float32; use mse"):
        CrossEntropy().loss(jnp.zeros((2, 3)), jnp.zeros((2, 3)))


def test_one_output_row_for_two_targets_is_refused():
    with pytest.raises(ValueError, match=r"outputs \(4, 7\) must have one more axis than targets \(4, 2\)"):
        CrossEntropy().loss(jnp.zeros((4, 7)), jnp.zeros((4, 2), jnp.int32))
