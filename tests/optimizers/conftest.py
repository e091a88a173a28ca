"""A noisy quadratic, trained by our optimizers in float32 and by hand-written loops in float64."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

Weights = dict[str, np.ndarray]
STEPS = 30


class Problem:
    """Gradients w - target + a wave of the step, for a matrix and a bias; both sides see the same ones."""

    def __init__(self):
        random = np.random.default_rng(0)
        self.start = {"matrix": random.normal(size=(3, 2)), "bias": random.normal(size=2)}
        self.target = {"matrix": random.normal(size=(3, 2)), "bias": random.normal(size=2)}
        self.waves = {name: random.normal(size=(STEPS, *value.shape)) for name, value in self.start.items()}

    def ours(self, optimizer) -> Weights:
        """Weights after STEPS updates; every swept setting is traced and the transformation is rebuilt each update."""
        narrow = {name: jnp.asarray(value, jnp.float32) for name, value in self.start.items()}

        @jax.jit
        def train(optimizer, params):
            def update(carry, wave):
                params, state = carry
                gradient = {name: params[name] - self.target[name].astype(np.float32) + wave[name] for name in params}
                updates, state = optimizer.transform().update(gradient, state, params)
                return (optax.apply_updates(params, updates), state), None

            waves = {name: wave.astype(np.float32) for name, wave in self.waves.items()}
            return jax.lax.scan(update, (params, optimizer.transform().init(params)), waves)[0][0]

        return {name: np.asarray(value) for name, value in train(optimizer, narrow).items()}

    def by_hand(self, update: Callable[[str, int, np.ndarray, np.ndarray, dict], np.ndarray]) -> Weights:
        """Weights after STEPS of `update(name, t, weights, gradient, memory) -> weights`, in float64."""
        weights = {name: value.copy() for name, value in self.start.items()}
        memory = {name: {} for name in weights}
        for t in range(STEPS):
            for name, value in weights.items():
                gradient = value - self.target[name] + self.waves[name][t]
                weights[name] = update(name, t, value, gradient, memory[name])
        return weights


@pytest.fixture(scope="session")
def problem() -> Problem:
    return Problem()


@pytest.fixture(scope="session")
def adam_direction() -> Callable:
    """Direction of Adam at update t: the paper's algorithm 1, in NumPy."""

    def direction(t: int, gradient: np.ndarray, memory: dict, b1: float, b2: float, eps: float) -> np.ndarray:
        memory["m"] = b1 * memory.get("m", 0.0) + (1 - b1) * gradient
        memory["v"] = b2 * memory.get("v", 0.0) + (1 - b2) * gradient**2
        mean, square = memory["m"] / (1 - b1 ** (t + 1)), memory["v"] / (1 - b2 ** (t + 1))
        return mean / (np.sqrt(square) + eps)

    return direction


@pytest.fixture(scope="session")
def check_close() -> Callable:
    """Equality of float32 and float64 weights after STEPS updates, to 2e-5: about 10 roundings an update."""

    def compare(ours: Weights, by_hand: Weights) -> None:
        for name, value in by_hand.items():
            np.testing.assert_allclose(ours[name], value, rtol=2e-5, atol=2e-5)

    return compare
