"""Are long gradients shortened to max_norm, over all parameters of a run together?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.regularizers.clip import Clip

GRADIENT = {"kernel": jnp.array([[3.0, 0.0], [0.0, 0.0]]), "bias": jnp.array([4.0])}  # of norm 5


def clipped(max_norm: float) -> dict[str, jax.Array]:
    @jax.jit
    def apply(part):
        transform = part.gradient()
        return transform.update(GRADIENT, transform.init(GRADIENT))[0]

    return apply(Clip(max_norm=max_norm))


@pytest.mark.parametrize("max_norm", [0.1, 1.0, 4.9])
def test_long_gradients_keep_their_direction_and_get_length_max_norm(max_norm):
    for name, value in clipped(max_norm).items():
        np.testing.assert_allclose(value, GRADIENT[name] * max_norm / 5, rtol=1e-6)


def test_short_gradients_pass_unchanged():
    for name, value in clipped(5.1).items():
        np.testing.assert_array_equal(value, GRADIENT[name])


def test_a_gradient_of_zero_stays_zero():
    transform = Clip(max_norm=1.0).gradient()
    still = jax.tree.map(jnp.zeros_like, GRADIENT)
    updates, _ = transform.update(still, transform.init(still))
    assert not np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(updates)]).any()
