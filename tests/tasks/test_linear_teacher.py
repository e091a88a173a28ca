"""Are targets a linear map of normal inputs, and does a trained run follow the closed form of the paper?"""

import numpy as np
import pytest

from grokjax.losses.mse import MSE
from grokjax.models.linear import Linear
from grokjax.optimizers.sgd import SGD
from grokjax.reader.run import Run
from grokjax.tasks.linear_teacher import LinearTeacher
from tests.analysis.linear_theory import train_loss, updates_until


def examples(folder):
    del folder
    return [
        LinearTeacher(inputs=20, examples=60, train_size=30),
        LinearTeacher(inputs=9, outputs=3, examples=40, train_size=8),
    ]


def test_one_linear_map_explains_all_targets():
    table = LinearTeacher(inputs=20, outputs=3, examples=60).table()
    teacher, *_ = np.linalg.lstsq(table.inputs.astype(np.float64), table.targets.astype(np.float64), rcond=None)
    np.testing.assert_allclose(table.inputs @ teacher, table.targets, atol=1e-5)


def test_inputs_and_teacher_have_the_variances_of_the_paper():
    table = LinearTeacher(inputs=400, outputs=50, examples=2000).table()
    assert abs(table.inputs.var() - 1) < 0.01 and abs(table.inputs.mean()) < 0.01
    assert abs(np.var(table.targets) - 0.5) < 0.02  # 400 entries of variance 1/800 for each of 50 outputs


def test_a_run_follows_the_closed_form_and_groks_at_its_root():
    task = LinearTeacher(inputs=1000, examples=4000, train_size=2000)
    run = Run(task=task, model=Linear(init_scale=0.707107), optimizer=SGD(learning_rate=0.01), loss=MSE())
    trained = run.train(steps=2000, measure={"every": 50})
    steps = trained.history["step"].to_numpy()
    losses = trained.history["train/loss"].to_numpy()
    early = steps <= 500
    np.testing.assert_allclose(losses[early], train_loss(steps[early], 0.01, 0.5), rtol=0.15)
    for of in ("train", "test"):
        found = trained.summary[f"steps_to_{of}_95"]
        assert found == pytest.approx(updates_until(0.95, 0.01, 0.5, 1e-3, of), rel=0.05)
