"""How large is each of the first updates?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.optimizers.warmup import descend


@pytest.mark.parametrize(
    ("warmup", "factors"),
    [(0.0, [1, 1, 1, 1]), (2.0, [0, 0.5, 1, 1]), (2.5, [0, 0.4, 0.8, 1]), (8.0, [0, 1 / 8, 1 / 4, 3 / 8])],
)
def test_update_t_is_scaled_by_t_over_warmup_up_to_one(warmup, factors):
    @jax.jit
    def scales(learning_rate, warmup):
        transform, found = descend(learning_rate, warmup), []
        state = transform.init(None)
        for _ in range(4):
            updates, state = transform.update({"w": jnp.ones(1)}, state)
            found.append(updates["w"][0])
        return jnp.stack(found)

    np.testing.assert_allclose(scales(0.25, warmup), -0.25 * np.array(factors), rtol=1e-6)


def test_no_warmup_gives_no_nan():
    transform = descend(0.1, jnp.float32(0.0))
    updates, _ = transform.update({"w": jnp.ones(1)}, transform.init(None))
    assert np.isfinite(updates["w"]).all()
