"""Does the probe tell a network made of modules from others, and from its own shuffled weights?"""

import itertools

import numpy as np
import pytest

from grokjax.models.factored import Factored
from grokjax.models.mlp import MLP
from grokjax.models.transformer import Transformer
from grokjax.probes.modularity import Modularity
from grokjax.probes.weight_graphs import joined, parted, scaled
from tests.probes.small_networks import network

RNG = np.random.default_rng(0)


def layers(*sizes, clusters=1):
    """Normal weights; with clusters, those between nodes of different ones are 100 times smaller."""
    weights = []
    for above, below in itertools.pairwise(sizes):
        is_inside = np.arange(above)[:, None] % clusters == np.arange(below)[None] % clusters
        weights.append((RNG.normal(size=(above, below)) * np.where(is_inside, 1, 0.01)).astype(np.float32))
    return weights


def mlp_of(first, *others):
    names = [*(f"hidden_{index}" for index in range(len(others))), "output"]
    params = {name: {"kernel": weight} for name, weight in zip(names, (first, *others), strict=True)}
    return network(MLP(depth=len(others), width=first.shape[1]), params)


def test_planted_modules_are_far_below_shuffled_weights_and_their_cut_is_known():
    values = Modularity(shuffles=20).probe(mlp_of(*layers(14, 40, 7, clusters=4)))
    assert values["modularity/ncut"] < 0.2 and values["modularity/bound"] < 0.2
    assert values["modularity/ncut_z"] < -10 and values["modularity/bound_z"] < -10 and values["modularity/q_z"] > 10
    assert values["modularity/ncut_p"] == values["modularity/q_p"] == pytest.approx(1 / 21)


def test_random_weights_are_like_shuffled_ones():
    chances, z = [], []
    for _ in range(20):
        values = Modularity(shuffles=19).probe(mlp_of(*layers(14, 20, 7)))
        chances.append(values["modularity/bound_p"])
        z.append(values["modularity/bound_z"])
    assert 0.25 < np.mean(chances) < 0.75 and abs(np.mean(z)) < 1  # sqrt(20) is a deviation of 0.22 or 0.065


def test_shuffled_values_are_those_of_shuffles_drawn_by_somebody_else():
    weights = layers(14, 20, 7, clusters=2)
    values = Modularity(shuffles=200, scaling="unscaled", clusters=2).probe(mlp_of(*weights))
    bounds = []
    for _ in range(200):
        first, last = (np.abs(RNG.permutation(weight.ravel()).reshape(weight.shape)) for weight in weights)
        adjacency = np.zeros((41, 41))
        adjacency[:14, 14:34], adjacency[14:34, 34:] = first, last
        adjacency += adjacency.T
        degrees = adjacency.sum(axis=1)
        laplacian = np.eye(41) - adjacency / np.sqrt(np.outer(degrees, degrees))
        bounds.append(np.linalg.eigvalsh(laplacian)[:2].sum())
    error = np.std(bounds) * np.sqrt(2 / 200)
    assert values["modularity_unscaled/bound_shuffled"] == pytest.approx(np.mean(bounds), abs=4 * error)
    assert values["modularity_unscaled/bound_shuffled_sd"] == pytest.approx(np.std(bounds), rel=0.3)
    z = (values["modularity_unscaled/bound"] - values["modularity_unscaled/bound_shuffled"]) / values[
        "modularity_unscaled/bound_shuffled_sd"
    ]
    assert values["modularity_unscaled/bound_z"] == pytest.approx(z)


def test_the_order_of_units_and_their_size_in_a_relu_network_change_nothing():
    first, middle, last = layers(14, 20, 12, 7)
    before = Modularity(shuffles=5).probe(mlp_of(first, middle, last))
    units, others, sizes = RNG.permutation(20), RNG.permutation(12), RNG.uniform(0.1, 9, 20).astype(np.float32)
    moved = first[:, units] * sizes, (middle[units] / sizes[:, None])[:, others], last[others]
    after = Modularity(shuffles=5).probe(mlp_of(*moved))
    assert before.keys() == after.keys()
    for name in before:
        assert after[name] == pytest.approx(before[name], rel=1e-4), name


