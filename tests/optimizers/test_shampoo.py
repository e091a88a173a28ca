"""Is Shampoo the update of its paper, with roots by eigenvalues in float64, and the other optimizer for the rest?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.optimizers.adamw import AdamW
from grokjax.optimizers.sgd import SGD
from grokjax.optimizers.shampoo import Shampoo
from grokjax.orders.order import grid_orders
from grokjax.plan.plan import make_plan
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load
from grokjax.report.choices import scientific_choices


def examples(folder):
    del folder
    return [Shampoo(), Shampoo(grafting="none", b1=0.5, roots_every=3, rest=SGD(learning_rate=0.02))]


def root(matrix: np.ndarray, eps: float) -> np.ndarray:
    """Inverse fourth root in float64, eigenvalue by eigenvalue."""
    values, vectors = np.linalg.eigh(matrix)
    return vectors * (np.maximum(values, 0) + eps * values.sum()) ** -0.25 @ vectors.T


class ByHand:
    """The paper's algorithm 1 for one matrix, with the settings of ours; in float64."""

    def __init__(self, ours: Shampoo):
        self.ours, self.sums, self.roots = ours, {}, None

    def direction(self, t: int, gradient: np.ndarray) -> np.ndarray:
        b1, b2 = self.ours.b1, self.ours.b2
        share, missing = (1.0, 1.0) if b2 == 1 else (1 - b2, 1 - b2 ** (t + 1))
        seen = {"left": gradient @ gradient.T, "right": gradient.T @ gradient, "square": gradient**2}
        for name, value in seen.items():
            self.sums[name] = b2 * self.sums.get(name, 0.0) + share * value
        self.sums["mean"] = b1 * self.sums.get("mean", 0.0) + (1 - b1) * gradient
        if t % self.ours.roots_every == 0:
            self.roots = [root(self.sums[name] / missing, self.ours.eps) for name in ("left", "right")]
        mean = self.sums["mean"] / (1 - b1 ** (t + 1))
        whitened = self.roots[0] @ mean @ self.roots[1]
        adam = mean / (np.sqrt(self.sums["square"] / missing) + self.ours.adam_eps)
        norm = {"adam": np.linalg.norm(adam), "gradient": np.linalg.norm(mean), "none": np.linalg.norm(whitened)}
        return whitened * norm[self.ours.grafting] / np.linalg.norm(whitened)


SETTINGS = [
    {},
    {"grafting": "none", "b1": 0.0, "b2": 1.0},
    {"grafting": "gradient", "roots_every": 4},
    {"b2": 1.0, "eps": 1e-3, "adam_eps": 0.1},
]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("warmup", [0.0, 7.0])
def test_shampoo_equals_a_loop_with_eigenvalues_in_numpy(problem, adam_direction, check_close, settings, warmup):
    rest = AdamW(learning_rate=0.03, weight_decay=0.5)
    ours = Shampoo(learning_rate=0.02, weight_decay=0.7, warmup=warmup, rest=rest, **settings)

    def update(name, t, weights, gradient, memory):
        if name == "bias":
            return weights - 0.03 * (adam_direction(t, gradient, memory, 0.9, 0.98, 1e-8) + 0.5 * weights)
        matrix = memory.setdefault("matrix", ByHand(ours))
        rate = 0.02 * (min(t / warmup, 1) if warmup else 1)
        return weights - rate * (matrix.direction(t, gradient) + 0.7 * weights)

    check_close(problem.ours(ours), problem.by_hand(update))


def directions(ours: Shampoo, gradients: np.ndarray) -> np.ndarray:
    """What a matrix moves along at each update, [update, row, column]."""
    transform = ours.transform()

    @jax.jit
    def walk(gradients):
        def update(state, gradient):
            moved, state = transform.update({"matrix": gradient}, state, {"matrix": jnp.zeros_like(gradient)})
            return state, -moved["matrix"]

        return jax.lax.scan(update, transform.init({"matrix": gradients[0]}), gradients)[1]

    return np.asarray(walk(jnp.float32(gradients)))


def farthest(ours: Shampoo, gradients: np.ndarray) -> float:
    """Largest distance of a direction of ours from the one in float64, as a share of the latter's norm."""
    by_hand, narrow = ByHand(ours), np.float32(gradients)
    exact = np.stack([by_hand.direction(t, np.float64(gradient)) for t, gradient in enumerate(narrow)])
    apart = np.linalg.norm(directions(ours, narrow) - exact, axis=(1, 2))
    return (apart / np.linalg.norm(exact, axis=(1, 2))).max()


def test_twenty_updates_of_a_matrix_longer_than_a_block_of_products_are_those_of_eigenvalues():
    gradients = np.random.default_rng(0).normal(size=(20, 130, 9))
    assert farthest(Shampoo(learning_rate=1.0), gradients) < 5e-5


