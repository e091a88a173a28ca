"""Are examples counted whose softmax is 1 and 0 in short numbers, by a loop over numbers of that length?"""

import types

import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.interfaces import Split
from grokjax.losses.mse import MSE
from grokjax.measures.softmax_collapse import SoftmaxCollapse
from grokjax.models.linear import Linear
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.check import check_programs
from grokjax.reader.errors import SpecError
from grokjax.reader.run import Run
from grokjax.tasks.linear_teacher import LinearTeacher


def measured(outputs, labels, group):
    split = Split(order=jnp.arange(len(group)), labels=jnp.asarray(labels), group=jnp.asarray(group))
    signature = types.SimpleNamespace(target_dtype="int32")
    view = types.SimpleNamespace(split=split, signature=signature, logits=lambda: jnp.asarray(outputs))
    return SoftmaxCollapse().measure(view)


def test_shares_are_those_of_a_loop_over_examples():
    random = np.random.default_rng(0)
    outputs = (20 * random.normal(size=(400, 5))).astype(np.float32)
    labels = np.where(random.random(400) < 0.8, outputs.argmax(axis=1), 0).astype(np.int32)
    group = random.integers(0, 4, 400).astype(np.int32)
    is_absorbed, is_zero = [], []
    for row, label in zip(outputs, labels, strict=True):
        others = np.float32(0)
        for place in set(range(5)) - {int(row.argmax())}:
            others += np.exp(row[place] - row.max())
        is_absorbed.append(np.float32(1) + others == np.float32(1))
        is_zero.append(-(row[label] - row.max() - np.log(np.float32(1) + others)) == 0)
    found = measured(outputs, labels, group)
    for name, members in (("train", group < 2), ("test", group >= 2)):
        assert found[f"{name}/absorbed"] == np.float32(np.mean(np.array(is_absorbed)[members]))
        assert found[f"{name}/zero_loss"] == np.float32(np.mean(np.array(is_zero)[members]))
        assert 0 < found[f"{name}/zero_loss"] < found[f"{name}/absorbed"] < 1


@pytest.mark.parametrize(("gap", "share"), [(16.0, 0.0), (17.0, 1.0)])  # exp(-16.6) is half a unit in the last place
def test_one_output_absorbs_another_from_a_gap_of_sixteen_and_a_half_on(gap, share):
    outputs = np.array([[gap, 0.0], [0.0, gap]], np.float32)
    assert measured(outputs, np.array([0, 1], np.int32), np.array([0, 3]))["train/zero_loss"] == share


def test_long_numbers_absorb_later(enable_x64):
    outputs = np.array([[20.0, 0.0], [40.0, 0.0]])
    found = measured(outputs, np.zeros(2, np.int32), np.array([0, 0]))
    assert found["train/absorbed"] == 0.5


@pytest.fixture
def enable_x64():
    import jax

    with jax.enable_x64(True):
        yield


def test_answers_that_are_no_classes_are_refused():
    run = Run(task=LinearTeacher(), model=Linear(), optimizer=AdamW(), loss=MSE())
    with pytest.raises(SpecError, match="softmax_collapse needs classes as targets"):
        check_programs([run], [SoftmaxCollapse()])
