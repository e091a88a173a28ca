"""Is the tangent kernel that of all gradients by hand, and are alignments those of centred matrices?"""

import numpy as np
import pytest

from grokjax.measures.tangent_kernel import TangentKernel
from grokjax.models.mlp import MLP
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.run import Run
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from tests.measures import linear_student
from tests.measures.small_runs import SAME, outputs_of_mlp, shown


def cosine(left, right):
    shift = np.eye(len(left)) - 1 / len(left)
    left, right = shift @ left @ shift, shift @ right @ shift
    return np.sum(left * right) / np.linalg.norm(left) / np.linalg.norm(right)


def test_the_kernel_of_a_linear_map_is_that_of_its_inputs_at_any_weights():
    view = shown(linear_student.RUN, TangentKernel(examples=12))
    rows = np.arange(12) * 30 // 12
    inputs, targets = view.inputs[rows], view.targets[rows]
    expected = cosine(inputs @ inputs.T, targets @ targets.T)
    np.testing.assert_allclose(view.measured["tangent_kernel/task_alignment"], expected, rtol=1e-4)
    np.testing.assert_allclose(view.measured["tangent_kernel/initial_alignment"], 1, rtol=1e-5)


def kernel(params, inputs, outputs, symbols):
    """Gradients of each output of a one-hot ReLU network by hand: of W the units, of U and V the row of the input."""
    units, _ = outputs_of_mlp(params, inputs, symbols)
    hot = np.eye(symbols)[inputs[:, :2]].reshape(len(inputs), -1)
    total = np.zeros((len(inputs), len(inputs)))
    for output in outputs:
        back = (units > 0) * params["output"]["kernel"][:, output]
        total += units @ units.T + (hot @ hot.T) * (back @ back.T)
    return total / len(outputs)


@pytest.mark.parametrize("outputs", [3, 100])
def test_alignments_of_a_network_are_those_of_gradients_by_hand(outputs):
    run = Run(task=ModularArithmetic(modulus=7), model=MLP(width=9), optimizer=AdamW())
    view = shown(run, TangentKernel(examples=16, outputs=outputs))
    chosen = [0, 2, 4] if outputs == 3 else range(7)
    order = np.argsort(view.targets, kind="stable")  # 49 examples, the first and the last eight of them
    rows = np.concatenate([order[:8], order[41:49]])
    now, then = (kernel(params, view.inputs[rows], chosen, 7) for params in (view.params, view.initial))
    same = (view.targets[rows][:, None] == view.targets[rows][None]).astype(float)
    np.testing.assert_allclose(view.measured["tangent_kernel/task_alignment"], cosine(now, same), rtol=1e-3)
    np.testing.assert_allclose(view.measured["tangent_kernel/initial_alignment"], cosine(now, then), rtol=1e-4)
    assert view.measured["tangent_kernel/initial_alignment"] < 0.999


def test_at_the_initial_parameters_the_kernel_is_the_initial_one():
    run = Run(task=ModularArithmetic(modulus=7), model=MLP(width=9), optimizer=AdamW())
    found = shown(run, TangentKernel(examples=10, outputs=2), SAME).measured
    np.testing.assert_allclose(found["tangent_kernel/initial_alignment"], 1, rtol=1e-5)
