"""Are the values of a probe what the paper's formulas say of a network?"""

import bz2
import dataclasses

import jax
import numpy as np
import pytest

from grokjax.models.mlp import MLP
from grokjax.probes.coarse_graining import CoarseGraining
from grokjax.probes.description_length import DescriptionLength, generalization_bound
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from tests.probes import small_networks

RNG = np.random.default_rng(0)
INPUTS, LABELS = RNG.normal(size=(60, 6)), RNG.integers(0, 3, 60)
PARAMS = {"a": RNG.normal(size=(6, 10)).astype(np.float32), "b": RNG.normal(size=(10, 3)).astype(np.float32)}


def outputs(params):
    """Of a network of one hidden layer, in NumPy and float64."""
    return np.maximum(INPUTS @ params["a"].astype(np.float64), 0) @ params["b"].astype(np.float64)


def losses(params):
    logits = outputs(params)
    return np.log(np.exp(logits).sum(1)) - logits[np.arange(60), LABELS]


def fit(params):
    is_right = outputs(params).argmax(1) == LABELS
    groups = {"train": slice(0, 40), "test": slice(40, 60)}
    counts = {f"{name}/correct": is_right[rows].sum() for name, rows in groups.items()}
    return counts | {"train/n": 40, "test/n": 20, "train/loss": losses(params)[:40].mean()}


def network(params=PARAMS):
    whole = small_networks.network(MLP(), params, ModularArithmetic(modulus=3))
    return dataclasses.replace(
        whole,
        n_train=40,
        train_loss=lambda params, at_most=np.inf: losses(params)[:40].mean(),
        fit=fit,
        cores=2,
    )


def test_it_is_the_minimum_of_trying_everything_in_numpy():
    part = DescriptionLength(tolerances=(0.5, 0.1, 0.02), steps=6, thresholds=6, refinements=0, boxes=0)
    values = part.probe(network())
    before = losses(PARAMS)[:40].mean()
    shortest = dict.fromkeys((0.5, 0.1, 0.02), 10**9)
    for delta in np.geomspace(1e-3, 1, 6):
        for threshold in np.linspace(0, 1, 6):
            coarse, flat = {}, b""
            for name, weight in PARAMS.items():
                left, singular, right = np.linalg.svd(weight.astype(np.float64), full_matrices=False)
                share = singular / singular.sum()
                rank = next(k for k in range(len(share) + 1) if share[:k].sum() >= threshold - 1e-12)
                pieces = [weight]
                if rank * sum(weight.shape) < weight.size:
                    pieces = [left[:, :rank] * singular[:rank], right[:rank]]
                pieces = [(np.round(piece / delta) * delta).astype(np.float32) + np.float32(0) for piece in pieces]
                coarse[name] = pieces[0] if len(pieces) == 1 else pieces[0] @ pieces[1]
                flat += b"".join(piece.tobytes() for piece in pieces)
            for tolerance in shortest:
                if losses(coarse)[:40].mean() <= before + tolerance:
                    shortest[tolerance] = min(shortest[tolerance], len(bz2.compress(flat)))
    # Signs of singular vectors are free, and bzip2 sees them: it may differ by a few bytes.
    for tolerance, num_bytes in shortest.items():
        assert values[f"description_length/bytes_{tolerance:g}"] == pytest.approx(num_bytes, abs=12)


def test_names_and_arrays_agree_with_each_other_and_with_a_count_of_the_coarse_network():
    values = DescriptionLength(tolerances=(1.0, 0.1)).probe(network())
    group = "description_length"
    np.testing.assert_array_equal(values[f"{group}/tolerance"], [1, 0.1])
    for place, tolerance in enumerate(("1", "0.1")):
        assert values[f"{group}/bytes_{tolerance}"] == values[f"{group}/bytes"][place] > 0
        assert values[f"{group}/entropy_bytes_{tolerance}"] < values[f"{group}/bytes"][place]
        graining = CoarseGraining(PARAMS)
        coarse = graining.params(values[f"{group}/delta"][place], graining.ranks(values[f"{group}/threshold"][place]))
        assert values[f"{group}/train_loss"][place] == pytest.approx(losses(coarse)[:40].mean())
        assert values[f"{group}/train_loss"][place] <= losses(PARAMS)[:40].mean() + float(tolerance)
        right = np.mean(outputs(coarse).argmax(1)[40:] == LABELS[40:])
        assert values[f"{group}/test_accuracy_{tolerance}"] == pytest.approx(right)
    bits = 8.0 * values[f"{group}/bytes"] + 40 * values[f"{group}/train_loss"] / np.log(2)
    assert values[f"{group}/total_bits"] == pytest.approx(bits.min())
    assert values[f"{group}/best_tolerance"] == [1, 0.1][int(bits.argmin())]


def test_the_bound_by_hand():
    # 22 kB after 2,553 examples, the paper's example, is about 5.9.
    assert generalization_bound(0.0, 8 * 22_000, 2553, 0.95) == pytest.approx(5.87, abs=0.01)
    by_hand = 0.25 + np.sqrt((1000 + 2 * np.log(1000) + np.log(20)) / 80)
    assert generalization_bound(0.25, 1000, 40, 0.95) == pytest.approx(by_hand)
    values = DescriptionLength(tolerances=(1.0,)).probe(network())
    assert values["description_length/bound"][0] > 1 and values["description_length/bounds_violated"] == 0


def test_violated_bounds_are_counted(monkeypatch):
    monkeypatch.setattr("grokjax.probes.description_length.generalization_bound", lambda *_: 0.0)
    values = DescriptionLength(tolerances=(1.0, 0.5, 0.1)).probe(network())
    assert values["description_length/bounds_violated"] == np.sum(values["description_length/test_error"] > 0) == 3


def test_a_network_of_small_weights_is_coded_as_zeros_within_one_nat():
    values = DescriptionLength().probe(network(jax.tree.map(lambda leaf: 0.01 * leaf, PARAMS)))
    assert values["description_length/entropy_bytes_1"] == 0 and 0 < values["description_length/bytes_1"] < 60


def test_two_sided_values_have_names_of_their_own_and_need_no_fewer_bytes():
    random = jax.tree.map(lambda leaf: 3 * leaf, PARAMS)  # sure and wrong: coarser is better
    one, two = (DescriptionLength(sides=sides).probe(network(random)) for sides in ("one", "two"))
    assert not one.keys() & two.keys()
    few, many = one["description_length/bytes"], two["description_length_two_sided/bytes"]
    assert (many >= few).all() and (many > few).any()


def test_a_network_that_diverged_has_no_values():
    values = DescriptionLength().probe(network({**PARAMS, "a": np.full((6, 10), np.nan, np.float32)}))
    wanted = DescriptionLength().probe(network())
    assert {name: np.shape(value) for name, value in values.items()} == {
        name: np.shape(value) for name, value in wanted.items()
    }
    for name, value in values.items():
        if name != "description_length/tolerance":
            value = np.asarray(value)
            assert (value == -1).all() if value.dtype.kind == "i" else np.isnan(value).all(), name


@pytest.mark.parametrize("settings", [{"tolerances": ()}, {"tolerances": (1.0, 0.0)}, {"finest": 1.0}])
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(ValueError, match="description_length needs tolerances above 0, and coarsest above finest"):
        DescriptionLength(**settings).probe(network())


def test_two_tolerances_of_one_name_are_refused():
    with pytest.raises(ValueError, match="differ in their first six digits: two would both be called 0.123457"):
        DescriptionLength(tolerances=(0.1234567, 1.0, 0.1234568)).probe(network())
