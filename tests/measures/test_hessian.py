"""Is the top eigenvalue that of the whole Hessian, and does the residual say when it is not reached?"""

import jax
import numpy as np
import pytest

from grokjax.measures.hessian import Hessian
from grokjax.models.mlp import MLP
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.run import Run
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from tests.measures import linear_student
from tests.measures.small_runs import shown


@pytest.mark.parametrize("examples", [8, 512, None])  # 20 are trained on
def test_the_top_of_a_linear_student_is_that_of_its_covariance(examples):
    view = shown(linear_student.RUN, Hessian(iterations=100, examples=examples))
    chosen = view.train[:examples]
    inputs = view.inputs[chosen].astype(np.float64)
    values = np.linalg.eigvalsh(2 * inputs.T @ inputs / view.targets[chosen].size)
    np.testing.assert_allclose(view.measured["hessian/top"], values[-1], rtol=1e-4)
    assert view.measured["hessian/residual"] < 1e-2 * values[-1]


def test_some_eigenvalue_of_a_network_lies_within_the_residual_and_the_largest_is_reached_in_time():
    run = Run(task=ModularArithmetic(modulus=5), model=MLP(width=6, activation="tanh"), optimizer=AdamW())
    early, late = (shown(run, Hessian(iterations=count)) for count in (1, 300))
    hot = np.eye(5, dtype=np.float32)[late.inputs[late.train, :2]].reshape(len(late.train), -1)

    def loss(flat):
        hidden, output = flat[:60].reshape(10, 6), flat[60:].reshape(6, 5)
        logs = jax.nn.log_softmax(jax.numpy.tanh(hot @ hidden) @ output)
        return -logs[np.arange(len(hot)), late.labels[late.train]].mean()

    flat = np.concatenate([late.params[name]["kernel"].ravel() for name in ("hidden_0", "output")])
    values = np.linalg.eigvalsh(np.asarray(jax.hessian(loss)(flat), np.float64))
    largest = values[np.argmax(np.abs(values))]
    np.testing.assert_allclose(late.measured["hessian/top"], largest, rtol=1e-3)
    for view in (early, late):
        distance = np.abs(values - view.measured["hessian/top"]).min()
        assert distance <= view.measured["hessian/residual"] + 1e-5
    assert early.measured["hessian/residual"] > 0.1 * np.abs(largest) > 10 * late.measured["hessian/residual"]
