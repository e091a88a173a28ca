"""Is the cluster cost the share of squares between clusters?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.streams import stream
from grokjax.regularizers.cluster_cost import ClusterCost

KEY, STEP = stream(jnp.uint32(0), "noise"), jnp.int32(0)


def examples(folder):
    del folder
    return [ClusterCost(strength=0.1, clusters=2), ClusterCost(strength=0.1, matrices="out*", clusters=2)]


@jax.jit
def cost_and_slope(part, params):
    return jax.value_and_grad(lambda params: part.penalty(params, KEY, STEP))(params)


def test_block_diagonal_matrices_cost_nothing_and_their_opposite_everything():
    blocks = np.kron(np.eye(3), np.ones((4, 2)))  # 12 inputs, 6 outputs, three clusters
    part = ClusterCost(strength=0.5, clusters=3)
    assert cost_and_slope(part, {"w": jnp.asarray(blocks)})[0] == 0
    assert cost_and_slope(part, {"w": jnp.asarray(1 - blocks)})[0] == pytest.approx(0.5)


def test_random_weights_cost_one_minus_one_over_the_clusters():
    random = jnp.asarray(np.random.default_rng(0).normal(size=(400, 300)), jnp.float32)
    assert cost_and_slope(ClusterCost(strength=1.0, clusters=5), {"w": random})[0] == pytest.approx(0.8, abs=0.01)


def test_cost_is_counted_by_hand_and_averaged_over_the_matrices_that_are_named():
    random = np.random.default_rng(1)
    params = {"a": {"kernel": random.normal(size=(5, 4))}, "b": {"kernel": random.normal(size=(4, 7))}}

    def share(matrix):
        rows, columns = matrix.shape
        squares = {(i * 3 // rows == j * 3 // columns): 0.0 for i in range(rows) for j in range(columns)}
        for (i, j), weight in np.ndenumerate(matrix):
            squares[i * 3 // rows == j * 3 // columns] += weight**2
        return squares[False] / sum(squares.values())

    first, second = (share(params[name]["kernel"]) for name in "ab")
    arrays = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), params) | {"bias": jnp.ones(3)}
    whole, named = ClusterCost(strength=2.0, clusters=3), ClusterCost(strength=2.0, clusters=3, matrices="b/*")
    assert cost_and_slope(whole, arrays)[0] == pytest.approx(first + second, rel=1e-5)
    assert cost_and_slope(named, arrays)[0] == pytest.approx(2 * second, rel=1e-5)


def test_gradient_drives_weights_between_clusters_to_zero_and_keeps_the_length():
    matrix = jnp.asarray(np.random.default_rng(2).normal(size=(6, 6)), jnp.float32)
    part = ClusterCost(strength=1.0, clusters=2)
    _, slope = cost_and_slope(part, {"w": matrix})
    assert abs(jnp.sum(slope["w"] * matrix)) < 1e-6
    far = jnp.kron(1 - jnp.eye(2), jnp.ones((3, 3))) == 1
    assert (np.sign(slope["w"])[far] == np.sign(matrix)[far]).all()
    assert (np.sign(slope["w"])[~far] == -np.sign(matrix)[~far]).all()


def test_a_matrix_of_zeros_costs_nothing_and_is_not_pushed():
    value, slope = cost_and_slope(ClusterCost(strength=1.0), {"w": jnp.zeros((4, 4))})
    assert value == 0 and not slope["w"].any()


def test_a_pattern_that_fits_no_matrix_is_refused():
    params = {"hidden_0": {"kernel": jnp.ones((2, 2))}, "bias": jnp.ones(2)}
    with pytest.raises(ValueError, match=r"^matrices: none matches 'hiden_\*'; parameters are bias, hidden_0/kernel"):
        ClusterCost(strength=1.0, matrices="hiden_*").penalty(params, KEY, STEP)
