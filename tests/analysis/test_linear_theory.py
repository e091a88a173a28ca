"""Does the theory give the published times, its own integrals, and what gradient descent in NumPy does?"""

import numpy as np
import pytest
from scipy.integrate import quad

from tests.analysis.linear_theory import accuracy, generalization_loss, train_loss, updates_until

RATE, TOLERANCE = 0.01, 1e-3
TWO_DEVIATIONS = 0.9544997361036416  # the share that they call 95 %: the loss is then a quarter of the tolerance


@pytest.mark.parametrize(
    ("ratio", "train", "test"), [(0.5, 725, 1156), (0.8, 1781, 6654), (0.9, 2409, 22890), (0.95, 2654, 75245)]
)
def test_times_are_the_numeric_roots_of_the_reference(ratio, train, test):
    assert updates_until(TWO_DEVIATIONS, RATE, ratio, TOLERANCE) == pytest.approx(train, abs=1)
    assert updates_until(TWO_DEVIATIONS, RATE, ratio, TOLERANCE, "test") == pytest.approx(test, abs=1)


@pytest.mark.parametrize("ratio", [0.1, 0.9, 1.5])
@pytest.mark.parametrize("time", [0.0, 3.0, 100.0, 1000.0])
def test_losses_are_integrals_over_the_density_of_marchenko_and_pastur(ratio, time):
    low, high = (1 - np.sqrt(ratio)) ** 2, (1 + np.sqrt(ratio)) ** 2

    def density(nu):
        return np.sqrt((high - nu) * (nu - low)) / (2 * np.pi * ratio * nu)

    def integral(power):
        inner = quad(lambda nu: density(nu) * nu**power * np.exp(-4 * RATE * nu * time), low, high, limit=2000)[0]
        return inner + (0 if power else max(0.0, 1 - 1 / ratio))

    assert train_loss(time, RATE, ratio) == pytest.approx(integral(1), rel=1e-5, abs=1e-9)
    assert generalization_loss(time, RATE, ratio) == pytest.approx(integral(0), rel=1e-5, abs=1e-9)


def test_gradient_descent_in_numpy_follows_the_theory():
    inputs, ratio, generator = 600, 0.5, np.random.default_rng(0)
    found = []
    for _ in range(4):
        x = generator.normal(size=(round(inputs / ratio), inputs))
        difference = generator.normal(size=inputs) / np.sqrt(inputs)
        losses = []
        for _ in range(300):
            losses.append((np.mean((x @ difference) ** 2), difference @ difference))
            difference = difference - RATE * 2 / len(x) * (x.T @ (x @ difference))
        found.append(losses)
    measured, time = np.mean(found, axis=0), np.arange(300)
    np.testing.assert_allclose(measured[::50, 0], train_loss(time, RATE, ratio)[::50], rtol=0.1)
    np.testing.assert_allclose(measured[::50, 1], generalization_loss(time, RATE, ratio)[::50], rtol=0.1)


def test_with_fewer_examples_than_inputs_it_never_generalizes():
    assert generalization_loss(1e9, RATE, 1.5) == pytest.approx(1 - 1 / 1.5)
    assert updates_until(0.95, RATE, 1.5, TOLERANCE, "test") == np.inf
    assert np.isfinite(updates_until(0.95, RATE, 1.5, TOLERANCE))


def test_accuracy_is_the_share_of_normal_errors_within_the_tolerance():
    errors = np.random.default_rng(1).normal(size=200_000) * 0.1
    assert accuracy(0.01, 0.02) == pytest.approx(np.mean(errors**2 < 0.02), abs=0.004)
    assert accuracy(0.0, 0.02) == 1
