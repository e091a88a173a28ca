"""Are activations and dropout what their formulas say?"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.streams import stream, substreams
from grokjax.models.hidden_units import ACTIVATIONS, dropout


def keys_of(examples: int, seed: int = 0) -> jax.Array:
    return substreams(stream(seed, "dropout"), jnp.arange(examples))


FORMULAS = {
    "relu": lambda x: max(x, 0.0),
    "gelu": lambda x: 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "gelu_exact": lambda x: 0.5 * x * (1 + math.erf(x / math.sqrt(2))),
    "silu": lambda x: x / (1 + math.exp(-x)),
    "tanh": math.tanh,
    "square": lambda x: x * x,
}


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_activation_equals_its_formula(name):
    values = np.linspace(-4, 4, 41, dtype=np.float32)
    expected = [FORMULAS[name](float(value)) for value in values]
    np.testing.assert_allclose(ACTIVATIONS[name](values), expected, rtol=1e-5, atol=1e-6)


def test_nothing_is_dropped_without_a_key_or_a_rate():
    values = jnp.arange(6.0)
    assert dropout(values, 0.9, None) is values
    assert dropout(values, None, keys_of(6)) is values


def test_traced_rate_zero_keeps_every_bit():
    values = jax.random.normal(stream(1, "init"), (40, 50))
    np.testing.assert_array_equal(jax.jit(dropout)(values, jnp.float32(0.0), keys_of(40)), values)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_share_and_scale_of_what_is_kept(rate):
    count = 100_000
    dropped = np.asarray(jax.jit(dropout)(jnp.ones((100, 1000)), rate, keys_of(100)))
    kept = dropped != 0
    assert abs(kept.mean() - (1 - rate)) < 5 * math.sqrt(rate * (1 - rate) / count)
    np.testing.assert_allclose(dropped[kept], 1 / (1 - rate), rtol=1e-5)
    assert abs(dropped.mean() - 1) < 5 * math.sqrt(rate / (1 - rate) / count)


def test_keys_and_places_draw_different_masks_and_repeat_their_own():
    ones = jnp.ones((10, 100))
    masks = [dropout(ones, 0.5, keys_of(10, seed), place) for seed in (0, 1) for place in (0, 1)]
    for index, mask in enumerate(masks):
        for other in masks[index + 1 :]:
            assert 400 < np.sum(np.asarray(mask) != np.asarray(other)) < 600
    np.testing.assert_array_equal(masks[1], dropout(ones, 0.5, keys_of(10), 1))


def test_the_mask_of_an_example_does_not_depend_on_the_block_it_is_in():
    ones, keys = jnp.ones((12, 30)), keys_of(12)
    whole = dropout(ones, 0.4, keys)
    np.testing.assert_array_equal(dropout(ones[5:9], 0.4, keys[5:9]), whole[5:9])


def test_rates_and_keys_can_be_mapped():
    rates = jnp.array([0.0, 0.3, 0.8])
    keys = jnp.stack([keys_of(7, seed) for seed in range(3)])
    ones = jnp.ones((7, 11))
    mapped = jax.jit(jax.vmap(lambda rate, key: dropout(ones, rate, key)))(rates, keys)
    for index in range(3):
        np.testing.assert_allclose(mapped[index], dropout(ones, rates[index], keys[index]), rtol=1e-6)


def test_gradient_passes_through_kept_values_only():
    gradient = jax.grad(lambda values: dropout(values, 0.75, keys_of(20)).sum())(jnp.ones((20, 10)))
    np.testing.assert_array_equal(gradient, dropout(jnp.ones((20, 10)), 0.75, keys_of(20)))
