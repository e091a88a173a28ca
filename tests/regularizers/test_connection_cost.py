"""Is the connection cost the published sum over weights and lengths?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.streams import stream
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load
from grokjax.regularizers.connection_cost import ConnectionCost

KEY, STEP = stream(jnp.uint32(0), "noise"), jnp.int32(0)
RANDOM = np.random.default_rng(0)
PARAMS = {
    "first": {"kernel": RANDOM.normal(size=(5, 4)), "bias": RANDOM.normal(size=4)},
    "second": {"kernel": RANDOM.normal(size=(4, 3)), "scale": RANDOM.normal(size=3)},
}


def examples(folder):
    del folder
    return [ConnectionCost(strength=0.1), ConnectionCost(strength=0.1, matrices="out*", biases=False)]


def by_hand(distance: float, offset: float, biases: bool) -> float:
    cost = 0.0
    for layer in PARAMS.values():
        rows, columns = layer["kernel"].shape
        terms = [
            abs(weight) * (distance * abs((i + 0.5) / rows - (j + 0.5) / columns) + offset)
            for (i, j), weight in np.ndenumerate(layer["kernel"])
        ]
        cost += sum(terms) / len(terms)
    return cost + biases * offset * np.abs(PARAMS["first"]["bias"]).mean()


@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize(("distance", "offset"), [(2.0, 0.5), (0.0, 1.0), (3.0, 0.0)])
def test_penalty_is_the_one_counted_by_hand(distance, offset, biases):
    part = ConnectionCost(strength=0.7, distance=distance, offset=offset, biases=biases)
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), PARAMS)
    expected = 0.7 * by_hand(distance, offset, biases)
    assert jax.jit(lambda part: part.penalty(params, KEY, STEP))(part) == pytest.approx(expected, rel=1e-5)


def test_gradient_is_the_sign_times_the_length_and_zero_at_zero():
    params = {"w": jnp.array([[1.0, -2.0], [0.0, 3.0]])}
    slope = jax.grad(lambda params: ConnectionCost(strength=4.0).penalty(params, KEY, STEP))(params)["w"]
    np.testing.assert_allclose(slope, [[0.5, -1.5], [0.0, 0.5]])  # neighbours across are half a layer apart


@pytest.mark.parametrize(
    ("regularizer", "rule"),
    [
        ({"kind": "connection_cost", "strength": 1, "matrices": "embed/*"}, r"regularizers\.0: .*matches 'embed/\*'"),
        ({"kind": "cluster_cost", "strength": 1, "matrices": "output"}, r"regularizers\.0: .*none matches 'output'"),
    ],
)  # fmt: skip
def test_a_pattern_that_the_network_does_not_have_is_refused_before_training(regularizer, rule):
    sweep = {"task": "modular_arithmetic", "model": "mlp", "optimizer": "adamw", "regularizers": [regularizer]}
    with pytest.raises(SpecError, match=rule):
        load(sweep | {"name": "costs", "train": {"steps": 10}}).check()
