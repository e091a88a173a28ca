"""Parameters at which an update takes its gradient, and noise after it: does the engine do what NumPy does by hand?

Trained is softmax regression on one-hot pairs, whose gradient is known in closed form.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.interfaces import Loss, Model, Regularizer
from grokjax.core.part import part
from grokjax.core.streams import stream, substream
from grokjax.losses.cross_entropy import CrossEntropy
from grokjax.optimizers.sgd import SGD
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.run import Run, Seeds, StoredInit
from grokjax.regularizers.clip import Clip
from grokjax.regularizers.l2 import L2
from grokjax.regularizers.sam import SAM
from grokjax.regularizers.update_noise import UpdateNoise
from grokjax.regularizers.weight_jitter import WeightJitter
from grokjax.regularizers.weight_noise import WeightNoise
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.train.feed import Feed
from grokjax.train.program import run_of
from grokjax.train.step import init, step

MODULUS, UPDATES, RATE = 5, 20, 0.7
NAMES = ("bias", "kernel")  # in the order of the tree's leaves
START = {
    "bias": np.float32(np.random.default_rng(1).normal(size=MODULUS)),
    "kernel": np.float32(np.random.default_rng(0).normal(size=(2 * MODULUS, MODULUS))),
}


@part
class Softmax(Model):
    """Outputs are `onehot(x, y) @ kernel + bias`."""

    def init(self, key, signature):
        return {"bias": jnp.zeros(signature.num_classes), "kernel": jnp.zeros((2 * MODULUS, signature.num_classes))}

    def logits(self, prepared, inputs, signature, key):
        x, y = prepared["kernel"][:MODULUS], prepared["kernel"][MODULUS:]
        return (
            jax.nn.one_hot(inputs[:, 0], MODULUS) @ x
            + jax.nn.one_hot(inputs[:, 1], MODULUS) @ y
            + prepared["bias"][None]
        )


class Trained:
    """A run of the engine, and the same examples for a loop by hand in float64."""

    def __init__(self, *regularizers: Regularizer, start=START, **fields):
        task = ModularArithmetic(modulus=MODULUS, train_fraction=0.6)
        self.run = Run(
            task=task,
            regularizers=regularizers,
            seeds=Seeds(noise=3),
            **{
                "model": Softmax(),
                "optimizer": SGD(learning_rate=RATE),
                "init": StoredInit(source="x#y", step=0),
                **fields,
            },
        )
        feed = Feed(self.run, task.signature(), [task], self.measure, None, UPDATES)
        self.program = feed.program(1, 1)
        self.tables = jax.tree.map(jnp.asarray, feed.tables)
        values = feed.values(self.run, 0, start)
        self.leaves = [jnp.asarray(leaf) for leaf in values.leaves]
        self.data, self.state = init(self.program, jax.tree.map(jnp.asarray, values), self.tables)
        rows = np.asarray(self.data.split.order)[: int(self.data.n_train)]
        pairs = task.table().inputs[rows][:, task.table().operands]
        one_hot = np.eye(MODULUS)
        self.inputs = np.concatenate([one_hot[pairs[:, 0]], one_hot[pairs[:, -1]]], axis=1)
        self.targets = one_hot[task.table().targets[rows]]

    measure = MeasurePlan(every=Cadence("every", UPDATES), looks=Cadence("every", UPDATES), what=())

    def train(self, updates: int = UPDATES):
        """State after so many updates."""

        @jax.jit
        def update(leaves, state):
            return step(self.program, run_of(self.program, leaves), self.data, state, self.tables, 1)

        state = self.state
        for _ in range(updates):
            state = update(self.leaves, state)
        return state

    def loss_and_gradient(self, weights):
        """Mean cross entropy and its gradient by hand, float64."""
        outputs = self.inputs @ weights["kernel"] + weights["bias"]
        shares = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        error = (shares - self.targets) / len(self.inputs)
        loss = -np.log((shares * self.targets).sum(axis=1)).mean()
        return loss, {"bias": error.sum(axis=0), "kernel": self.inputs.T @ error}

    def by_hand(self, update):
        """Weights after `update(t, weights) -> weights`, from the same start."""
        weights = {name: np.asarray(value, np.float64) for name, value in START.items()}
        for t in range(UPDATES):
            weights = update(t, weights)
        return weights


def noise(index: int, t: int, name: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """What regularizer `index` draws for an array at update t, by the documented keys."""
    key = substream(substream(stream(3, "noise", t), index), NAMES.index(name))
    return np.asarray(jax.random.normal(key, START[name].shape if shape is None else shape), np.float64)


def descended(weights, gradient):
    return {name: weights[name] - RATE * gradient[name] for name in NAMES}


def check_equal(state, weights):
    for name in NAMES:
        np.testing.assert_allclose(state.params[name], weights[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("relative", [False, True])
def test_weight_noise_takes_the_gradient_at_noisy_weights_and_moves_the_others(relative):
    trained = Trained(Clip(max_norm=1e6), WeightNoise(std=0.3, relative=relative))

    def noisy(t, weights):
        def unit(name):
            return np.sqrt((weights[name] ** 2).mean()) if relative else 1.0

        return {name: weights[name] + 0.3 * unit(name) * noise(1, t, name) for name in NAMES}

    weights = trained.by_hand(lambda t, weights: descended(weights, trained.loss_and_gradient(noisy(t, weights))[1]))
    check_equal(trained.train(), weights)
    first = trained.loss_and_gradient(noisy(0, START))[0]
    assert float(trained.train(1).loss) == pytest.approx(first, rel=1e-5)


def test_a_penalty_beside_weight_noise_is_that_of_the_noisy_weights():
    trained = Trained(WeightNoise(std=0.3), L2(strength=0.2))

    def update(t, weights):
        noisy = {name: weights[name] + 0.3 * noise(0, t, name) for name in NAMES}
        gradient = trained.loss_and_gradient(noisy)[1]
        return descended(weights, {name: gradient[name] + 0.2 * noisy[name] for name in NAMES})

    check_equal(trained.train(), trained.by_hand(update))


@pytest.mark.parametrize("strength", [0.0, 0.2])
def test_sam_descends_along_the_gradient_uphill_with_penalties_at_the_weights_themselves(strength):
    trained = Trained(SAM(rho=0.5), L2(strength=strength))

    def update(t, weights):
        slope = trained.loss_and_gradient(weights)[1]
        norm = np.sqrt(sum((slope[name] ** 2).sum() for name in NAMES))
        above = {name: weights[name] + 0.5 * slope[name] / norm for name in NAMES}
        gradient = trained.loss_and_gradient(above)[1]
        return descended(weights, {name: gradient[name] + strength * weights[name] for name in NAMES})

    state = trained.train()
    check_equal(state, trained.by_hand(update))
    penalty = 0.5 * strength * sum((START[name] ** 2).sum() for name in NAMES)
    first = trained.loss_and_gradient(START)[0] + penalty
    assert float(trained.train(1).loss) == pytest.approx(first, rel=1e-5)


def test_sam_starts_its_ascent_at_noisy_weights():
    trained = Trained(SAM(rho=0.5), WeightNoise(std=0.3))

    def update(t, weights):
        noisy = {name: weights[name] + 0.3 * noise(1, t, name) for name in NAMES}
        slope = trained.loss_and_gradient(noisy)[1]
        norm = np.sqrt(sum((slope[name] ** 2).sum() for name in NAMES))
        above = {name: noisy[name] + 0.5 * slope[name] / norm for name in NAMES}
        return descended(weights, trained.loss_and_gradient(above)[1])

    check_equal(trained.train(), trained.by_hand(update))


def test_update_noise_and_jitter_stay_in_the_weights_and_each_draws_its_own():
    trained = Trained(UpdateNoise(std=0.05), WeightJitter(std=0.2), UpdateNoise(std=0.01))

    def update(t, weights):
        after = descended(weights, trained.loss_and_gradient(weights)[1])
        after = {name: after[name] + 0.05 * noise(0, t, name) for name in NAMES}
        after = {name: after[name] * np.exp(0.2 * noise(1, t, name, ())) for name in NAMES}
        return {name: after[name] + 0.01 * noise(2, t, name) for name in NAMES}

    check_equal(trained.train(), trained.by_hand(update))


def test_frozen_parameters_and_pruned_zeros_are_neither_noisy_nor_raised():
    pruned = {**START, "kernel": START["kernel"] * (np.arange(2 * MODULUS) % 2)[:, None]}
    held = StoredInit(source="x#y", step=0, freeze=("bias",), mask=("kernel",))
    everything = (WeightNoise(std=0.3), SAM(rho=0.5), UpdateNoise(std=0.1), WeightJitter(std=0.1))
    seen = []

    @part
    class Watched(Softmax):
        def prepare(self, params, signature):
            jax.debug.callback(lambda bias, kernel: seen.append((bias, kernel)), params["bias"], params["kernel"])
            return params

    trained = Trained(*everything, start=pruned, init=held, model=Watched())
    state = trained.train(3)
    jax.effects_barrier()
    assert len(seen) >= 6
    for bias, kernel in [*seen, (state.params["bias"], state.params["kernel"])]:
        np.testing.assert_array_equal(bias, START["bias"])
        assert not np.asarray(kernel)[::2].any()
    assert np.all(np.asarray(state.params["kernel"])[1::2] != pruned["kernel"][1::2])


@pytest.mark.parametrize(("regularizers", "gradients"), [((), 1), ((Clip(), WeightNoise()), 1), ((SAM(), Clip()), 2)])
def test_only_a_part_that_ascends_costs_a_second_gradient(regularizers, gradients):
    traced = []

    @part
    class Counted(Loss):
        def loss(self, outputs, targets):
            traced.append(1)
            return CrossEntropy().loss(outputs, targets)

    Trained(*regularizers, loss=Counted()).train(1)
    assert len(traced) == gradients


def test_a_part_that_only_filters_draws_no_noise():
    def drawn(*regularizers):
        trained = Trained(*regularizers)
        traced = jax.make_jaxpr(
            lambda leaves: step(trained.program, run_of(trained.program, leaves), trained.data, trained.state,
                                trained.tables, 1)
        )(trained.leaves)  # fmt: skip
        return str(traced).count("random_fold_in")

    assert drawn(Clip()) == drawn(dataclasses.replace(Clip(), max_norm=2.0)) < drawn(UpdateNoise())
