"""Is the slow part the exponential mean of the gradients, which starts as the first of them?"""

import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.regularizers.grokfast_ema import GrokfastEMA


@pytest.mark.parametrize(("strength", "memory"), [(2.0, 0.98), (5.0, 0.8), (0.1, 0.0)])
def test_the_filter_equals_a_loop_in_numpy(recorded, strength, memory):
    found = recorded.filtered(GrokfastEMA(strength=strength, memory=memory))
    for name, gradients in recorded.gradients.items():
        mean = gradients[0]
        for t, gradient in enumerate(gradients):
            mean = memory * mean + (1 - memory) * gradient
            np.testing.assert_allclose(found[name][t], gradient + strength * mean, rtol=1e-5, atol=1e-6)


def test_a_constant_gradient_is_multiplied_by_one_plus_strength_from_the_first_update_on():
    transform, gradient = GrokfastEMA(strength=2.0, memory=0.98).gradient(), {"w": jnp.array([0.3, -7.0, 0.0])}
    state = transform.init(gradient)
    for _ in range(500):
        changed, state = transform.update(gradient, state)
        np.testing.assert_allclose(changed["w"], 3 * gradient["w"], rtol=1e-5)


def test_strength_zero_changes_no_bit(recorded):
    for name, found in recorded.filtered(GrokfastEMA(strength=0.0)).items():
        np.testing.assert_array_equal(found, recorded.gradients[name].astype(np.float32))
