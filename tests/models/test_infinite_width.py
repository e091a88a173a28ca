"""Do outputs move alike at every width, by the starts `mup` and `ntk` and the learning rates that belong to them?"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from grokjax.core.streams import stream
from grokjax.losses.cross_entropy import CrossEntropy
from grokjax.models.mlp import MLP
from grokjax.optimizers.adamw import AdamW
from grokjax.optimizers.grouped import Grouped
from grokjax.optimizers.sgd import SGD
from grokjax.tasks.modular_arithmetic import ModularArithmetic

WIDTHS = (64, 2048)
TASK = ModularArithmetic(modulus=13)
EXAMPLES = 4  # few: the directions of single units then agree, and sums over them reach their limit early
FAN_IN = 26  # two operands of 13 symbols


def move(preset: str, width: int, optimizer) -> tuple[float, float]:
    """Root mean square of the outputs before the first update, and of their change by it."""
    signature, table = TASK.signature(), TASK.table()
    model = MLP.preset(preset, width=width)
    inputs, targets = jnp.asarray(table.inputs[:EXAMPLES]), jnp.asarray(table.targets[:EXAMPLES])

    def outputs(params):
        return model.logits(model.prepare(params, signature), inputs, signature, None)

    @jax.jit
    def sizes(key):
        params = model.init(key, signature)
        gradient = jax.grad(lambda params: CrossEntropy().loss(outputs(params), targets).mean())(params)
        transform = optimizer.transform()
        updates, _ = transform.update(gradient, transform.init(params), params)
        change = outputs(optax.apply_updates(params, updates)) - outputs(params)
        return jnp.sqrt(jnp.mean(outputs(params) ** 2)), jnp.sqrt(jnp.mean(change**2))

    return tuple(np.mean([sizes(stream(seed, "init")) for seed in range(5)], axis=0).tolist())


def by_rates(kind, first: float, output: float):
    return Grouped(pattern="output/*", matched=kind(learning_rate=output), rest=kind(learning_rate=first))


@pytest.mark.parametrize(
    ("preset", "optimizer"),
    [
        ("mup", lambda width: by_rates(AdamW, 0.01, 0.64 / width)),
        ("ntk", lambda width: by_rates(SGD, 1.0 / FAN_IN, 1.0 / width)),
    ],
)
def test_outputs_move_alike_at_every_width_with_the_rates_of_the_start(preset, optimizer):
    narrow, wide = (move(preset, width, optimizer(width))[1] for width in WIDTHS)
    assert 0.5 < wide / narrow < 2


@pytest.mark.parametrize(("preset", "kind"), [("mup", AdamW), ("ntk", SGD)])
def test_with_one_rate_for_all_they_move_further_in_wide_networks(preset, kind):
    narrow, wide = (move(preset, width, kind(learning_rate=0.01))[1] for width in WIDTHS)
    assert wide / narrow > 8


def test_outputs_vanish_with_width_before_training_under_mup_and_not_under_ntk():
    for preset, factor in (("mup", np.sqrt(WIDTHS[1] / WIDTHS[0])), ("ntk", 1.0)):
        narrow, wide = (move(preset, width, SGD())[0] for width in WIDTHS)
        assert narrow / wide == pytest.approx(factor, rel=0.2)
