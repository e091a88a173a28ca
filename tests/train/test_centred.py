"""Is what a centred model trains scale * (f(params) - f(start)), at every place that computes its outputs?"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.schedules import Linear
from grokjax.drive.options import Options
from grokjax.drive.run_sweep import run_sweep
from grokjax.lab.opened import open_results
from grokjax.models.mlp import MLP
from grokjax.models.transformer import Transformer
from grokjax.optimizers.sgd import SGD
from grokjax.reader.run import StoredInit
from grokjax.reader.sweep_file import load
from grokjax.train import look
from tests.train.test_other_parameters import UPDATES, Trained

MODELS = [
    MLP(width=8, bias=True, output_scale=3.0, centred=True),
    Transformer(width=8, heads=1, mlp_width=8, centred=True, output_scale=Linear(start=1.0, end=2.0, finish=10.0)),
]
RATE = 0.05
DRAWN, STORED = {"start": None, "init": None}, {"init": StoredInit(source="x#y", step=0)}


def outputs(model, params, inputs, signature, t: int):
    """Those of the plain model, times the scale at update t."""
    scale = model.output_scale
    factor = 1 + min(t, 10) / 10 if isinstance(scale, Linear) else scale
    plain = dataclasses.replace(model, output_scale=None, centred=False, form="plain")
    return factor * plain.logits(params, inputs, signature, None)


@pytest.mark.parametrize(("model", "where"), [(MODELS[0], DRAWN), (MODELS[1], STORED)], ids=["drawn", "stored"])
def test_updates_with_decay_are_those_of_the_difference_by_automatic_differentiation(model, where):
    decay = 0.01
    trained = functools.partial(Trained, model=model, optimizer=SGD(learning_rate=RATE, weight_decay=decay))
    if where is STORED:
        signature = Trained().run.task.signature()
        where = {**STORED, "start": jax.tree.map(np.asarray, model.init(jax.random.key(5), signature))}
    trained = trained(**where)
    start, table, signature = trained.state.params, trained.run.task.table(), trained.run.task.signature()
    rows = np.asarray(trained.data.split.order)[: int(trained.data.n_train)]

    def loss(params, t):
        of = functools.partial(outputs, model, inputs=jnp.asarray(table.inputs[rows]), signature=signature, t=t)
        return jnp.mean(trained.run.loss.loss(of(params) - of(start), table.targets[rows]))

    params = start
    for t in range(UPDATES):
        slope = jax.grad(loss)(params, t)
        params = jax.tree.map(lambda leaf, of: leaf - RATE * (of + decay * leaf), params, slope)
    state = trained.train()
    assert np.isfinite(float(state.loss))
    for ours, by_hand in zip(jax.tree.leaves(state.params), jax.tree.leaves(params), strict=True):
        np.testing.assert_allclose(ours, by_hand, rtol=1e-3, atol=1e-4)
    seen = look.fit(trained.program, trained.leaves, trained.data, trained.state, trained.tables)
    answers = outputs(model, start, table.inputs[:1], signature, 0).shape[-1]
    assert float(seen["train/loss"]) == pytest.approx(np.log(answers), rel=1e-6)  # all outputs begin at 0
    assert float(look.fit(trained.program, trained.leaves, trained.data, state, trained.tables)["train/loss"]) == (
        pytest.approx(float(loss(params, UPDATES)), rel=1e-3)
    )


@pytest.mark.slow
def test_stored_networks_answer_as_they_were_trained(tmp_path):
    words = {
        "name": "centred",
        "task": {"kind": "modular_arithmetic", "modulus": 7},
        "model": {"kind": "mlp", "width": 8, "init_scale": 3, "centred": True},
        "optimizer": {"kind": "adamw", "learning_rate": 0.03},
        "train": {"steps": 20},
    }
    run_sweep(load(words), tmp_path / "centred", Options(lanes=1))
    results = open_results(tmp_path / "centred")
    (name,) = results.runs["run_id"]
    data, answers = results.dataset(name), results.logits(name)
    shares = np.exp(answers - answers.max(axis=1, keepdims=True))
    losses = -np.log(shares[np.arange(49), data["targets"]] / shares.sum(axis=1))
    assert losses[data["train_index"]].mean() == pytest.approx(results.runs["train/loss"][0], rel=1e-4)
    plain = dataclasses.replace(results.model(name).model, centred=False)
    signature, params = results.signature(name), results.params(name)
    raw = plain.logits(plain.prepare(params, signature), data["inputs"], signature, None)
    assert np.abs(answers - raw).max() > 0.1  # what is subtracted is not small
    assert sorted(params) == sorted(plain.init(jax.random.key(0), signature))  # nor is it among the parameters
