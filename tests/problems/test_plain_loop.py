"""A run's losses are those of a plain Python loop: networks, losses, decays and the order of minibatches by hand."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from grokjax.core.schedules import Linear
from grokjax.losses.cross_entropy import CrossEntropy
from grokjax.losses.mse import MSE
from grokjax.models.mlp import MLP
from grokjax.models.transformer import Transformer
from grokjax.optimizers.adam_independent_decay import AdamIndependentDecay
from grokjax.optimizers.adam_l2 import AdamL2
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.run import Minibatch, Precision, Run, Seeds
from grokjax.store.records import flat_params
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.train.devices import choose_pools
from grokjax.train.executables import Traced
from grokjax.train.feed import Feed
from grokjax.train.worker import LocalWorker

STEPS, MODULUS = 200, 11
EXACT = 1e-8  # relative, in float64, over all steps: the same formulas, summed in another order
RELATIVE, FIRST = 2e-3, 100  # in float32: Adam divides by small numbers and carries roundings along, faster and faster
SEEDS = Seeds(split=3, init=1, order=2**32 - 1, noise=7)


@dataclasses.dataclass(frozen=True)
class Case:
    """One setting of everything that changes an update."""

    model: object
    optimizer: object
    loss: object = CrossEntropy()
    label_noise: float = 0.0
    at_most: int | None = None
    used: Linear | None = None  # share of a minibatch that an update takes

    def run(self, params: str = "float32") -> Run:
        task = ModularArithmetic(modulus=MODULUS, train_fraction=0.6, label_noise=self.label_noise)
        minibatch = None if self.at_most is None else Minibatch(at_most=self.at_most, used=self.used)
        return Run(
            task=task,
            model=self.model,
            optimizer=self.optimizer,
            loss=self.loss,
            minibatch=minibatch,
            seeds=SEEDS,
            precision=Precision(params=params),
        )


NETWORK = MLP(width=24, encoding="one_hot", bias=True)
DECODER = Transformer(width=16, heads=2, mlp_width=24)
CASES = {
    "mlp, decoupled decay, warm-up": Case(NETWORK, AdamW(learning_rate=0.01, weight_decay=0.5, warmup=20.0)),
    "mlp, coupled decay, minibatches": Case(NETWORK, AdamL2(learning_rate=0.003, weight_decay=0.01), at_most=32),
    "mlp, independent decay, squared error, label noise": Case(
        MLP(width=24, activation="square"),
        AdamIndependentDecay(learning_rate=0.01, weight_decay=0.002, warmup=10.0),
        MSE(),
        label_noise=0.3,
    ),
    "mlp, minibatches that grow from one example": Case(
        NETWORK, AdamW(), at_most=32, used=Linear(start=0.01, end=1.0, begin=10, finish=110)
    ),
    "transformer, decoupled decay": Case(DECODER, AdamW(learning_rate=0.003, weight_decay=1.0)),
    "transformer, independent decay, minibatches, label noise": Case(
        DECODER, AdamIndependentDecay(learning_rate=0.003, weight_decay=0.001), label_noise=0.2, at_most=25
    ),
}


def train_by_engine(run: Run):
    """Initial parameters, the run's data, and its loss at every update."""
    measure = MeasurePlan(every=Cadence("every", 100), looks=Cadence("every", 100), what=())
    feed = Feed(run, run.task.signature(), [run.task], measure, None, STEPS)
    pool = choose_pools("cpu", "map")[0]
    values = feed.values(run)
    worker = LocalWorker(Traced(feed.program(1, 1), pool).compile([pool], values, feed.tables, feed.schedule)[0])
    try:
        worker.fill(0, 0, values)
        before = worker.take(0)
        losses = []
        for _ in range(STEPS):
            worker.start_segment(worker.steps + 1, False).result()
            losses.append(float(worker.losses()[0]))
        return flat_params(before.state.params), before.data, np.array(losses)
    finally:
        worker.close()


def mlp_outputs(params, pairs, activation):
    one_hot = jnp.concatenate([jax.nn.one_hot(pairs[:, place], MODULUS) for place in (0, 1)], axis=1)
    hidden = one_hot @ params["hidden_0/kernel"] + params.get("hidden_0/bias", jnp.zeros(1))[None]
    hidden = jnp.maximum(hidden, 0.0) if activation == "relu" else hidden**2
    return hidden @ params["output/kernel"] + params.get("output/bias", jnp.zeros(1))[None]


