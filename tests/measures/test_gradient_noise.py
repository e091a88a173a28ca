"""Is the spread of single gradients that of NumPy's covariance?"""

import numpy as np
import pytest

from grokjax.measures.gradient_noise import GradientNoise
from tests.measures import linear_student
from tests.measures.small_runs import shown


@pytest.mark.parametrize("examples", [8, 64])  # 64: more than the 20 train examples
def test_variance_and_scale_are_those_of_the_gradients_of_a_linear_student(examples):
    view = shown(linear_student.RUN, GradientNoise(examples=examples))
    chosen = view.train[:examples]
    inputs, targets = view.inputs[chosen], view.targets[chosen]
    error = inputs @ view.params["output"]["kernel"] - targets
    gradients = np.einsum("ei,eo->eio", inputs, 2 * error / targets.shape[1]).reshape(len(chosen), -1)
    variance = np.trace(np.cov(gradients.T))
    length = np.linalg.norm(gradients.mean(axis=0))
    np.testing.assert_allclose(view.measured["gradient_noise/variance"], variance, rtol=1e-4)
    np.testing.assert_allclose(view.measured["gradient_noise/norm"], length, rtol=1e-4)
    np.testing.assert_allclose(view.measured["gradient_noise/scale"], variance / length**2, rtol=1e-3)
