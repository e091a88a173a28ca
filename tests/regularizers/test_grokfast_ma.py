"""Is the slow part the mean of the last gradients, once there are as many as the window?"""

import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.regularizers.grokfast_ma import GrokfastMA


def examples(folder):
    del folder
    return [GrokfastMA(window=2)]


@pytest.mark.parametrize("window", [1, 3, 20, 21])
def test_the_filter_equals_a_loop_in_numpy(recorded, window):
    found = recorded.filtered(GrokfastMA(strength=5.0, window=window))
    for name, gradients in recorded.gradients.items():
        for t, gradient in enumerate(gradients):
            slow = gradients[t + 1 - window : t + 1].mean(axis=0) if t + 1 >= window else 0.0
            np.testing.assert_allclose(found[name][t], gradient + 5.0 * slow, rtol=1e-5, atol=1e-5)


def test_a_constant_gradient_is_multiplied_by_one_plus_strength_once_the_window_is_full():
    transform, gradient = GrokfastMA(strength=5.0, window=4).gradient(), {"w": jnp.array([0.3, -7.0, 0.0])}
    state, factors = transform.init(gradient), []
    for _ in range(10):
        changed, state = transform.update(gradient, state)
        factors.append(float(changed["w"][1] / gradient["w"][1]))
    np.testing.assert_allclose(factors, [1] * 3 + [6] * 7, rtol=1e-6)


def test_a_large_gradient_leaves_nothing_behind_once_it_is_out_of_the_window():
    transform = GrokfastMA(strength=1.0, window=2).gradient()
    state = transform.init({"w": jnp.zeros(1)})
    for size in (1e9, 1e-3, 1e-3):
        changed, state = transform.update({"w": jnp.full(1, size)}, state)
    np.testing.assert_allclose(changed["w"], 2e-3, rtol=1e-6)
