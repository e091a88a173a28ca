"""Are Fourier powers, key losses and purities those of NumPy's transforms, and of a network known in closed form?"""

import numpy as np
import pytest

from grokjax.measures.fourier import Fourier
from grokjax.models.mlp import MLP
from grokjax.models.transformer import Transformer
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.check import check_programs
from grokjax.reader.errors import SpecError
from grokjax.reader.run import Run
from grokjax.tasks.group_product import GroupProduct
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.tasks.symbol_addition import SymbolAddition
from tests.measures.small_runs import SAME, cross_entropy, outputs_of_mlp, shown


def run_of(modulus=13, model=None, **task):
    return Run(task=ModularArithmetic(modulus=modulus, **task), model=model or MLP(width=20), optimizer=AdamW())


def test_a_network_of_cosines_has_what_is_known_in_closed_form():
    """Gromov's solution: a unit with phases u, v gives 1 + cos(s t + u + v) in the mean over pairs with answer t.

    A fifth of its variance is that of cos^2, at twice its frequency. The right output is width / 2 in the mean.
    """
    width, modulus = 24, 13
    run = run_of(model=MLP(width=width, activation="square", initializer="periodic"))
    view = shown(run, Fourier(keys=6), SAME)
    for name in ("input_ipr", "output_ipr"):
        np.testing.assert_allclose(view.measured[f"fourier/{name}"], 1, rtol=1e-5)
    frequency = 1 + np.arange(width) % 6
    np.testing.assert_array_equal(view.measured["fourier/unit_frequency"], frequency)
    np.testing.assert_allclose(view.measured["fourier/unit_purity"], 0.8, rtol=1e-4)
    assert view.measured["fourier/pure_units"] == 0
    rows = view.params["output"]["kernel"].astype(np.float64)  # [unit, class]
    phase = np.angle(np.fft.rfft(rows)[np.arange(width), frequency])
    mean = (1 + np.cos(2 * np.pi * np.outer(np.arange(modulus), frequency) / modulus + phase)) @ rows
    assert np.trace(mean) / modulus == pytest.approx(width / 2, rel=1e-5)
    overlap = [len(phases) ** 2 + np.abs(np.exp(2j * phases).sum()) ** 2 for phases in phase.reshape(4, 6).T]
    np.testing.assert_allclose(view.measured["fourier/frequency_share"], overlap / np.sum(overlap), rtol=1e-4)
    expected = cross_entropy(mean, np.arange(modulus)).mean()
    np.testing.assert_allclose(view.measured["fourier/restricted_loss"], expected, rtol=1e-3)


