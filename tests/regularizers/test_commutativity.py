"""Does the penalty of swapped operands train as its gradient by hand says, and make a network that swaps them alike?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.interfaces import Regularizer
from grokjax.core.part import part
from grokjax.losses.cross_entropy import CrossEntropy
from grokjax.models.mlp import MLP
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load
from grokjax.regularizers.commutativity import Commutativity
from grokjax.regularizers.sam import SAM
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from tests.train.test_other_parameters import MODULUS, RATE, START, Trained, check_equal, descended


def examples(folder):
    del folder
    return [Commutativity(strength=0.3)]


def penalty_and_gradient(trained: Trained, weights, strength: float):
    """Outputs of one-hots are sums of rows: f(a, b) - f(b, a) = (x_a - y_a) - (x_b - y_b), float64."""
    swapped = np.concatenate([trained.inputs[:, MODULUS:], trained.inputs[:, :MODULUS]], axis=1)
    apart = (trained.inputs - swapped) @ weights["kernel"]
    slope = 2 * strength * (trained.inputs - swapped).T @ apart / len(apart)
    return strength * (apart**2).sum(axis=1).mean(), slope


def with_penalty(trained: Trained, weights, strength: float):
    loss, gradient = trained.loss_and_gradient(weights)
    penalty, slope = penalty_and_gradient(trained, weights, strength)
    return loss + penalty, {"bias": gradient["bias"], "kernel": gradient["kernel"] + slope}


def test_twenty_updates_and_the_first_loss_are_those_by_hand():
    trained = Trained(Commutativity(strength=0.1))
    expected = trained.by_hand(lambda t, weights: descended(weights, with_penalty(trained, weights, 0.1)[1]))
    check_equal(trained.train(), expected)
    assert float(trained.train(1).loss) == pytest.approx(with_penalty(trained, START, 0.1)[0], rel=1e-5)
    without = trained.by_hand(lambda t, weights: descended(weights, trained.loss_and_gradient(weights)[1]))
    assert penalty_and_gradient(trained, expected, 0.1)[0] < 0.1 * penalty_and_gradient(trained, without, 0.1)[0]


def test_sam_climbs_along_its_gradient_too():
    trained = Trained(SAM(rho=0.5), Commutativity(strength=0.1))

    def update(t, weights):
        slope = with_penalty(trained, weights, 0.1)[1]
        norm = np.sqrt(sum((leaf**2).sum() for leaf in slope.values()))
        above = {name: weights[name] + 0.5 * slope[name] / norm for name in slope}
        return descended(weights, with_penalty(trained, above, 0.1)[1])

    check_equal(trained.train(), trained.by_hand(update))


def test_an_update_of_a_network_is_that_of_the_whole_train_set_at_once():
    model = MLP(width=16, encoding="concatenated", embedding=8, shared_embedding=False)
    signature = ModularArithmetic(modulus=MODULUS).signature()
    start = jax.tree.map(np.asarray, model.init(jax.random.key(0), signature))
    trained = Trained(Commutativity(strength=2.0), start=start, model=model)
    rows = np.asarray(trained.data.split.order)[: int(trained.data.n_train)]
    x, y = (trained.run.task.table().inputs[:, place] for place in signature.operands)
    mirrored = np.array([np.flatnonzero((x == y[row]) & (y == x[row]))[0] for row in rows])

    def loss(params):
        inputs = jnp.asarray(trained.run.task.table().inputs)
        outputs = model.logits(model.prepare(params, signature), inputs, signature, None)
        apart = jnp.sum((outputs[rows] - outputs[mirrored]) ** 2, axis=1)
        return jnp.mean(CrossEntropy().loss(outputs[rows], trained.run.task.table().targets[rows]) + 2.0 * apart)

    expected = jax.tree.map(lambda leaf, slope: leaf - RATE * slope, start, jax.grad(loss)(start))
    jax.tree.map(
        lambda leaf, by_hand: np.testing.assert_allclose(leaf, by_hand, rtol=1e-3, atol=1e-4),
        trained.train(1).params,
        expected,
    )


WORDS = {
    "name": "swapped",
    "optimizer": {"kind": "adamw"},
    "task": {"kind": "modular_arithmetic", "modulus": 5},
    "model": {"kind": "mlp", "width": 4},
    "regularizers": [{"kind": "commutativity", "strength": 1}],
    "train": {"steps": 10},
}


def test_a_task_without_two_operands_is_refused_with_what_it_has():
    words = {**WORDS, "task": {"kind": "sparse_parity", "bits": 6, "train_size": 20, "examples": 50}}
    with pytest.raises(SpecError, match=r"regularizers.0: commutativity swaps two operands .* has 0 operands"):
        load(words)


@part
class Scalar(Regularizer):
    """A penalty of outputs that is one number, which would be added to each example."""

    def output_penalty(self, outputs, network, inputs, signature):
        return jnp.mean(outputs)


def test_a_penalty_that_is_not_one_number_an_example_is_refused():
    words = {**WORDS, "regularizers": [{"kind": "tests.regularizers.test_commutativity:Scalar"}]}
    with pytest.raises(SpecError, match=r"regularizers.0: output_penalty must give one number an example, gives shape"):
        load(words)
