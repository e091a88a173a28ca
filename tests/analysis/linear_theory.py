"""When does a linear student of a linear teacher fit, and when does it generalize? Levi, Beck, Bar-Sinai 2023.

Paper: arXiv 2310.16441. Gradient flow on D = student - teacher, dD/dt = -2 eta S D, S the covariance of the train
inputs, whose eigenvalues follow Marchenko and Pastur with ratio = inputs / train examples. One output; losses start at
1. Time is counted in updates. Their closed form of the delay is the limit of a small tolerance; times are roots here.
"""

import numpy as np
from scipy.optimize import root_scalar
from scipy.special import erf, erfinv, ive

_NODES = 4000
_LATEST = 1e12  # updates


def train_loss(time: float | np.ndarray, learning_rate: float, ratio: float) -> np.ndarray:
    """exp(-4 eta (1 + ratio) t) 0F1reg(2; 16 eta^2 t^2 ratio), as a Bessel function: their closed form.

    Args:
      time: updates, any shape.
      learning_rate: eta, of plain gradient descent on the mean squared error.
      ratio: length of an input over the number of train examples.
    """
    rate = 4 * learning_rate * np.asarray(time, np.float64)
    argument = 2 * rate * np.sqrt(ratio)
    with np.errstate(invalid="ignore", divide="ignore"):
        # 0F1reg(2; z^2 / 4) = 2 I1(z) / z, and ive is I1 without its growth exp(z).
        bessel = np.where(argument > 0, 2 * ive(1, argument) / argument, 1.0)
    return np.exp(argument - rate * (1 + ratio)) * bessel


def generalization_loss(time: float | np.ndarray, learning_rate: float, ratio: float) -> np.ndarray:
    """The mean of exp(-4 eta nu t) over the eigenvalues nu; with ratio > 1 the share 1 - 1 / ratio of them is 0."""
    nu, weight = _eigenvalues(ratio)
    rate = 4 * learning_rate * np.asarray(time, np.float64)
    return np.exp(-rate[..., None] * nu) @ weight + max(0.0, 1 - 1 / ratio)


def accuracy(loss: float | np.ndarray, tolerance: float) -> np.ndarray:
    """Share of examples with a squared error below `tolerance`, errors being normal with variance `loss`."""
    with np.errstate(divide="ignore"):
        return erf(np.sqrt(tolerance / (2 * np.asarray(loss, np.float64))))


def updates_until(share: float, learning_rate: float, ratio: float, tolerance: float, of: str = "train") -> float:
    """Updates until this share of examples is right; infinite when it never is.

    Args:
      share: such as 0.95.
      of: "train" or "test".
    """
    loss = {"train": train_loss, "test": generalization_loss}[of]
    wanted = tolerance / (2 * erfinv(share) ** 2)  # the loss at which the accuracy is `share`

    def above(time: float) -> float:
        return float(loss(time, learning_rate, ratio)) - wanted

    if above(0.0) <= 0:
        return 0.0
    latest = 1.0
    while above(latest) > 0:
        latest *= 2
        if latest > _LATEST:
            return float("inf")
    return float(root_scalar(above, bracket=(0.0, latest), xtol=1e-6).root)


def _eigenvalues(ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of the continuous part of Marchenko and Pastur's distribution: both [node].

    With nu = 1 + ratio - 2 sqrt(ratio) cos(angle) the density becomes smooth, and even steps converge fast.
    """
    angle = (np.arange(_NODES) + 0.5) * np.pi / _NODES
    nu = 1 + ratio - 2 * np.sqrt(ratio) * np.cos(angle)
    return nu, 2 * np.sin(angle) ** 2 / nu / _NODES