def waves(modulus, values):
    """[value, wave] cosines and sines of all frequencies from 1 on, for values in 0 to p - 1, not normalised."""
    angle = 2 * np.pi * np.outer(values, np.arange(1, modulus // 2 + 1)) / modulus
    return np.cos(angle), np.sin(angle)


def least_squares(modulus, targets, outputs, frequencies):
    """What the waves of some frequencies in the right answer explain of outputs [example, class]."""
    cosine, sine = waves(modulus, targets)
    chosen = np.concatenate([np.stack([cosine[:, k - 1], sine[:, k - 1]], axis=1) for k in frequencies], axis=1)
    return chosen @ np.linalg.lstsq(chosen, outputs, rcond=None)[0]


@pytest.mark.parametrize(("modulus", "operation"), [(13, "x+y"), (12, "x-y")])
def test_outputs_are_told_apart_as_by_least_squares(modulus, operation):
    run = run_of(modulus, operation=operation, label_noise=0.3)
    view = shown(run, Fourier(keys=2))
    _, outputs = outputs_of_mlp(view.params, view.inputs, modulus)
    explained = [least_squares(modulus, view.targets, outputs, [k]) for k in range(1, modulus // 2 + 1)]
    power = np.array([np.sum(part**2) for part in explained])
    np.testing.assert_allclose(view.measured["fourier/frequency_share"], power / power.sum(), rtol=1e-3)
    keys = 1 + np.argsort(-power)[:2]
    np.testing.assert_array_equal(view.measured["fourier/key_frequencies"], keys)
    of_keys = least_squares(modulus, view.targets, outputs, keys)
    constant = outputs.mean(axis=0)
    restricted = cross_entropy(of_keys + constant, view.targets).mean()
    excluded = cross_entropy(outputs - of_keys, view.labels)[view.is_train].mean()
    np.testing.assert_allclose(view.measured["fourier/restricted_loss"], restricted, rtol=1e-4)
    np.testing.assert_allclose(view.measured["fourier/excluded_loss"], excluded, rtol=1e-4)
    share = np.sum(of_keys**2) / np.sum((outputs - constant) ** 2)
    np.testing.assert_allclose(view.measured["fourier/key_share"], share, rtol=1e-3)


def test_key_frequencies_can_be_held_fixed():
    view = shown(run_of(), Fourier(frequencies=(4, 1)))
    np.testing.assert_array_equal(view.measured["fourier/key_frequencies"], [4, 1])
    _, outputs = outputs_of_mlp(view.params, view.inputs, 13)
    rest = outputs - least_squares(13, view.targets, outputs, [4, 1])
    expected = cross_entropy(rest, view.labels)[view.is_train].mean()
    np.testing.assert_allclose(view.measured["fourier/excluded_loss"], expected, rtol=1e-4)


def purity(units):
    """Frequency and purity of one unit [x, y], by a complex transform over both operands."""
    power = np.abs(np.fft.fft2(units - units.mean())) ** 2
    modulus = len(units)
    energy = []
    for k in range(1, modulus // 2 + 1):
        places = {0, k, modulus - k}
        energy.append(sum(power[i, j] for i in places for j in places))
    return 1 + int(np.argmax(energy)), max(energy) / power.sum()


@pytest.mark.parametrize("modulus", [13, 12])
def test_units_are_told_apart_as_by_a_complex_transform(modulus):
    view = shown(run_of(modulus, sequence="x op y ="), Fourier(pure=0.3))
    units, _ = outputs_of_mlp(view.params, view.inputs[:, [0, 2]], modulus)
    expected = [purity(column) for column in units.T.reshape(-1, modulus, modulus)]
    np.testing.assert_array_equal(view.measured["fourier/unit_frequency"], [frequency for frequency, _ in expected])
    np.testing.assert_allclose(view.measured["fourier/unit_purity"], [share for _, share in expected], rtol=1e-3)
    is_pure = np.mean([share > 0.3 for _, share in expected])
    assert 0 < is_pure < 1 and view.measured["fourier/pure_units"] == np.float32(is_pure)


def ipr(column):
    magnitudes = np.abs(np.fft.rfft(column))
    return np.sum(magnitudes**4) / np.sum(magnitudes**2) ** 2


def gini(values):
    return np.abs(values[:, None] - values[None]).mean() / (2 * values.mean())


@pytest.mark.parametrize("modulus", [13, 12])
def test_weights_are_measured_as_by_real_transforms(modulus):
    view = shown(run_of(modulus), Fourier())
    kernel = view.params["hidden_0"]["kernel"].astype(np.float64)
    tables = np.concatenate(np.split(kernel, 2), axis=1)
    np.testing.assert_allclose(view.measured["fourier/input_ipr"], np.mean([ipr(c) for c in tables.T]), rtol=1e-4)
    rows = view.params["output"]["kernel"].astype(np.float64)
    np.testing.assert_allclose(view.measured["fourier/output_ipr"], np.mean([ipr(row) for row in rows]), rtol=1e-4)
    transform = np.fft.fft(tables, axis=0) / np.sqrt(modulus)
    lengths = [np.linalg.norm(transform[0])]
    for k in range(1, modulus // 2 + 1):
        is_alone = 2 * k == modulus
        parts = [transform[k].real] if is_alone else [transform[k].real * 2**0.5, transform[k].imag * 2**0.5]
        lengths += [np.linalg.norm(part) for part in parts]
    np.testing.assert_allclose(view.measured["fourier/embedding_gini"], gini(np.array(lengths)), rtol=1e-4)


def test_a_transformer_is_measured_at_its_embedding_and_the_units_of_its_last_layer():
    view = shown(run_of(7, Transformer(width=8, heads=2, layers=2)), Fourier(keys=1))
    assert view.measured["fourier/unit_purity"].shape == (32,)
    table = view.params["embed"]["embedding"][:7]
    np.testing.assert_allclose(view.measured["fourier/input_ipr"], np.mean([ipr(c) for c in table.T]), rtol=1e-4)
    rows = view.params["output"]["kernel"][:, :7]
    np.testing.assert_allclose(view.measured["fourier/output_ipr"], np.mean([ipr(row) for row in rows]), rtol=1e-4)


@pytest.mark.parametrize(
    ("run", "got"),
    [
        (run_of(operation="x/y"), "ModularArithmetic with 156 examples with 2 operands and 13 classes"),
        (run_of(pairs="unordered"), "ModularArithmetic with 91 examples"),
        (Run(task=GroupProduct(), model=MLP(width=4), optimizer=AdamW()), "GroupProduct"),
        (Run(task=SymbolAddition(target="classes"), model=MLP(width=4), optimizer=AdamW()), "SymbolAddition with 55"),
    ],
)
def test_a_task_without_waves_is_refused(run, got):
    with pytest.raises(SpecError, match=f"fourier needs modular_arithmetic with every ordered pair .*{got}"):
        check_programs([run], [Fourier()])


def test_a_frequency_that_does_not_exist_is_refused():
    with pytest.raises(SpecError, match="fourier.frequencies must be from 1 to 6, got 7"):
        check_programs([run_of()], [Fourier(frequencies=(1, 7))])
