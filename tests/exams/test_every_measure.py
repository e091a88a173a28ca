"""Does every measure give named finite arrays, of the same shape at every step?"""

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.interfaces import Counts, View
from grokjax.core.streams import stream
from grokjax.core.words import GROUPS
from grokjax.losses.mse import MSE
from grokjax.measures.fit import block_sums, finish
from grokjax.tasks.modular_mixture import ModularMixture

MODULUS = 7
TASK = ModularMixture(first="x+y", second="x*y", modulus=MODULUS)  # examples `x op y =`, in every group


def params_at(step: jax.Array) -> dict:
    """Parameters of a linear model on one-hot operands, made up as a smooth function of the step."""
    place = jnp.arange(2 * MODULUS * MODULUS, dtype=jnp.float32).reshape(2 * MODULUS, MODULUS)
    return {"dense": {"kernel": jnp.cos(place + 0.1 * step), "bias": jnp.sin(jnp.arange(MODULUS) + 0.1 * step)}}


def logits_of(params: dict, inputs: jax.Array) -> jax.Array:
    hot = jax.nn.one_hot(inputs[:, [0, 2]], MODULUS).reshape(len(inputs), -1)
    return hot @ params["dense"]["kernel"] + params["dense"]["bias"][None]


def view_at(step: jax.Array) -> View:
    table, n_train = TASK.table(), 48
    keys = {purpose: stream(jnp.uint32(1), purpose) for purpose in ("split", "label")}
    inputs, targets = jnp.asarray(table.inputs), jnp.asarray(table.targets)
    counts = Counts(jnp.int32(n_train), jnp.int32(8))
    split = TASK.split(TASK.signature(), targets, jnp.asarray(table.mirror), counts, keys)
    params = params_at(step)
    outputs = logits_of(params, inputs)
    right = [TASK.correct(outputs, answers) for answers in (split.labels, targets)]
    weight = jnp.ones(len(inputs))
    sums = block_sums(
        outputs, split.labels, split.group, weight, *right, MSE().loss(outputs, split.labels)
    )  # fmt: skip
    return View(
        params=params,
        opt_state=(jax.tree.map(jnp.zeros_like, params), step),
        step=step,
        split=split,
        inputs=inputs,
        targets=targets,
        n_train=jnp.int32(n_train),
        apply=logits_of,
        train_loss=lambda params: jnp.mean(MSE().loss(logits_of(params, inputs), targets)),
        initial_params=lambda: params_at(jnp.int32(0)),
        fit=finish(sums),
    )


@jax.jit
def measured(measure, step) -> dict[str, jax.Array]:
    return measure.measure(view_at(step))


def test_the_made_up_view_has_every_group():
    group = jax.jit(lambda step: view_at(step).split.group)(0)
    assert set(np.asarray(group).tolist()) == set(range(len(GROUPS)))


def test_names_are_a_group_and_a_name(any_measure):
    found = measured(any_measure, 0)
    assert found and all(len(name.split("/")) >= 2 and all(name.split("/")) for name in found)


def test_values_are_finite_float32_or_int32(any_measure):
    for step in (0, 5):
        for name, value in measured(any_measure, step).items():
            assert value.dtype in (jnp.float32, jnp.int32), name
            assert np.isfinite(value).all(), name


def test_shapes_and_names_are_the_same_at_every_step(any_measure):
    shapes = [{name: value.shape for name, value in measured(any_measure, step).items()} for step in (0, 1, 5)]
    assert shapes[0] == shapes[1] == shapes[2]
