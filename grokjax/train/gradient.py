"""The gradient of one run's loss, summed over blocks of examples in a fixed order.

A product over a long inner dimension is split by XLA as the thread pool dictates; over a short block it is not. So the
bits of a sum over blocks depend neither on threads nor on how many examples a neighbour has.
"""

from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Params
from grokjax.core.streams import stream, substream, substreams
from grokjax.core.words import NUM_TRAIN_GROUPS
from grokjax.plan.forms import AT_ONCE, TABLE_ORDER
from grokjax.reader.run import Run
from grokjax.train.curriculum import began, of_stage
from grokjax.train.held import keep_held, of_moving
from grokjax.train.program import Data, Program, State, Tables


class Examples(NamedTuple):
    """A block of examples; leading axis [example].

    Attributes:
      is_real: whether an example belongs to the update; the others fill the block.
      position: int32, place in this epoch's order, by which masks are drawn.
      inputs, labels: as the table has them.
    """

    is_real: jax.Array
    position: jax.Array
    inputs: jax.Array
    labels: jax.Array


def num_blocks(program: Program, num_examples: jax.Array) -> jax.Array:
    """Blocks that hold `num_examples` examples."""
    return (num_examples + program.block_examples - 1) // program.block_examples


def window(run: Run, data: Data, state: State) -> tuple[jax.Array, jax.Array]:
    """First and last + 1 place, in this epoch's order, of the examples of the next update; int32 scalars."""
    data = of_stage(data, state)
    start = ((state.step - began(state)) % steps_per_epoch(data)) * data.minibatch
    stop = jnp.minimum(start + data.minibatch, data.n_train)
    if run.minibatch is None or run.minibatch.used is None:
        return start, stop
    # Shares have 6 digits, so what should be a whole number is nearer to it than these roundings of float32.
    share = run.minibatch.used * (stop - start)
    count = jnp.floor(share + 3e-7 * share + 1e-4).astype(jnp.int32)
    return start, start + jnp.clip(count, 1, stop - start)


def steps_per_epoch(data: Data) -> jax.Array:
    """Updates of one epoch: ceil(n_train / minibatch); int32 scalar."""
    return (data.n_train + data.minibatch - 1) // data.minibatch


def loss_and_gradient(
    program: Program, run: Run, data: Data, state: State, tables: Tables, blocks: jax.Array | int
) -> tuple[jax.Array, Params, jax.Array | None]:
    """Mean loss over the examples of the next update, penalties included, its gradient, and how many it answers right.

    Both are taken at the stored parameters, or where regularizers put them; each `ascend` costs one more gradient.

    Args:
      run: the run with its schedules already replaced by their values.
      blocks: number of blocks to walk; more than needed changes nothing, since padding adds zeros.

    Returns:
      A scalar, a tree like `state.params`, and an int32 scalar, which only a curriculum reads: None without one.
    """
    params = keep_held(run, data.kept, state.params, with_noise(run, state, "perturb", state.params))
    loss, gradient, right = _of_examples(program, run, data, state, params, tables, blocks)
    for part in (part for part in run.regularizers if part.has("ascend")):
        above = keep_held(run, data.kept, params, part.ascend(params, of_moving(run, data.kept, params, gradient)))
        _, gradient, _ = _of_examples(program, run, data, state, above, tables, blocks)
    return *_add_penalties(run, state, params, loss, gradient), right


def with_noise(run: Run, state: State, method: str, params: Params) -> Params:
    """`params` as the regularizers change them, one after another, by `perturb` or `jitter`; each has its own key."""
    for index, part in enumerate(run.regularizers):
        if part.has(method):
            key = substream(stream(run.seeds.noise, "noise", state.step), index)
            params = getattr(part, method)(params, key, state.step)
    return params


