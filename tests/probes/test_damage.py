"""Is what is told of damaged networks what they answer?"""

import numpy as np
import pytest

from grokjax.models.mlp import MLP
from grokjax.models.transformer import Transformer
from grokjax.probes.damage import Damage
from grokjax.probes.silencing import Silencing
from tests.probes.small_networks import network

RNG = np.random.default_rng(0)
SOLVED = MLP(width=300, activation="square", initializer="periodic")


def test_a_solved_network_answers_all_when_whole_and_one_class_when_silent():
    values = Damage(draws=3).probe(network(SOLVED))
    np.testing.assert_allclose(values["damage/share"], np.linspace(0, 1, 11))
    for group in ("train", "test"):
        curve = values[f"damage/{group}_accuracy"]
        assert curve[0] == 1 and curve[5] > 0.9
        assert curve[-1] == pytest.approx(1 / 7, abs=0.06)  # all outputs are 0, so the first class is answered
        assert values[f"damage/{group}_area"] == pytest.approx(np.mean(curve[:-1] + curve[1:]) / 2)
        assert values[f"damage/{group}_deviation"][[0, -1]].tolist() == [0, 0]


def test_units_are_silent_and_the_others_go_on_as_before():
    model = MLP(width=20, depth=2, bias=True, initializer="torch")
    whole = network(model)
    silencing, is_silent = Silencing(whole, "damage"), RNG.random(40) < 0.4
    params = silencing.params(is_silent)
    table = np.eye(14)[:, None]  # one-hots of both operands
    first, second, last = (whole.params[name] for name in ("hidden_0", "hidden_1", "output"))
    one = np.maximum(table @ first["kernel"] + first["bias"], 0) * ~is_silent[:20]
    two = np.maximum(one @ second["kernel"] + second["bias"], 0) * ~is_silent[20:]
    first, second, last = (params[name] for name in ("hidden_0", "hidden_1", "output"))
    again = np.maximum(table @ first["kernel"] + first["bias"], 0)
    np.testing.assert_allclose(again, one)
    np.testing.assert_allclose(np.maximum(again @ second["kernel"] + second["bias"], 0), two, rtol=1e-5, atol=1e-6)
    assert last is whole.params["output"]
    assert np.array_equal(whole.params["hidden_0"]["kernel"], network(model).params["hidden_0"]["kernel"])


def test_modules_are_the_clusters_of_units_and_what_is_told_is_the_network_without_them():
    first = np.kron(np.eye(2), np.ones((7, 10))) + 0.01 * RNG.random((14, 20))  # a module of each operand
    last = np.concatenate([RNG.random((10, 7)), RNG.random((10, 7))])
    params = {"hidden_0": {"kernel": first.astype(np.float32)}, "output": {"kernel": last.astype(np.float32)}}
    whole = network(MLP(width=20), params)
    values, silencing = Damage(clusters=2, draws=1).probe(whole), Silencing(whole, "damage")
    np.testing.assert_array_equal(values["damage/module_units"], [10, 10])
    each = [silencing.accuracy(np.arange(20) // 10 == module)["test"] for module in (0, 1)]
    assert sorted(values["damage/test_accuracy_without"]) == pytest.approx(sorted(each))


def test_of_a_transformer_the_units_of_all_mlps_fall_silent():
    model = Transformer(layers=2, width=8, mlp_width=12, heads=2)
    silencing = Silencing(network(model), "damage")
    params = silencing.params(np.ones(24, bool))
    assert silencing.num_units == 24
    for layer in ("layer_0", "layer_1"):
        assert not params[layer]["mlp"]["hidden"]["kernel"].any() and params[layer]["mlp"]["output"]["kernel"].any()


@pytest.mark.parametrize("shares", [(), (0.5,), (0.0, 1.5)])
def test_shares_that_make_no_curve_are_refused(shares):
    with pytest.raises(ValueError, match=r"^measure.what: damage needs two shares or more, from 0 to 1$"):
        Damage(shares=shares).probe(network(SOLVED))