def test_scaled_weights_are_the_same_relu_network():
    first, last = (np.abs(weight) for weight in layers(6, 10, 3))
    inputs = RNG.random((5, 6))
    wanted = np.maximum(inputs @ first, 0) @ last
    one, two = scaled([first, last])
    np.testing.assert_allclose(np.maximum(inputs @ one, 0) @ two, wanted, rtol=1e-6)
    np.testing.assert_allclose(one.mean(axis=0), 1, rtol=1e-6)


def test_layers_are_joined_each_to_the_next_one_alone():
    weights = layers(2, 3, 4, 5)
    edges = joined(weights)
    assert edges.shape == (2 + 4, 3 + 5)
    np.testing.assert_array_equal(edges[:2, :3], weights[0])
    np.testing.assert_array_equal(edges[2:, :3], weights[1].T)
    np.testing.assert_array_equal(edges[2:, 3:], weights[2])
    assert not edges[:2, 3:].any()
    layer_sizes = [len(layer) for layer in parted(np.arange(6), np.arange(8), weights)]
    assert layer_sizes == [2, 3, 4, 5]


def test_closed_form_weights_are_modules_of_waves_and_not_of_symbols():
    solved = network(MLP(width=60, activation="square", initializer="periodic"))  # three frequencies modulo 7
    waves = Modularity(basis="waves", scaling="unscaled", clusters=3, shuffles=20).probe(solved)
    nodes = Modularity(scaling="unscaled", clusters=3, shuffles=20).probe(solved)
    assert waves["modularity_waves_unscaled/ncut"] == pytest.approx(0, abs=1e-4)
    assert waves["modularity_waves_unscaled/ncut_z"] < -10
    assert nodes["modularity_unscaled/ncut"] > 1.5


def test_a_factored_network_is_that_of_its_products():
    model = Factored(embedding=9, width=12)
    factored = network(model)
    embed, hidden, output = (factored.params[name] for name in ("embed", "hidden", "output"))
    table = embed["embedding"] @ hidden["kernel"]
    same = mlp_of(np.concatenate([table, table]), output["kernel"] @ embed["embedding"].T)
    one, two = (Modularity(shuffles=3).probe(each) for each in (factored, same))
    for name in one:
        assert one[name] == pytest.approx(two[name], rel=1e-4), name


def test_values_of_a_transformer_are_means_over_its_mlps():
    model = Transformer(layers=2, width=16, mlp_width=24)
    whole = network(model)
    values = Modularity(shuffles=3).probe(whole)
    each = []
    for layer in ("layer_0", "layer_1"):
        mlp = whole.params[layer]["mlp"]
        first, last = mlp["hidden"]["kernel"], mlp["output"]["kernel"]
        each.append(Modularity(shuffles=3).probe(mlp_of(first, last)))
    for name, value in values.items():
        assert value == pytest.approx(np.mean([of_layer[name] for of_layer in each]), rel=1e-4), name


def test_a_network_that_diverged_has_no_values():
    first, last = layers(14, 20, 7)
    first[0, 0] = np.inf
    values = Modularity(shuffles=3).probe(mlp_of(first, last))
    assert len(values) == 15 and all(np.isnan(value) for value in values.values())


@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        (MLP(encoding="product", embedding=9), {}, "modularity needs a model made of layers of units .*, got mlp"),
        (MLP(residual=True, depth=2), {}, "modularity needs a model made of layers of units .*, got mlp"),
        (MLP(width=5), {"clusters": 6}, "modularity needs at most 5 clusters here, got 6"),
        (Transformer(), {"basis": "waves"}, "modularity needs a network from symbols to classes"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(model, settings, message):
    with pytest.raises(ValueError, match=f"^measure.what: {message}"):
        Modularity(**settings).probe(network(model))
