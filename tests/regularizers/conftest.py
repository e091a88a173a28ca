"""Twenty gradients at twenty weights, filtered by our regularizers in float32; tests filter them by hand in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

UPDATES = 20


class Gradients:
    """Gradients and weights of a matrix and a bias at each of `UPDATES` updates: name -> [update, ...] float64."""

    def __init__(self):
        random = np.random.default_rng(0)
        shapes = {"matrix": (3, 2), "bias": (2,)}
        self.gradients = {name: random.normal(size=(UPDATES, *shape)) for name, shape in shapes.items()}
        self.weights = {name: random.normal(size=(UPDATES, *shape)) for name, shape in shapes.items()}

    def filtered(self, part) -> dict[str, np.ndarray]:
        """What the regularizer makes of them; its settings are traced and it is built anew at each update."""

        @jax.jit
        def walk(part, gradients, weights):
            def update(state, now):
                changed, state = part.gradient().update(now[0], state, now[1])
                return state, changed

            first = jax.tree.map(lambda leaf: leaf[0], weights)
            return jax.lax.scan(update, part.gradient().init(first), (gradients, weights))[1]

        narrow = (
            {name: jnp.asarray(value, jnp.float32) for name, value in tree.items()}
            for tree in (self.gradients, self.weights)
        )
        return {name: np.asarray(value) for name, value in walk(part, *narrow).items()}


@pytest.fixture(scope="session")
def recorded() -> Gradients:
    return Gradients()