def rank_one(random):
    return random.normal(size=(20, 30, 1)) * random.normal(size=(20, 1, 12))


def steep(random):
    """Singular values from 1 to 1e-6, the same vectors at each update."""
    left, _, right = np.linalg.svd(random.normal(size=(30, 12)), full_matrices=False)
    return (left * np.logspace(0, -6, 12) @ right) * random.normal(size=(20, 1, 1))


def nearly_constant(random):
    """Long sums of equal numbers, whose rounding makes eigenvalues of a statistic negative."""
    return 1 + 1e-3 * random.normal(size=(20, 20, 1)) * np.ones((1, 1, 130))


@pytest.mark.parametrize("kind", [rank_one, steep, nearly_constant])
def test_statistics_without_an_inverse_move_as_the_ridge_lets_them(kind):
    assert farthest(Shampoo(learning_rate=1.0), kind(np.random.default_rng(0))) < 0.01


@pytest.mark.parametrize("kind", [rank_one, steep, nearly_constant])
@pytest.mark.parametrize("grafting", ["adam", "none"])
def test_a_ridge_smaller_than_rounding_makes_no_update_infinite(kind, grafting):
    found = directions(Shampoo(learning_rate=1.0, eps=1e-12, grafting=grafting), kind(np.random.default_rng(0)))
    norms = np.linalg.norm(found, axis=(1, 2))
    assert np.isfinite(found).all() and norms.min() > 0 and norms.max() < 1000


@pytest.mark.parametrize("grafting", ["adam", "gradient", "none"])
def test_no_gradient_makes_no_update_and_the_size_of_gradients_only_that_of_grafting(grafting):
    ours = Shampoo(learning_rate=1.0, grafting=grafting, adam_eps=1e-30)
    gradients = np.random.default_rng(0).normal(size=(3, 4, 5))
    assert not directions(ours, 0 * gradients).any()
    plain = directions(ours, gradients)
    for size in (1e-12, 1e12):
        expected = plain * size if grafting == "gradient" else plain
        np.testing.assert_allclose(directions(ours, size * gradients), expected, rtol=1e-3)


def test_after_one_gradient_an_update_without_grafting_is_the_nearest_orthogonal_matrix():
    """L = G G^T and R = G^T G then, so L^(-1/4) G R^(-1/4) = U V^T: what Muon comes near to."""
    gradient = np.random.default_rng(0).normal(size=(6, 6))
    left, _, right = np.linalg.svd(gradient)
    found = directions(Shampoo(learning_rate=1.0, grafting="none", eps=1e-9), gradient[None])[0]
    np.testing.assert_allclose(found, left @ right, atol=1e-3)


def test_long_matrices_excluded_ones_biases_and_convolutions_follow_the_rest():
    params = {
        "embed": {"embedding": jnp.ones((20, 3))},
        "hidden_0": {"kernel": jnp.ones((3, 8)), "bias": jnp.ones(8)},
        "conv": {"kernel": jnp.ones((2, 2, 3, 3))},
        "output": {"kernel": jnp.ones((8, 3))},
    }
    labels = Shampoo(longest=8, excluded=("output/*",)).labels(params)
    assert labels.pop("hidden_0") == {"kernel": "matched", "bias": "rest"}
    assert set(jax.tree.leaves(labels)) == {"rest"}
    assert jax.tree.leaves(Shampoo().labels(params)).count("matched") == 3


WORDS = {
    "name": "shampoo",
    "task": {"kind": "modular_arithmetic", "modulus": 7},
    "model": {"kind": "mlp", "width": 9},
    "optimizer": {"kind": "shampoo", "weight_decay": 1},
    "train": {"steps": 10},
}


def test_rates_memories_and_ridges_are_axes_of_one_program_and_the_plan_says_what_decays():
    axes = {"optimizer.learning_rate": [0.01, 0.02], "optimizer.b2": [0.9, 1], "optimizer.eps": [1e-6, 1e-4]}
    sweep = load({**WORDS, "axes": axes})
    plan = make_plan(sweep, grid_orders(sweep), devices=1, is_cpu=True)
    assert len(plan.cohorts) == 1 and plan.sweep.num_runs == 8
    told = dict(scientific_choices(plan))["decay"]
    assert told.startswith("matrices of at most 1024 rows and columns: acts on these parameters. shampoo: shrinkage of")


def test_a_network_without_a_matrix_that_is_short_enough_is_refused():
    words = {**WORDS, "optimizer": {"kind": "shampoo", "longest": 8}}
    with pytest.raises(
        SpecError, match=r"leave no matrix of at most 8 rows and columns \(optimizer.longest\) of: hidden_0"
    ):
        load(words)
