"""Is the spectral entropy that of the singular values, with a gradient that finite differences confirm?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.streams import stream
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load
from grokjax.regularizers.spectral_entropy import SpectralEntropy
from grokjax.train.equal_runs import check_equal_runs

KEY, STEP = stream(jnp.uint32(0), "noise"), jnp.int32(0)
SHAPES = [(6, 4), (4, 6), (5, 5), (3, 2, 4)]


def examples(folder):
    del folder
    return [SpectralEntropy(strength=0.1), SpectralEntropy(strength=0.1, combined="mean")]


def reference(matrix: np.ndarray) -> float:
    values = np.linalg.svd(matrix.reshape(-1, matrix.shape[-1]), compute_uv=False)
    share = values[values > 0] / values.sum()
    return float(-(share * np.log(share)).sum())


def random_matrix(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).normal(size=shape)


@jax.jit
def entropy_and_slope(matrix):
    return jax.value_and_grad(lambda leaf: SpectralEntropy(strength=1.0).penalty({"w": leaf}, KEY, STEP))(matrix)


@pytest.mark.parametrize("shape", SHAPES)
def test_penalty_is_that_of_numpy(shape):
    matrix = random_matrix(*shape)
    assert entropy_and_slope(jnp.asarray(matrix, jnp.float32))[0] == pytest.approx(reference(matrix), rel=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_gradient_in_float64_is_that_of_finite_differences(shape):
    matrix, small = random_matrix(*shape), 1e-4
    difference = np.zeros(shape)
    for place in np.ndindex(shape):  # fourth order: the error of a plain difference would be 1e-8 itself
        nudge = np.zeros(shape)
        nudge[place] = small
        near, far = ([reference(matrix + times * sign * nudge) for sign in (1, -1)] for times in (1, 2))
        difference[place] = (8 * (near[0] - near[1]) - (far[0] - far[1])) / (12 * small)
    with jax.enable_x64(True):
        slope = np.asarray(entropy_and_slope(jnp.asarray(matrix))[1])
    assert np.linalg.norm(slope - difference) <= 1e-8 * np.linalg.norm(difference)


@pytest.mark.parametrize("spread", [1e-2, 1e-5])  # the smallest singular value over the largest
def test_float32_gradient_stays_exact_where_singular_values_are_small(spread):
    left, right = (np.linalg.qr(random_matrix(40, 40) + offset * np.eye(40))[0] for offset in (0, 1))
    values = np.geomspace(1, spread, 40)
    share = values / values.sum()
    per_value = -(np.log(share) + -(share * np.log(share)).sum()) / values.sum()
    _, slope = entropy_and_slope(jnp.asarray(left * values @ right, jnp.float32))
    exact = left * per_value @ right
    # rounding the matrix moves its small singular values by epsilon / spread
    assert np.linalg.norm(slope - exact) <= max(2e-6, 3e-7 / spread) * np.linalg.norm(exact)


def test_an_orthogonal_matrix_has_the_largest_entropy_and_no_gradient():
    matrix = np.linalg.qr(random_matrix(50, 50))[0]
    value, slope = entropy_and_slope(jnp.asarray(matrix, jnp.float32))
    assert value == pytest.approx(np.log(50), rel=1e-6)
    assert np.abs(slope).max() < 1e-6  # all singular values are equal, where SVD's own derivative divides by 0


@pytest.mark.parametrize("matrix", [np.outer([1.0, 2, 3, 4], [1.0, -1, 0.5]), np.zeros((4, 3)), np.ones((1, 3))])
def test_rank_one_and_zeros_have_entropy_zero_and_push_nothing(matrix):
    value, slope = entropy_and_slope(jnp.asarray(matrix, jnp.float32))
    assert value == pytest.approx(0, abs=1e-6) and np.abs(slope).max() < 1e-6


def test_a_matrix_of_rank_two_is_pushed_within_its_own_space_only():
    left, right = random_matrix(8, 2), random_matrix(2, 5)
    _, slope = entropy_and_slope(jnp.asarray(left @ right, jnp.float32))
    outside = np.eye(8) - left @ np.linalg.pinv(left)
    assert np.abs(slope).max() > 1e-3 and np.abs(outside @ slope).max() < 1e-6


def test_size_does_not_count_so_that_the_gradient_has_no_part_along_the_matrix():
    matrix = jnp.asarray(random_matrix(6, 4), jnp.float32)
    value, slope = entropy_and_slope(matrix)
    assert entropy_and_slope(7.5 * matrix)[0] == pytest.approx(float(value), rel=1e-6)
    assert abs(np.sum(slope * matrix)) < 1e-6 * np.linalg.norm(slope) * np.linalg.norm(matrix)


def test_matrices_are_summed_or_averaged_and_vectors_left_out():
    params = {"one": random_matrix(6, 4), "two": random_matrix(5, 5), "bias": np.ones(3)}
    entropies = [reference(params["one"]), reference(params["two"])]
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), params)
    for combined, expected in (("sum", sum(entropies)), ("mean", np.mean(entropies))):
        penalty = SpectralEntropy(strength=0.5, combined=combined).penalty(params, KEY, STEP)
        assert penalty == pytest.approx(0.5 * expected, rel=1e-6)
    assert SpectralEntropy(strength=1.0, combined="mean").penalty({"bias": jnp.ones(3)}, KEY, STEP) == 0


def test_sum_and_mean_are_refused_as_an_axis_where_there_is_one_matrix():
    entropy = {"kind": "spectral_entropy", "strength": 1}
    mapping = {"name": "one", "task": "linear_teacher", "model": "linear", "optimizer": "sgd", "loss": "mse"}
    mapping |= {"train": {"steps": 5}, "regularizers": [entropy], "axes": {"regularizers.0.combined": ["sum", "mean"]}}
    with pytest.raises(SpecError, match="changes nothing"):
        load(mapping, check=check_equal_runs)
    assert load(mapping | {"task": "modular_arithmetic", "model": "mlp"}, check=check_equal_runs).num_runs == 2


def test_descent_lowers_the_effective_rank_without_shrinking():
    start, rate = random_matrix(8, 8), 0.02  # at a larger rate small singular values overshoot 0 and swing

    @jax.jit
    def descend(matrix):
        return jax.lax.fori_loop(0, 5000, lambda _, leaf: leaf - rate * entropy_and_slope(leaf)[1], matrix)

    end = np.asarray(descend(jnp.asarray(start, jnp.float32)))
    assert np.exp(reference(end)) < 2 < 5 < np.exp(reference(start))
    assert np.linalg.norm(end) >= 0.99 * np.linalg.norm(start)


def test_a_number_that_is_none_is_not_hidden():
    value, slope = entropy_and_slope(jnp.full((3, 4), jnp.nan))
    assert np.isnan(value) and np.isnan(slope).all()
