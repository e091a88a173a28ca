"""Is a pruned run that of a plain optax loop in which pruned weights are no weights?"""

import numpy as np
import optax

from grokjax.optimizers.adamw import AdamW
from grokjax.reader.run import StoredInit
from grokjax.reader.run_settings import Pruning
from tests.train.test_other_parameters import NAMES, START, UPDATES, Trained

IS_KEPT = np.random.default_rng(2).random(START["kernel"].shape) < 0.5
PRUNED = StoredInit(source="x#y", step=0, prune=Pruning(keep=0.5, at=1))


def start_of(kernel):
    """As a pruned run is given it."""
    return {**START, "kernel": np.where(IS_KEPT, kernel, np.nan).astype(np.float32)}


def test_a_pruned_run_is_an_optax_loop_over_the_weights_that_are_left():
    trained = Trained(
        start=start_of(START["kernel"]), init=PRUNED, optimizer=AdamW(learning_rate=0.03, weight_decay=0.5)
    )
    adamw = optax.adamw(0.03, weight_decay=0.5, b2=0.98)
    mask = {"bias": np.ones_like(START["bias"]), "kernel": IS_KEPT}
    weights = {name: np.float64(START[name]) * mask[name] for name in NAMES}
    state = adamw.init(weights)
    for _ in range(UPDATES):
        gradient = trained.loss_and_gradient(weights)[1]
        updates, state = adamw.update({name: gradient[name] * mask[name] for name in NAMES}, state, weights)
        weights = {name: weights[name] + np.float64(updates[name]) for name in NAMES}
    params = trained.train().params
    for name in NAMES:
        np.testing.assert_allclose(params[name], weights[name], rtol=1e-3, atol=1e-6)
    assert not np.asarray(params["kernel"])[~IS_KEPT].any()
    assert np.all(np.asarray(params["kernel"])[IS_KEPT] != START["kernel"][IS_KEPT])


def test_a_weight_that_is_kept_and_begins_at_zero_is_trained():
    kernel = np.zeros_like(START["kernel"])
    trained = Trained(start=start_of(kernel), init=PRUNED)
    after = np.asarray(trained.train(3).params["kernel"])
    assert np.all(after[IS_KEPT] != 0) and not after[~IS_KEPT].any()
