"""Do the 16-bit forms of the cross-entropy round as 16-bit numbers do, and collapse where that makes them?"""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from grokjax.losses.cross_entropy import CrossEntropy

FORMATS = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16}


def value_and_gradient(form: str, outputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    @jax.jit
    def both(values):
        losses, pull_back = jax.vjp(lambda values: CrossEntropy(form=form).loss(values, jnp.asarray(targets)), values)
        return losses, pull_back(jnp.ones_like(losses))[0]

    return tuple(map(np.asarray, both(jnp.asarray(outputs, jnp.float32))))


def by_hand(form: str, outputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """In NumPy numbers of the format, which are rounded after each operation."""
    number = FORMATS[form]
    narrow = outputs.astype(number)
    shifted = narrow - narrow.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    total = powers.astype(np.float32).sum(axis=1).astype(number)
    hot = np.eye(outputs.shape[1])[targets].astype(number)
    losses = np.log(total) - np.take_along_axis(shifted, targets[:, None], axis=1)[:, 0]
    return losses.astype(np.float32), (powers / total[:, None] - hot).astype(np.float32)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("size", [0.3, 3, 12, 300])
def test_values_and_gradients_are_those_of_numbers_of_that_format(form, size):
    random = np.random.default_rng(0)
    outputs = (size * random.normal(size=(400, 7))).astype(np.float32)
    targets = random.integers(0, 7, size=400)
    losses, gradient = value_and_gradient(form, outputs, targets)
    expected, slope = by_hand(form, outputs, targets)
    # exp and log of two libraries may fall on either side of a tie
    spacing = float(ml_dtypes.finfo(FORMATS[form]).eps)
    assert np.mean(losses != expected) < 0.02 and np.mean(gradient != slope) < 0.02
    np.testing.assert_allclose(losses, expected, rtol=2 * spacing, atol=2 * spacing)
    np.testing.assert_allclose(gradient, slope, rtol=2 * spacing, atol=2 * spacing)


@pytest.mark.parametrize(("form", "margin"), [("bfloat16", 5.6), ("float16", 7.7), ("plain", 16.7), ("float64", 36.8)])
def test_an_example_collapses_from_that_margin_on(form, margin):
    outputs = np.array([[margin - 0.2, 0], [margin, 0]], np.float32)
    losses, gradient = value_and_gradient(form, outputs, np.zeros(2, np.int32))
    assert losses[0] > 0 > gradient[0, 0]
    assert losses[1] == 0 and gradient[1, 0] == 0
    assert gradient[1, 1] > 0  # the other output still shrinks: it is the target that is no longer pushed


@pytest.mark.parametrize("form", FORMATS)
def test_numbers_beyond_the_format_make_a_run_diverge_instead_of_being_cut(form):
    losses, _ = value_and_gradient(form, np.array([[7e4, 0], [7e4, 0]], np.float32), np.array([0, 1]))
    assert np.isfinite(losses).all() == (form == "bfloat16")


def test_all_precisions_agree_where_nothing_is_fitted():
    outputs, targets = np.random.default_rng(1).normal(size=(50, 7)).astype(np.float32), np.arange(50) % 7
    exact, slope = value_and_gradient("log1p", outputs, targets)
    for form, number in FORMATS.items():
        losses, gradient = value_and_gradient(form, outputs, targets)
        spacing = float(ml_dtypes.finfo(number).eps)
        np.testing.assert_allclose(losses, exact, atol=4 * spacing)
        np.testing.assert_allclose(gradient, slope, atol=4 * spacing)
