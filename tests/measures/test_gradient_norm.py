"""Is the gradient's norm that of a formula, of all parameters and of each?"""

import numpy as np

from grokjax.measures.gradient_norm import GradientNorm
from grokjax.models.mlp import MLP
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.run import Run
from grokjax.regularizers.l2 import L2
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from tests.measures import linear_student
from tests.measures.small_runs import outputs_of_mlp, shown


def test_the_norm_of_a_linear_student_is_that_of_its_normal_equations():
    view = shown(linear_student.RUN, GradientNorm())
    inputs, targets = view.inputs[view.train], view.targets[view.train]
    weights = view.params["output"]["kernel"]
    gradient = 2 * inputs.T @ (inputs @ weights - targets) / targets.size
    np.testing.assert_allclose(view.measured["gradient_norm/total"], np.linalg.norm(gradient), rtol=1e-5)
    np.testing.assert_allclose(view.measured["gradient_norm/output/kernel"], np.linalg.norm(gradient), rtol=1e-5)


def test_the_norms_of_a_network_are_those_of_backpropagation_by_hand_without_penalties():
    task = ModularArithmetic(modulus=7, label_noise=0.3)
    view = shown(
        Run(task=task, model=MLP(width=10), optimizer=AdamW(), regularizers=(L2(strength=1.0),)), GradientNorm()
    )
    units, outputs = (part[view.train] for part in outputs_of_mlp(view.params, view.inputs, 7))
    power = np.exp(outputs)
    error = power / power.sum(axis=1, keepdims=True) - np.eye(7)[view.labels[view.train]]
    output = units.T @ error / len(error)
    back = (error @ view.params["output"]["kernel"].T) * (units > 0)
    hot = np.eye(7)[view.inputs[view.train, :2]].reshape(len(error), -1)
    hidden = hot.T @ back / len(error)
    lengths = [np.linalg.norm(hidden), np.linalg.norm(output)]
    np.testing.assert_allclose(view.measured["gradient_norm/hidden_0/kernel"], lengths[0], rtol=1e-4)
    np.testing.assert_allclose(view.measured["gradient_norm/output/kernel"], lengths[1], rtol=1e-4)
    np.testing.assert_allclose(view.measured["gradient_norm/total"], np.linalg.norm(lengths), rtol=1e-4)
