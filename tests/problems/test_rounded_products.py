"""Products in bf16 and tf32 are those of programs that round what they multiply: in NumPy, and in a plain loop."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from grokjax.losses.cross_entropy import CrossEntropy
from grokjax.models.mlp import MLP
from grokjax.models.transformer import Transformer
from grokjax.optimizers.sgd import SGD
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.run import Precision, Run
from grokjax.store.records import flat_params
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.train.devices import choose_pools
from grokjax.train.executables import Traced
from grokjax.train.feed import Feed
from grokjax.train.products import products_in
from grokjax.train.worker import LocalWorker

MODULUS, STEPS = 11, 300
STRETCH = 10  # updates after which a loop begins anew: training carries along what is summed in another order
EXAMPLES = 64  # a power of two, so that rounding the gradient of a sum and that of a mean is the same
LEFT = 0.1  # of the difference from float32, at most, is left where rounding explains it; the sums differ in order


@pytest.fixture(scope="module")
def trained():
    """Parameters by step, of the first ones and of each stretch, train examples, and all losses; products in bf16."""
    run = Run(
        task=ModularArithmetic(modulus=MODULUS, train_fraction=(EXAMPLES + 0.5) / MODULUS**2),
        model=MLP(depth=2, width=24, form="plain"),
        optimizer=SGD(learning_rate=1.0),
        loss=CrossEntropy(),
        precision=Precision(matmul="bf16"),
    )
    measure = MeasurePlan(every=Cadence("every", 100), looks=Cadence("every", 100), what=())
    feed = Feed(run, run.task.signature(), [run.task], measure, None, STEPS)
    pool, values = choose_pools("cpu", "map")[0], feed.values(run)
    worker = LocalWorker(Traced(feed.program(1, 1), pool).compile([pool], values, feed.tables, feed.schedule)[0])
    try:
        worker.fill(0, 0, values)
        params, losses, data = {}, [], worker.take(0).data
        for step in range(STEPS):
            if step == 1 or step % STRETCH == 0:
                params[step] = flat_params(worker.take(0).state.params)
            worker.start_segment(worker.steps + 1, False).result()
            losses.append(float(worker.losses()[0]))
    finally:
        worker.close()
    chosen = np.asarray(data.split.order)[: int(data.n_train)]
    assert len(chosen) == EXAMPLES
    pairs = np.array([(x, y) for x in range(MODULUS) for y in range(MODULUS)])[chosen]
    return params, pairs, pairs.sum(1) % MODULUS, np.array(losses)


def bf16(numbers: np.ndarray) -> np.ndarray:
    return numbers.astype(np.float32).astype(ml_dtypes.bfloat16).astype(np.float64)


def tf32(numbers: np.ndarray) -> np.ndarray:
    bits = numbers.astype(np.float32).view(np.uint32).astype(np.uint64)
    kept = (bits + 0xFFF + (bits >> 13 & 1)) & 0xFFFFE000
    return kept.astype(np.uint32).view(np.float32).astype(np.float64)


def as_they_are(numbers: np.ndarray) -> np.ndarray:
    return numbers.astype(np.float64)


def left_of(actual, rounded, unrounded) -> float:
    """Largest difference from the rounded reference, in that of the two references."""
    return np.abs(actual - rounded).max() / np.abs(unrounded - rounded).max()


def step_in_numpy(params, pairs, labels, rounded):
    """Parameters after one update of gradient descent; the first layer looks rows up, which is no product."""
    kernels = [as_they_are(params[name]) for name in ("hidden_0/kernel", "hidden_1/kernel", "output/kernel")]
    first = kernels[0][pairs[:, 0]] + kernels[0][MODULUS + pairs[:, 1]]
    second = rounded(np.maximum(first, 0)) @ rounded(kernels[1])
    outputs = rounded(np.maximum(second, 0)) @ rounded(kernels[2])
    shares = np.exp(outputs - outputs.max(1, keepdims=True))
    slope = shares / shares.sum(1, keepdims=True) - np.eye(MODULUS)[labels]  # of the sum of losses
    gradients = [np.zeros_like(kernels[0]), None, rounded(np.maximum(second, 0)).T @ rounded(slope)]
    slope = rounded(slope) @ rounded(kernels[2]).T * (second > 0)
    gradients[1] = rounded(np.maximum(first, 0)).T @ rounded(slope)
    slope = rounded(slope) @ rounded(kernels[1]).T * (first > 0)
    np.add.at(gradients[0], pairs[:, 0], slope)
    np.add.at(gradients[0], MODULUS + pairs[:, 1], slope)
    return [kernel - gradient / len(pairs) for kernel, gradient in zip(kernels, gradients, strict=True)]


def test_an_update_in_bf16_is_that_of_numpy_with_rounded_factors(trained) -> None:
    params, pairs, labels, _ = trained
    rounded, unrounded = (step_in_numpy(params[0], pairs, labels, form) for form in (bf16, as_they_are))
    for name, one, other in zip(("hidden_0", "hidden_1", "output"), rounded, unrounded, strict=True):
        assert left_of(params[1][f"{name}/kernel"], one, other) < LEFT
        assert np.abs(one - other).max() > 1e-3 * np.abs(one - params[0][f"{name}/kernel"]).max()


@jax.custom_vjp
def product(left: jax.Array, right: jax.Array) -> jax.Array:
    """A product of rounded factors whose gradients are such products, by bits and not as the engine does it."""
    return jnp.matmul(by_bits(left), by_bits(right), precision="highest")


def by_bits(numbers: jax.Array) -> jax.Array:
    bits = jax.lax.bitcast_convert_type(numbers, jnp.uint32)
    kept = (bits + 0x7FFF + (bits >> 16 & 1)) & jnp.uint32(0xFFFF0000)
    return jax.lax.bitcast_convert_type(kept, jnp.float32)


product.defvjp(
    lambda left, right: (product(left, right), (left, right)),
    lambda factors, slope: (product(slope, factors[1].T), product(factors[0].T, slope)),
)


def losses_of_a_loop(params, pairs, labels, multiplied) -> np.ndarray:
    """[update], begun from the engine's parameters at each stretch."""

    def mean_loss(params):
        kernel = params["hidden_0/kernel"]
        hidden = jnp.maximum(kernel[pairs[:, 0]] + kernel[MODULUS + pairs[:, 1]], 0.0)
        hidden = jnp.maximum(multiplied(hidden, params["hidden_1/kernel"]), 0.0)
        outputs = jax.nn.log_softmax(multiplied(hidden, params["output/kernel"]))
        return -jnp.mean(outputs[np.arange(len(labels)), labels])

    @jax.jit
    def update(params):
        loss, slope = jax.value_and_grad(mean_loss)(params)
        return jax.tree.map(lambda old, change: old - change, params, slope), loss

    losses = []
    for step in range(STEPS):
        if step % STRETCH == 0:
            now = {name: jnp.asarray(leaf) for name, leaf in params[step].items()}
        now, loss = update(now)
        losses.append(float(loss))
    return np.array(losses)


