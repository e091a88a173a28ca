"""Is what a measure may ask of the network that of the network, at whatever parameters it asks?"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.interfaces import Loss, Measure
from grokjax.core.part import Swept, part, setting
from grokjax.core.schedules import Linear
from grokjax.losses.cross_entropy import CrossEntropy
from grokjax.losses.mse import MSE
from grokjax.models.mlp import MLP
from grokjax.optimizers.sgd import SGD
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.run import Minibatch, Run
from grokjax.regularizers.l1 import L1
from grokjax.tasks.linear_teacher import LinearTeacher
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.train.attempt import attempt
from grokjax.train.feed import Feed

MODULUS = 13  # 169 examples: two blocks of a look, the last not full
EVERY_FIVE = Cadence("every", 5)


@part
class Asked(Measure):
    """What a measure may compute of the network, and what a truth of its own needs."""

    def measure(self, view):
        further = jax.tree.map(lambda leaf: 1.5 * leaf + 0.1, view.params)
        leaves = {f"params/{name}": leaf["kernel"] for name, leaf in view.params.items()}
        slopes = {f"slope/{name}": leaf["kernel"] for name, leaf in view.gradient().items()}
        further_slope = jax.grad(lambda params: dataclasses.replace(view, params=params).logits().sum())(further)
        return {
            **leaves,
            **slopes,
            "data/labels": view.split.labels,
            "data/train": (view.split.group < 2).astype(jnp.int32),
            "data/inputs": view.inputs,
            "asked/loss": view.train_loss(view.params),
            "asked/further": view.apply(further, view.inputs[:3]),
            "asked/replaced": dataclasses.replace(view, params=further, inputs=view.inputs[5:8]).logits(),
            "asked/further_slope": further_slope["output"]["kernel"],
        }


def seen(run, steps=5):
    """What the measure gave at the first and the last step."""
    feed = Feed(run, run.task.signature(), [run.task], MeasurePlan(EVERY_FIVE, EVERY_FIVE, (Asked(),)), None, steps)
    return [one.measured for one in attempt(feed, feed.values(run, 0, None), steps, times=1)]


@pytest.fixture(scope="module")
def noisy():
    """A run with dropout, penalties, label noise and minibatches: none but the noise enters the train loss."""
    run = Run(
        task=ModularArithmetic(modulus=MODULUS, train_fraction=0.8, label_noise=0.3),
        model=MLP(width=8, dropout=0.5),
        optimizer=SGD(learning_rate=0.1),
        loss=CrossEntropy(),
        regularizers=(L1(strength=0.1),),
        minibatch=Minibatch(at_most=20),
    )
    return run, seen(run)


def truth(run, measured):
    """The mean train loss as a function of parameters, the whole train set at once."""
    chosen = np.flatnonzero(measured["data/train"])
    inputs, labels = measured["data/inputs"][chosen], measured["data/labels"][chosen]

    def loss(params):
        outputs = run.model.logits(params, inputs, run.task.signature(), None)
        logs = jax.nn.log_softmax(outputs)
        return -jnp.take_along_axis(logs, labels[:, None], axis=1).mean()

    return loss, {
        name.removeprefix("params/"): {"kernel": leaf} for name, leaf in measured.items() if name.startswith("params/")
    }


def test_the_gradient_of_a_view_is_that_of_the_whole_train_set(noisy):
    run, steps = noisy
    for measured in steps:
        loss, params = truth(run, measured)
        assert measured["asked/loss"] == pytest.approx(float(loss(params)), rel=1e-5)
        for name, leaf in jax.grad(loss)(params).items():
            np.testing.assert_allclose(measured[f"slope/{name}"], leaf["kernel"], rtol=1e-3, atol=1e-6)
            assert np.abs(leaf["kernel"]).max() > 1e-3


def test_the_gradient_of_a_view_is_the_slope_of_the_loss(noisy):
    run, steps = noisy
    loss, params = truth(run, steps[-1])
    step = 1e-2
    slopes = {name: steps[-1][f"slope/{name}"] for name in params}

    def moved(length):
        return {name: {"kernel": leaf["kernel"] + length * slopes[name]} for name, leaf in params.items()}

    squared_length = sum(float(np.sum(slope**2)) for slope in slopes.values())
    assert float(loss(moved(step)) - loss(moved(-step))) / (2 * step) == pytest.approx(squared_length, rel=1e-2)


def test_a_view_with_other_parameters_gives_the_outputs_of_those(noisy):
    run, steps = noisy
    for measured in steps:
        _, params = truth(run, measured)
        further = jax.tree.map(lambda leaf: 1.5 * leaf + 0.1, params)

        def outputs(params, inputs):
            return run.model.logits(params, inputs, run.task.signature(), None)

        inputs = measured["data/inputs"]
        np.testing.assert_allclose(measured["asked/further"], outputs(further, inputs[:3]), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(measured["asked/replaced"], outputs(further, inputs[5:8]), rtol=1e-4, atol=1e-5)
        slope = jax.grad(lambda params, inputs=inputs: outputs(params, inputs).sum())(further)
        np.testing.assert_allclose(measured["asked/further_slope"], slope["output"]["kernel"], rtol=1e-3, atol=1e-4)


@part
class Power(Loss):
    """The error to a power."""

    power: Swept = setting(2.0, above=0)

    def loss(self, outputs, targets):
        return jnp.mean(jnp.abs(outputs - targets) ** self.power, axis=-1)


@pytest.mark.parametrize("scheduled", ["loss", "task"])
def test_a_look_reads_schedules_at_its_step(scheduled):
    ramp = Linear(start=2.0, end=1.0, finish=5)
    task = LinearTeacher(inputs=5, examples=40, train_size=30, tolerance=ramp if scheduled == "task" else 1.0)
    loss = Power(power=ramp) if scheduled == "loss" else MSE()
    run = Run(task=task, model=MLP(width=4), optimizer=SGD(learning_rate=1e-5), loss=loss)
    feed = Feed(run, run.task.signature(), [run.task], MeasurePlan(EVERY_FIVE, EVERY_FIVE, (Errors(),)), None, 5)
    for look in attempt(feed, feed.values(run, 0, None), 5, times=1):
        now = float(ramp.at(jnp.int32(look.step)))
        errors = look.measured["errors/train"][look.measured["errors/train"] >= 0]
        if scheduled == "loss":
            assert look.seen["train/loss"] == pytest.approx(float(np.mean(errors**now)), rel=1e-4)
        else:
            assert 0 < look.seen["train/correct"] == np.sum(errors**2 < now) < len(errors)


@part
class Errors(Measure):
    """Absolute error of each train example; -1 for the others."""

    def measure(self, view):
        error = jnp.abs(view.logits() - view.targets)[:, 0]
        return {"errors/train": jnp.where(view.split.group < 2, error, -1.0)}


@part
class Inside(Measure):
    """Hidden units of the whole table, of a few rows, and at other parameters."""

    def measure(self, view):
        further = dataclasses.replace(view, params=jax.tree.map(lambda leaf: 2 * leaf, view.params))
        return {
            "params/kernel": view.params["hidden_0"]["kernel"],
            "units/whole": view.activations("units")["units_0"],
            "units/further": further.activations("units", view.inputs[3:6])["units_0"],
            "rows/spread": jnp.asarray(view.spread_rows(10), jnp.int32),
            "loss/rows": view.loss(view.logits(), view.targets),
        }


def test_a_view_looks_inside_the_network_at_any_rows_and_parameters():
    run = Run(task=ModularArithmetic(modulus=MODULUS), model=MLP(width=6), optimizer=SGD(learning_rate=0.1))
    feed = Feed(run, run.task.signature(), [run.task], MeasurePlan(EVERY_FIVE, EVERY_FIVE, (Inside(),)), None, 5)
    for look in attempt(feed, feed.values(run, 0, None), 5, times=1):
        hot = np.eye(MODULUS)[run.task.table().inputs[:, :2]].reshape(MODULUS**2, -1)
        units = np.maximum(hot @ look.measured["params/kernel"], 0)
        np.testing.assert_allclose(look.measured["units/whole"], units, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(look.measured["units/further"], 2 * units[3:6], rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(look.measured["rows/spread"], np.arange(10) * 169 // 10)
        expected = (
            look.seen["train/objective"] * look.seen["train/n"] + look.seen["test/objective"] * look.seen["test/n"]
        ) / 169
        assert look.measured["loss/rows"].mean() == pytest.approx(expected, rel=1e-4)
