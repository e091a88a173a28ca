"""Does the probe find the frequencies that were planted, and what the network loses without them?"""

import numpy as np
import pytest

from grokjax.models.factored import Factored
from grokjax.models.mlp import MLP
from grokjax.models.transformer import Transformer
from grokjax.probes.frequency_modules import FrequencyModules, unit_frequencies
from grokjax.tasks.list_operation import ListOperation
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from tests.probes.small_networks import network

RNG = np.random.default_rng(0)
MODULUS = 11
TASK = ModularArithmetic(modulus=MODULUS)


def planted(frequencies, noise=0):
    """Gromov's solution with the frequencies of units as given, then units of noise that answer nothing much."""
    turn = 2 * np.pi * np.outer(np.arange(MODULUS), frequencies) / MODULUS
    u, v = RNG.uniform(-np.pi, np.pi, (2, len(frequencies)))
    first = np.concatenate([np.cos(turn + u), np.cos(turn + v)])
    last = np.cos(turn + u + v).T
    first = np.concatenate([first, RNG.normal(size=(2 * MODULUS, noise))], axis=1)
    last = np.concatenate([last, 0.01 * RNG.normal(size=(noise, MODULUS))])
    params = {"hidden_0": {"kernel": first.astype(np.float32)}, "output": {"kernel": last.astype(np.float32)}}
    model = MLP(width=len(frequencies) + noise, activation="square")
    return network(model, params, TASK)


def test_planted_frequencies_come_out_and_noise_belongs_to_no_module():
    frequencies = np.repeat([2, 5, 3], [20, 30, 40])
    values = FrequencyModules(draws=2).probe(planted(frequencies, noise=10))
    np.testing.assert_array_equal(values["frequency_modules/unit_frequency"][:90], frequencies)
    np.testing.assert_allclose(values["frequency_modules/unit_purity"][:90], 1, rtol=1e-5)
    assert (values["frequency_modules/unit_purity"][90:] < 0.5).all()
    np.testing.assert_array_equal(values["frequency_modules/module_units"], [0, 20, 40, 0, 30])
    assert values["frequency_modules/modules"] == 3 and values["frequency_modules/pure_units"] == pytest.approx(0.9)


def test_accuracy_without_a_module_is_that_of_the_network_made_of_the_others():
    frequencies = np.repeat([1, 2, 3, 4, 5], [100, 30, 30, 30, 30])
    whole = planted(frequencies)
    values = FrequencyModules(draws=3).probe(whole)
    first, last = whole.params["hidden_0"]["kernel"], whole.params["output"]["kernel"]
    x, y = TASK.table().inputs[:, TASK.signature().operands].T
    is_test = np.arange(MODULUS**2) >= MODULUS**2 // 2
    for frequency in range(1, 6):
        others = frequencies != frequency
        outputs = (first[x] + first[MODULUS + y])[:, others] ** 2 @ last[others]
        is_right = outputs.argmax(axis=1) == (x + y) % MODULUS
        for group, rows in (("train", ~is_test), ("test", is_test)):
            told = values[f"frequency_modules/{group}_accuracy_without"][frequency - 1]
            assert told == pytest.approx(is_right[rows].mean())
    mean = np.mean(values["frequency_modules/test_accuracy_without"])
    assert values["frequency_modules/test_accuracy_without_module"] == pytest.approx(mean)


def test_a_module_is_missed_more_than_as_many_random_units():
    values = FrequencyModules().probe(planted(np.repeat([1, 3], [150, 50])))
    assert values["frequency_modules/test_accuracy_without"][0] < 0.9  # frequency 3 alone tells few answers apart
    assert (
        values["frequency_modules/test_accuracy_without_module"]
        < (values["frequency_modules/test_accuracy_without_random_module"])
    )
    assert np.isnan(values["frequency_modules/test_accuracy_without"][[1, 3, 4]]).all()


def test_a_single_wave_at_each_operand_is_pure_and_equal_powers_share():
    symbol = np.arange(MODULUS)
    one = np.concatenate([np.cos(2 * np.pi * 3 * symbol / MODULUS), np.sin(2 * np.pi * 3 * symbol / MODULUS)])
    two = np.concatenate([np.cos(2 * np.pi * symbol / MODULUS), 2 * np.cos(2 * np.pi * 4 * symbol / MODULUS) + 7])
    frequency, purity = unit_frequencies(np.stack([one, two, np.ones(22), np.full(22, np.nan)], axis=1), MODULUS)
    np.testing.assert_array_equal(frequency, [3, 4, -1, -1])
    np.testing.assert_allclose(purity, [1, 0.8, 0, 0], atol=1e-12)


def test_it_is_the_largest_share_of_a_real_fourier_transform():
    weights = RNG.normal(size=(22, 5))
    power = (np.abs(np.fft.rfft(weights.reshape(2, 11, 5), axis=1)) ** 2).sum(axis=0)[1:]
    frequency, purity = unit_frequencies(weights, MODULUS)
    np.testing.assert_array_equal(frequency, 1 + power.argmax(axis=0))
    np.testing.assert_allclose(purity, (power / power.sum(axis=0)).max(axis=0))


def test_the_order_of_units_plays_no_part():
    whole = planted(np.repeat([1, 2, 3, 4, 5], 20), noise=5)
    order = RNG.permutation(105)
    params = {
        "hidden_0": {"kernel": whole.params["hidden_0"]["kernel"][:, order]},
        "output": {"kernel": whole.params["output"]["kernel"][order]},
    }
    before = FrequencyModules(draws=1).probe(whole)
    after = FrequencyModules(draws=1).probe(network(whole.model, params, TASK))
    for name in ("module_units", "modules", "purity", "test_accuracy_without"):
        np.testing.assert_allclose(before[f"frequency_modules/{name}"], after[f"frequency_modules/{name}"], rtol=1e-6)


def test_a_factored_network_has_the_frequencies_of_its_product():
    values = FrequencyModules(draws=1).probe(network(Factored(embedding=2, initializer="periodic"), None, TASK))
    assert (values["frequency_modules/unit_frequency"] == 1).all() and values["frequency_modules/modules"] == 1


@pytest.mark.parametrize(
    ("model", "task", "message"),
    [
        (MLP(depth=2), TASK, "needs one hidden layer between symbols and classes .*, got mlp"),
        (Transformer(), TASK, "needs one hidden layer between symbols and classes .*, got transformer"),
        (Transformer(), ListOperation(), "needs modular_arithmetic with every ordered pair"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(model, task, message):
    with pytest.raises(ValueError, match=f"^measure.what: frequency_modules {message}"):
        FrequencyModules().probe(network(model, None, task))