def test_losses_in_bf16_are_those_of_a_plain_loop_with_rounded_factors(trained) -> None:
    params, pairs, labels, losses = trained
    rounded = losses_of_a_loop(params, pairs, labels, product)
    unrounded = losses_of_a_loop(
        params, pairs, labels, lambda left, right: jnp.matmul(left, right, precision="highest")
    )
    assert losses[-1] < 0.1 * losses[0]
    gap, rounding = (np.abs(one / rounded - 1).reshape(-1, STRETCH).max(1) for one in (losses, unrounded))
    assert np.median(rounding) > 1e-3
    assert np.median(gap) < 0.01 * np.median(rounding)  # in some stretches a factor beside a tie went the other way


def decoder_in_numpy(params, tokens, heads, rounded):
    """Outputs of one layer; `rounded` is applied to both factors of each product."""

    def multiplied(left, right):
        return rounded(left) @ rounded(right)

    params = {name: as_they_are(leaf) for name, leaf in params.items()}
    stream = params["embed/embedding"][tokens] + params["positions/embedding"]
    width, length = stream.shape[-1], tokens.shape[1]
    query, key, value = (
        multiplied(stream, params[f"layer_0/attention/{name}/kernel"]) for name in ("query", "key", "value")
    )
    mixed = []
    for head in range(heads):
        columns = slice(head * width // heads, (head + 1) * width // heads)
        scores = multiplied(query[..., columns], key[..., columns].transpose(0, 2, 1)) / (width // heads) ** 0.5
        shares = np.where(np.tri(length, dtype=bool), np.exp(scores - scores.max(-1, keepdims=True)), 0.0)
        mixed.append(multiplied(shares / shares.sum(-1, keepdims=True), value[..., columns]))
    stream = stream + multiplied(np.concatenate(mixed, axis=-1), params["layer_0/attention/output/kernel"])
    hidden = multiplied(stream, params["layer_0/mlp/hidden/kernel"]) + params["layer_0/mlp/hidden/bias"]
    added = multiplied(np.maximum(hidden, 0), params["layer_0/mlp/output/kernel"]) + params["layer_0/mlp/output/bias"]
    return multiplied((stream + added)[:, -1], params["output/kernel"])


@pytest.mark.parametrize(("matmul", "rounded", "differs"), [("bf16", bf16, 1e-3), ("tf32", tf32, 1e-4)])
def test_outputs_of_a_transformer_are_those_of_numpy_with_rounded_factors(matmul, rounded, differs) -> None:
    model = Transformer(width=16, heads=2, mlp_width=24, form="plain")
    task = ModularArithmetic(modulus=MODULUS)
    signature, tokens = task.signature(), task.table().inputs
    params = model.init(jax.random.key(0), signature)
    with products_in(matmul):
        outputs = np.array(jax.jit(lambda params: model.logits(params, tokens, signature, None))(params))
    one, other = (decoder_in_numpy(flat_params(params), tokens, 2, form) for form in (rounded, as_they_are))
    assert left_of(outputs, one, other) < LEFT
    assert np.abs(one - other).max() > differs * np.abs(one).max()
