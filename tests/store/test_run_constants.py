"""Does each run keep the label noise of its own task and its own minibatch, also where whole tasks are the axis?"""

import dataclasses
import types

import numpy as np
import pytest

from grokjax import open_results
from grokjax.analysis.phases import label
from grokjax.analysis.rules import RULES
from grokjax.core.interfaces import Task
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from tests.store.small_sweep import LANES, typed

TASKS = """
name: tasks
task: {kind: modular_arithmetic, modulus: 7}
model: {kind: mlp, activation: square, width: 16}
optimizer: {kind: adamw, learning_rate: 1.0e-2}
loss: {kind: mse}
train: {steps: 20, minibatch: 5}
axes:
  task:
    - {kind: modular_arithmetic, modulus: 7}
    - {kind: modular_arithmetic, modulus: 7, label_noise: 0.4}
measure: {every: 10, what: [fit]}
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    place = tmp_path_factory.mktemp("tasks")
    (place / "tasks.yaml").write_text(TASKS)
    assert typed("run", place / "tasks.yaml", "--out", place / "tasks", *LANES) == 0
    return open_results(place / "tasks")


def test_label_noise_is_that_of_the_run_and_not_of_the_base(results):
    is_noisy = results.runs["task"].str.endswith("label_noise=0.4").to_numpy()
    assert sorted(is_noisy) == [False, True]
    np.testing.assert_array_equal(results.looks.settings["label_noise"], np.where(is_noisy, 0.4, 0.0))
    reasons = label(results.looks, dataclasses.replace(RULES["liu2022"], horizon=20, unit="any")).reason
    assert ["without label noise, not 0.4" in reason for reason in reasons] == is_noisy.tolist()
    noisy = results.runs[is_noisy].iloc[0]
    assert noisy["phase"] in ("memorization", "confusion", "coexistence", "partial_inversion", "full_inversion")


def test_a_task_that_does_not_say_has_an_unknown_label_noise():
    assert ModularArithmetic(label_noise=0.25).stated_label_noise() == 0.25
    assert np.isnan(Task.stated_label_noise(types.SimpleNamespace()))


def test_examples_seen_and_epochs_are_those_of_the_updates(results):
    # 24 train examples (half of 49, rounded down) in minibatches of 5, 5, 5, 5, 4: 20 updates are four epochs
    assert results.runs["n_train"].tolist() == [24, 24]
    assert results.runs["examples_seen"].tolist() == [96, 96]
    assert results.runs["epochs"].tolist() == [4.0, 4.0]


def test_examples_seen_are_left_empty_where_a_share_of_each_minibatch_is_used(tmp_path):
    shares = TASKS.replace("minibatch: 5", "minibatch: {at_most: 5, used: {linear: {start: 0.2, end: 1, finish: 10}}}")
    (tmp_path / "shares.yaml").write_text(shares)
    assert typed("run", tmp_path / "shares.yaml", "--out", tmp_path / "shares", *LANES) == 0
    runs = open_results(tmp_path / "shares").runs
    assert runs["examples_seen"].isna().all()
    assert runs["epochs"].isna().all()
    assert runs["final_step"].tolist() == [20, 20]