def decoder_outputs(params, tokens, heads):
    stream = params["embed/embedding"][tokens] + params["positions/embedding"][None]
    width, length = stream.shape[-1], stream.shape[1]
    mixed = []
    for head in range(heads):
        columns = slice(head * width // heads, (head + 1) * width // heads)
        query, key, value = (
            stream @ params[f"layer_0/attention/{name}/kernel"][:, columns] for name in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / (width // heads) ** 0.5
        scores = jnp.where(jnp.tril(jnp.ones((length, length), bool))[None], scores, -1e30)
        mixed.append(jax.nn.softmax(scores) @ value)
    stream = stream + jnp.concatenate(mixed, axis=-1) @ params["layer_0/attention/output/kernel"]
    inner = jnp.maximum(
        stream @ params["layer_0/mlp/hidden/kernel"] + params["layer_0/mlp/hidden/bias"][None, None], 0.0
    )
    stream = stream + inner @ params["layer_0/mlp/output/kernel"] + params["layer_0/mlp/output/bias"][None, None]
    return stream[:, -1] @ params["output/kernel"]


def mean_loss(case: Case, params, inputs, labels):
    if isinstance(case.model, MLP):
        outputs = mlp_outputs(params, inputs, case.model.activation)
    else:
        outputs = decoder_outputs(params, inputs, case.model.heads)
    if isinstance(case.loss, MSE):
        return jnp.mean((outputs - jax.nn.one_hot(labels, outputs.shape[1])) ** 2)
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(outputs), labels[:, None], axis=1))


def plain_optimizer(optimizer) -> optax.GradientTransformation:
    def rate(step):
        return (
            optimizer.learning_rate * min(float(step) / optimizer.warmup, 1.0)
            if optimizer.warmup
            else optimizer.learning_rate
        )

    if isinstance(optimizer, AdamW):
        return lambda step: optax.adamw(rate(step), b1=0.9, b2=0.98, weight_decay=optimizer.weight_decay)
    if isinstance(optimizer, AdamL2):
        return lambda step: optax.chain(
            optax.add_decayed_weights(optimizer.weight_decay), optax.adam(rate(step), b2=0.98)
        )
    return lambda step: optax.adam(rate(step), b1=0.9, b2=0.98)


def minibatches(case: Case, order: np.ndarray):
    """Examples of every update, from the documented rule."""
    size = len(order) if case.at_most is None else case.at_most
    per_epoch = -(-len(order) // size)
    for step in range(STEPS):
        epoch, within = divmod(step, per_epoch)
        shuffled = order
        if case.at_most is not None:
            key = jax.random.fold_in(jax.random.fold_in(jax.random.key(np.uint32(SEEDS.order)), 4), epoch)
            words = np.asarray(jax.random.bits(key, (MODULUS**2,), jnp.uint32))[: len(order)]
            shuffled = order[np.argsort(words, kind="stable")]
        chosen = shuffled[within * size : (within + 1) * size]
        if case.used is not None:
            passed = min(max((step - case.used.begin) / (case.used.finish - case.used.begin), 0), 1)
            share = case.used.start + passed * (case.used.end - case.used.start)
            chosen = chosen[: max(1, int(share * len(chosen) + 1e-4))]
        yield chosen


def train_by_hand(case: Case, params, data):
    order = np.asarray(data.split.order)[: int(data.n_train)]
    inputs = np.array([(x, y, MODULUS) for x in range(MODULUS) for y in range(MODULUS)])
    labels = np.asarray(data.split.labels)
    optimizer_at = plain_optimizer(case.optimizer)
    params = {name: jnp.asarray(leaf) for name, leaf in params.items()}
    state = optimizer_at(0).init(params)
    gradient = jax.jit(jax.value_and_grad(lambda params, x, y: mean_loss(case, params, x, y)))
    losses = []
    for step, chosen in enumerate(minibatches(case, order)):
        loss, slope = gradient(params, inputs[chosen], labels[chosen])
        updates, state = optimizer_at(step).update(slope, state, params)
        decay = case.optimizer.weight_decay if isinstance(case.optimizer, AdamIndependentDecay) else 0.0
        params = jax.tree.map(lambda old, new, decay=decay: old + new - decay * old, params, updates)
        losses.append(float(loss))
    return np.array(losses)


@pytest.mark.parametrize("name", CASES)
def test_losses_are_those_of_a_plain_loop(name: str) -> None:
    case = CASES[name]
    params, data, losses = train_by_engine(case.run("float64"))
    wrong = np.asarray(data.split.labels) != np.add.outer(range(MODULUS), range(MODULUS)).ravel() % MODULUS
    assert wrong.any() == (case.label_noise > 0)
    assert all(leaf.dtype == np.float64 for leaf in params.values())
    with jax.enable_x64(True):
        np.testing.assert_allclose(losses, train_by_hand(case, params, data), rtol=EXACT)


@pytest.mark.parametrize("name", CASES)
def test_losses_in_float32_are_those_of_a_plain_loop_until_rounding_has_grown(name: str) -> None:
    case = CASES[name]
    params, data, losses = train_by_engine(case.run())
    np.testing.assert_allclose(losses[:FIRST], train_by_hand(case, params, data)[:FIRST], rtol=RELATIVE)


def test_an_engine_without_decay_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optax, "add_decayed_weights", lambda *_, **__: optax.identity())
    case = CASES["mlp, decoupled decay, warm-up"]
    params, data, losses = train_by_engine(case.run("float64"))
    monkeypatch.undo()
    with jax.enable_x64(True), pytest.raises(AssertionError):
        np.testing.assert_allclose(losses, train_by_hand(case, params, data), rtol=EXACT)


def test_a_dropped_decay_would_be_noticed() -> None:
    case = CASES["mlp, decoupled decay, warm-up"]
    params, data, losses = train_by_engine(case.run())
    without = dataclasses.replace(case, optimizer=dataclasses.replace(case.optimizer, weight_decay=0.0))
    assert not np.allclose(losses, train_by_hand(without, params, data), rtol=10 * RELATIVE)
