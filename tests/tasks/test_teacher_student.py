"""Are targets what the teacher, written out, answers?"""

import numpy as np
import pytest

from grokjax.tasks.drawn_numbers import uniforms
from grokjax.tasks.teacher_student import TeacherStudent


def examples(folder):
    del folder
    return [TeacherStudent(examples=60, train_size=20), TeacherStudent(examples=40, depth=1, outputs=1, train_size=9)]


def test_targets_are_the_teacher_written_out():
    task = TeacherStudent(inputs=3, outputs=2, width=4, depth=2, examples=5, train_size=2, teacher_seed=7)
    table = task.table()
    for x, y in zip(table.inputs.astype(np.float64), table.targets, strict=True):
        for layer, (fan_in, fan_out) in enumerate([(3, 4), (4, 4), (4, 2)]):
            drawn = (2 * uniforms(7, layer, (fan_in + 1, fan_out)) - 1) * fan_in**-0.5
            x = np.array(
                [drawn[0, unit] + sum(x[k] * drawn[k + 1, unit] for k in range(fan_in)) for unit in range(fan_out)]
            )
            x = np.tanh(x) if layer < 2 else x
        np.testing.assert_allclose(y, x, rtol=1e-5, atol=1e-7)


def test_inputs_are_standard_normal_and_seeds_are_told_apart():
    first = TeacherStudent(examples=20_000).table()
    assert np.abs(first.inputs.mean(axis=0)).max() < 0.04
    np.testing.assert_allclose(np.cov(first.inputs.T), np.eye(5), atol=0.05)
    teacher, data = (
        TeacherStudent(examples=20_000, **seed).table() for seed in ({"teacher_seed": 1}, {"data_seed": 1})
    )
    assert np.array_equal(first.inputs, teacher.inputs) and not np.array_equal(first.targets, teacher.targets)
    assert not np.array_equal(first.inputs, data.inputs)


def test_an_example_is_right_within_the_tolerance():
    task = TeacherStudent(tolerance=0.01)
    targets = np.zeros((3, 5), np.float32)
    outputs = np.array([[0.09] * 5, [0.11] * 5, [0.2, 0, 0, 0, 0]], np.float32)
    assert np.asarray(task.correct(outputs, targets)).tolist() == [True, False, True]


def test_more_train_examples_than_the_pool_has_are_refused():
    with pytest.raises(ValueError, match=r"task.train_size: must be at most the pool's 200 examples, got 201"):
        TeacherStudent(train_size=201).counts(TeacherStudent().signature())
