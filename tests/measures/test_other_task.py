"""Is the accuracy on another task that of NumPy, and is a task of other shapes refused?"""

import numpy as np
import pytest

from grokjax.measures.other_task import OtherTask
from grokjax.models.mlp import MLP
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.run import Run
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from tests.measures.small_runs import shown

OTHER = OtherTask(task=ModularArithmetic(modulus=7, operation="x*y"))
RUN = Run(task=ModularArithmetic(modulus=7), model=MLP(width=16), optimizer=AdamW())


def examples(_folder):
    return [OTHER]


def test_the_accuracy_is_that_of_numpy_over_the_whole_table_of_the_other_task():
    seen = shown(RUN, OTHER)
    x, y = seen.inputs[:, RUN.task.signature().operands].T
    one_hot = np.concatenate([np.eye(7)[x], np.eye(7)[y]], axis=1)
    hidden = np.maximum(one_hot @ seen.params["hidden_0"]["kernel"] + seen.params["hidden_0"].get("bias", 0), 0)
    answers = (hidden @ seen.params["output"]["kernel"] + seen.params["output"].get("bias", 0)).argmax(axis=1)
    other = OTHER.task.table()
    wanted = {tuple(row): target for row, target in zip(other.inputs.tolist(), other.targets.tolist(), strict=True)}
    right = [wanted[tuple(row)] == answer for row, answer in zip(seen.inputs.tolist(), answers.tolist(), strict=True)]
    assert 0 < np.mean(right) < 1
    assert seen.measured["other_task/accuracy"] == np.float32(np.mean(right))


def test_a_task_of_other_shapes_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"measure.what: other_task has num classes 11, the network's is 7"):
        shown(RUN, OtherTask(task=ModularArithmetic(modulus=11)))
    with pytest.raises(ValueError, match=r"measure.what: other_task has input shape \(4,\), the network's is \("):
        shown(RUN, OtherTask(task=ModularArithmetic(modulus=7, sequence="x op y =")))
