"""Parts of a user's own, good and bad ones, that `test_user_parts.py` puts into a folder of its own."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from grokjax.core.interfaces import Loss, Regularizer
from grokjax.core.part import Swept, part, setting


class Net(nn.Module):
    num_classes: int
    vocabulary: int = 3
    sizes: tuple[int, ...] = (4, 4)
    rate: float = 0.5

    @nn.compact
    def __call__(self, inputs, train: bool):
        hidden = nn.Embed(self.vocabulary, 4)(inputs).reshape(len(inputs), -1)
        for size in self.sizes:
            hidden = nn.relu(nn.Dense(size)(hidden))
            self.sow("intermediates", "units", hidden)
        hidden = nn.Dropout(self.rate, deterministic=not train)(hidden)
        return nn.Dense(self.num_classes)(hidden)


class Normed(nn.Module):
    @nn.compact
    def __call__(self, inputs):
        return nn.BatchNorm(use_running_average=False)(inputs.astype(float))


class Nnx(nnx.Module):
    def __init__(self, width: int, num_classes: int, vocabulary: int, rate: float = 0.5, *, rngs: nnx.Rngs):
        self.embed = nnx.Embed(vocabulary, width, rngs=rngs)
        self.hidden = nnx.List([nnx.Linear(2 * width, width, rngs=rngs), nnx.Linear(width, width, rngs=rngs)])
        self.drop = nnx.Dropout(rate, rngs=rngs)
        self.out = nnx.Linear(width, num_classes, rngs=rngs)

    def __call__(self, inputs):
        hidden = self.embed(inputs).reshape(len(inputs), -1)
        for layer in self.hidden:
            hidden = self.drop(jax.nn.relu(layer(hidden)))
        return self.out(hidden)


@part
class Hinge(Loss):
    """One minus the margin."""

    margin: Swept = setting(1.0, above=0)

    def loss(self, outputs, targets):
        chosen = jnp.take_along_axis(outputs, targets[:, None], axis=1)[:, 0]
        return jnp.maximum(0, self.margin - chosen)


class Undecorated(Loss):
    def loss(self, outputs, targets):
        return outputs[:, 0]


def descent(learning_rate, momentum=None, decay: float = 0, nesterov: bool = False, turns: int = 2):
    """Plain descent."""
    return optax.chain(optax.add_decayed_weights(decay), optax.sgd(learning_rate, momentum, nesterov))


def not_an_optimizer(learning_rate):
    return learning_rate


def torn(learning_rate=0.1):
    def update(updates, state, params=None):
        raise RuntimeError("first line\nsecond line of the message")

    return optax.GradientTransformation(lambda params: (), update)


def undimensioned(learning_rate=0.1):
    return optax.chain(optax.contrib.scale_by_muon(), optax.scale(-learning_rate))


def ridge(params, strength=0.1):
    return strength * sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(params))


def another_fit(view):
    return {"train/loss": view.step}


def no_mapping(view):
    return view.step


def of_a_missing_layer(view):
    return {"mine/norm": view.params["absent"]}


def largest(view, top: int = 1):
    return {"largest/weight": jnp.stack([jnp.max(leaf) for leaf in jax.tree.leaves(view.params)]).max()}


def pairs(targets):
    x, y = np.indices((3, 3)).reshape(2, -1)
    inputs = np.stack([x, y, np.full(9, 3)] + ([(x + y) % 3] if targets == "answers" else []), 1)
    vectors, answers = np.ones((9, 30), np.float32), np.stack([(x + y) % 3, np.full(9, 4)], 1)
    return {"inputs": inputs, "targets": vectors if targets == "vectors" else answers}


def parity(bits: int = 3):
    inputs = np.array([[int(bit) for bit in f"{n:0{bits}b}"] for n in range(2**bits)])
    return {"inputs": inputs, "targets": inputs.sum(axis=1) % 2}


def line(slope: float = 2.0):
    inputs = np.linspace(-1, 1, 9)[:, None]
    return {"inputs": inputs, "targets": slope * inputs}


def given(rows: tuple = (0, 2, 5)):
    inputs = np.arange(6)[:, None]
    return {"inputs": inputs, "targets": np.arange(6) % 2, "mirror": inputs[::-1, 0], "train_indices": np.array(rows)}


def lopsided():
    return {"inputs": np.zeros((3, 1)), "targets": np.zeros(2)}


constant = 3


@part
class Shrinking(Regularizer):
    """Gives back parameters of another number format."""

    def jitter(self, params, key, step):
        return jax.tree.map(lambda leaf: leaf.astype(jnp.float16), params)
