"""A train set that grows: does the engine walk through the stages as a loop by hand in NumPy does?

Trained is softmax regression on one-hot pairs, whose gradient is known in closed form.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.streams import stream
from grokjax.orders.identity import run_id
from grokjax.reader.errors import SpecError
from grokjax.reader.run import Curriculum, Minibatch, Run
from grokjax.reader.sweep import Sweep
from grokjax.reader.sweep_file import load
from grokjax.train.attempt import attempt
from grokjax.train.curriculum import advanced
from grokjax.train.feed import Feed
from tests.train.test_other_parameters import MODULUS, START, Trained, descended

STAGES = (2, 4)  # of 5 symbols
UPDATES = 60


class ByHand(Trained):
    """The loop by hand, which knows which examples belong to which stage."""

    def __init__(self, curriculum: Curriculum, **fields):
        super().__init__(curriculum=curriculum, **fields)
        plain = Trained(**fields)  # the order in which the train set is drawn
        count = int(plain.data.n_train)
        self.drawn = np.asarray(plain.data.split.order)[:count]
        self.largest = self.run.task.table().inputs[self.drawn][:, self.run.task.table().operands].max(axis=1)
        self.plain = plain
        self.sizes = [max(1, int((self.largest < cap).sum())) for cap in STAGES] + [count]

    def ordered(self, rule: str) -> np.ndarray:
        """Places of the drawn train set in the order in which stages take them."""
        return np.argsort({"rising": self.largest, "falling": -self.largest}[rule], kind="stable")

    def answers(self, weights, places):
        """How many of these examples are answered right, and the gradient of their mean loss."""
        inputs, targets = self.plain.inputs[places], self.plain.targets[places]
        outputs = inputs @ weights["kernel"] + weights["bias"]
        shares = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        error = (shares - targets) / len(places)
        right = int((outputs.argmax(axis=1) == targets.argmax(axis=1)).sum())
        return right, {"bias": error.sum(axis=0), "kernel": inputs.T @ error}


def walked(trained: ByHand, batches_of, accuracy: float, epochs: int):
    """Stage, its first step and weights after each update of a loop by hand.

    Args:
      batches_of: (stage, began, step) -> the batches of an epoch, each as places of the drawn train set.
    """
    weights = {name: np.asarray(value, np.float64) for name, value in START.items()}
    stage = began = passed = step = 0
    seen = [(stage, began, weights)]
    while step < UPDATES:
        right = examples = 0
        for batch in batches_of(stage, began, step):
            more, gradient = trained.answers(weights, batch)
            weights = descended(weights, gradient)
            right, examples, step = right + more, examples + len(batch), step + 1
            seen.append((stage, began, weights))
        passed = passed + 1 if right >= accuracy * examples else 0
        if passed >= epochs and stage < len(STAGES):
            stage, began, passed = stage + 1, step, 0
        seen[-1] = (stage, began, weights)
    return seen[: UPDATES + 1]


def check_equal_walk(trained: ByHand, seen) -> None:
    for updates in (0, 3, UPDATES // 2, UPDATES):
        state, (stage, began, weights) = trained.train(updates), seen[updates]
        assert (int(state.course.stage), int(state.course.began)) == (stage, began)
        for name, value in weights.items():
            np.testing.assert_allclose(state.params[name], value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rule", ["rising", "falling"])
def test_a_full_batch_walks_through_its_stages_as_a_loop_by_hand(rule):
    trained = ByHand(Curriculum(stages=STAGES, order=rule, accuracy=0.6, epochs=2))
    order = trained.ordered(rule)

    def batches(stage, began, step):
        return [order[: trained.sizes[stage]]]

    seen = walked(trained, batches, 0.6, 2)
    assert [stage for stage, *_ in seen][-1] == 2 and len({began for _, began, _ in seen}) == 3
    check_equal_walk(trained, seen)


def test_epochs_of_minibatches_are_those_of_the_stage_and_end_it():
    trained = ByHand(Curriculum(stages=STAGES, accuracy=0.5), minibatch=Minibatch(at_most=4))
    order, count = trained.ordered("rising"), trained.sizes[-1]

    def batches(stage, began, step):
        size = trained.sizes[stage]
        length = -(-size // 4)
        number = began + (step - began) // length
        words = np.asarray(jax.random.bits(stream(0, "order", number), (MODULUS**2,), jnp.uint32))[:size]
        places = order[np.argsort(words, kind="stable")]
        return [places[first : first + 4] for first in range(0, size, 4)]

    assert trained.sizes[0] < 4 < trained.sizes[1] < count
    seen = walked(trained, batches, 0.5, 1)
    assert seen[-1][0] == 2
    losses = list(attempt(_feed(trained.run), _feed(trained.run).values(trained.run, 0, START), UPDATES, times=60))
    stages = {one.step: int(one.measured["curriculum/stage"]) for one in losses}
    assert [stages[step] for step in range(UPDATES + 1)] == [stage for stage, *_ in seen]


def _feed(run: Run) -> Feed:
    return Feed(run, run.task.signature(), [run.task], Trained.measure, None, UPDATES)


def test_drawn_stages_take_the_train_set_as_it_was_drawn_and_as_many_as_the_numbers_say():
    by_operand = ByHand(Curriculum(stages=STAGES, order="shuffled"))
    np.testing.assert_array_equal(by_operand.data.split.order, by_operand.plain.data.split.order)
    np.testing.assert_array_equal(by_operand.data.stages, by_operand.sizes)
    by_share = ByHand(Curriculum(by="example", stages=(0.2, 0.6)))
    np.testing.assert_array_equal(by_share.data.split.order, by_share.plain.data.split.order)
    np.testing.assert_array_equal(by_share.data.stages, [3, 9, 15])  # of 15 train examples


def test_a_stage_ends_after_its_most_updates_however_wrong_the_answers_are():
    trained = ByHand(Curriculum(stages=STAGES, accuracy=None, at_most=7))
    stages = [(int(state.course.stage), int(state.course.began)) for state in map(trained.train, (6, 7, 13, 14, 40))]
    assert stages == [(0, 0), (1, 7), (1, 7), (2, 14), (2, 14)]


def test_epochs_in_a_row_are_counted_anew_in_each_stage():
    curriculum, always = Curriculum(stages=STAGES, accuracy=0.5, epochs=3), jnp.asarray(True)
    state, stages = ByHand(curriculum).state, []
    for _ in range(7):
        course = advanced(curriculum, state, jnp.int32(4), jnp.int32(4), always)
        state = state._replace(course=course, step=state.step + 1)
        stages.append((int(course.stage), int(course.began)))
    assert stages == [(0, 0), (0, 0), (1, 3), (1, 3), (1, 3), (2, 6), (2, 6)]


def test_test_examples_stay_test_examples_and_no_train_example_is_lost():
    trained = ByHand(Curriculum(stages=STAGES))
    count = int(trained.data.n_train)
    staged, drawn = (np.asarray(one.data.split.order) for one in (trained, trained.plain))
    assert sorted(staged[:count]) == sorted(drawn[:count])
    np.testing.assert_array_equal(staged[count:], drawn[count:])


BASE = {
    "task": {"kind": "modular_arithmetic", "modulus": 5, "train_fraction": 0.6},
    "model": {"kind": "mlp", "width": 8},
    "optimizer": {"kind": "adamw"},
}


def sweep(curriculum, **fields) -> Sweep:
    return Sweep(name="grown", base={**BASE, **fields, "train": {"curriculum": curriculum}}, steps=10)


@pytest.mark.parametrize(
    ("curriculum", "said"),
    [
        ({"stages": []}, r"train.curriculum.stages: expected at least one number"),
        ({"stages": [3, 2]}, r"train.curriculum.stages: expected at least one number, each larger"),
        ({"stages": [5]}, r"train.curriculum.stages: must be whole numbers up to the largest operand, 4"),
        ({"stages": [2.5]}, r"train.curriculum.stages: must be whole numbers up to the largest operand, 4"),
        ({"stages": [2], "accuracy": None}, r"train.curriculum: no stage would ever end"),
        ({"by": "example", "stages": [0.5, 1.5]}, r"train.curriculum.stages: must be shares of the train set below 1"),
        ({"stages": [2], "order": "risin"}, r"train.curriculum.order: .*rising"),
        ({"stage": [2]}, r"train.curriculum.stage: .*stages"),
    ],
)
def test_a_curriculum_that_makes_no_sense_is_refused_by_its_key(curriculum, said):
    with pytest.raises(SpecError, match=said):
        sweep(curriculum).check()


def test_operands_are_refused_where_examples_have_none():
    with pytest.raises(SpecError, match=r"train.curriculum.by: examples of this task have no operands"):
        sweep({"stages": [2]}, task={"kind": "sparse_parity", "bits": 6, "relevant": 2, "train_size": 30}).check()


def test_a_sweep_file_says_a_curriculum_back_and_only_a_curriculum_changes_the_run_id():
    plain, grown = sweep(None), sweep({"stages": [2, 4], "at_most": 9})
    mapping = grown.to_mapping()
    assert load(mapping).base == grown.base
    assert mapping["train"]["curriculum"]["stages"] == [2, 4] and "curriculum" not in plain.to_mapping()["train"]
    ids = {run_id(one.base) for one in (plain, grown, sweep({"stages": [2, 4], "at_most": 8}))}
    assert len(ids) == 3 and run_id(plain.base) == run_id(sweep(None).base)