def _of_examples(
    program: Program, run: Run, data: Data, state: State, params: Params, tables: Tables, blocks: jax.Array | int
) -> tuple[jax.Array, Params, jax.Array | None]:
    """What `loss_and_gradient` gives, at `params` and without penalties of parameters."""
    start, stop = window(run, data, state)
    dropout_key = stream(run.seeds.noise, "dropout", state.step)
    prepared = jax.eval_shape(lambda: run.model.prepare(params, program.signature))

    def prepare(laid: Params) -> Any:
        return jax.tree.map(laid_out, run.model.prepare(jax.tree.map(stood_up, laid, params), program.signature))

    laid, pull_back = jax.vjp(prepare, jax.tree.map(laid_out, params))
    if program.forms.sum == AT_ONCE:  # no loop keeps XLA from turning the matrices back
        laid = jax.lax.optimization_barrier(laid)

    is_counted = run.curriculum is not None
    share = 1.0 / (stop - start).astype(program.dtype)

    def of_block(index: jax.Array | int) -> tuple[Any, Any]:
        """Summed loss and number right of a block of examples, and the gradient of that loss."""
        is_real, position, inputs, labels = _examples(program, data, state, tables, start, stop, index)

        def block_loss(laid: Any) -> tuple[jax.Array, jax.Array | None]:
            def network(inputs: jax.Array) -> jax.Array:
                return run.model.logits(
                    jax.tree.map(stood_up, laid, prepared), inputs, program.signature, substreams(dropout_key, position)
                )

            outputs = network(inputs)
            losses = run.losses(outputs, network, inputs, labels, program.signature)
            chex.assert_shape(losses, (program.block_examples,))  # [example, 1] would broadcast to a sum over pairs
            right = jnp.sum(run.task.correct(outputs, labels) & is_real, dtype=jnp.int32) if is_counted else None
            return jnp.sum(jnp.where(is_real, losses, 0.0)), right

        loss, pull_back_block, right = jax.vjp(block_loss, laid, has_aux=True)
        return (loss, right), *pull_back_block(jnp.ones_like(loss))

    if program.forms.sum == AT_ONCE:
        (loss, right), gradient = of_block(0)
    else:
        nothing = jnp.zeros((), program.dtype), jnp.zeros((), jnp.int32) if is_counted else None
        (loss, right), gradient = jax.lax.fori_loop(
            0,
            blocks,
            lambda index, sums: jax.tree.map(jnp.add, sums, of_block(index)),
            (nothing, jax.tree.map(jnp.zeros_like, laid)),
        )
    # Without the barrier XLA would join the turning back with the products, and hand these to the other routine again.
    (gradient,) = jax.lax.optimization_barrier(pull_back(jax.tree.map(lambda leaf: leaf * share, gradient)))
    return loss * share, jax.tree.map(stood_up, gradient, params), right


def _examples(
    program: Program,
    data: Data,
    state: State,
    tables: Tables,
    start: jax.Array,
    stop: jax.Array,
    index: jax.Array | int,
) -> Examples:
    """Block `index` of the examples from `start` to `stop` of this epoch's order."""
    if program.forms.walk == TABLE_ORDER:
        return _whole_table(program, data, tables)
    order = data.split.order if state.order is None else state.order
    position = start + index * program.block_examples + jnp.arange(program.block_examples, dtype=jnp.int32)
    example = order[jnp.minimum(position, stop - 1)]  # never beyond the train set: 0 times infinity is not 0
    return Examples(position < stop, position, tables.inputs[data.table, example], data.split.labels[example])


def _whole_table(program: Program, data: Data, tables: Tables) -> Examples:
    """The whole table as one block, in its own order; real is the train set."""
    order = data.split.order
    padding = program.block_examples - len(order)

    def padded(array: jax.Array) -> jax.Array:
        return jnp.pad(array, ((0, padding), *((0, 0),) * (array.ndim - 1)), mode="edge")

    is_train = padded(data.split.group < NUM_TRAIN_GROUPS) & (jnp.arange(program.block_examples) < len(order))
    position = jnp.zeros_like(order).at[order].set(jnp.arange(len(order), dtype=order.dtype))
    table = tables.inputs[0] if len(tables.inputs) == 1 else tables.inputs[data.table]

    def filled(values: jax.Array) -> jax.Array:
        """What is not trained on is computed as an example that is: 0 times infinity is not 0."""
        shape = (-1, *(1,) * (values.ndim - 1))
        return jnp.where(is_train.reshape(shape), padded(values), values[order[0]][None])

    return Examples(is_train, padded(position), filled(table), filled(data.split.labels))


def laid_out(leaf: Any) -> jax.Array:
    """A matrix with its shorter side first; all else as it is.

    The gradient of `inputs @ matrix` is summed in this form. On a CPU the product that makes it is then up to twice as
    fast, and of fixed bits; as `[long, short]` XLA hands it to another routine.
    """
    leaf = jnp.asarray(leaf)
    return leaf.T if leaf.ndim == 2 and leaf.shape[0] > leaf.shape[1] else leaf


def stood_up(leaf: jax.Array, like: jax.Array) -> jax.Array:
    """A matrix as the model knows it."""
    return leaf if leaf.shape == like.shape else leaf.T


def _add_penalties(
    run: Run, state: State, params: Params, loss: jax.Array, gradient: Params
) -> tuple[jax.Array, Params]:
    if not run.regularizers:
        return loss, gradient
    noise_key = stream(run.seeds.noise, "noise", state.step)

    def penalties(params: Params) -> jax.Array:
        keys = [substream(noise_key, index) for index in range(len(run.regularizers))]
        terms = [part.penalty(params, key, state.step) for part, key in zip(run.regularizers, keys, strict=True)]
        total = jnp.asarray(sum(terms, jnp.zeros((), loss.dtype)))
        chex.assert_rank(total, 0)
        return total

    value, slope = jax.value_and_grad(penalties)(params)
    return loss + value, jax.tree.map(jnp.add, gradient, slope)
