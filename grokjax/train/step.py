"""One update of ONE run, in plain Flax and optax, and what stands before the first update."""

import chex
import jax
import jax.numpy as jnp
import optax

from grokjax.core.interfaces import Params
from grokjax.core.parameter_paths import fits, path_name
from grokjax.core.schedules import at_step
from grokjax.core.streams import STREAM_OF, stream
from grokjax.reader.run import Run
from grokjax.train.centred import centred
from grokjax.train.curriculum import advanced, began, first_course, of_stage, staged
from grokjax.train.gradient import loss_and_gradient, steps_per_epoch, window, with_noise
from grokjax.train.held import given_start, keep_held, of_moving
from grokjax.train.program import Data, Program, State, Tables, Values, run_of


def init(program: Program, values: Values, tables: Tables) -> tuple[Data, State]:
    """Data and state of a run before its first update."""
    run = run_of(program, values.leaves)
    data = data_of(program, run, values, tables)
    params = initial_params(program, run, data)
    state = State(
        params=params,
        opt_state=transform(at_step(run, jnp.zeros((), jnp.int32))).init(params),
        step=jnp.zeros((), jnp.int32),
        order=None if run.minibatch is None else data.split.order,
        loss=jnp.full((), jnp.nan, program.dtype),
        course=None if run.curriculum is None else first_course(),
    )
    return data, state


def data_of(program: Program, run: Run, values: Values, tables: Tables) -> Data:
    """How a run's task splits its table; needs neither model nor optimizer."""
    keys = {purpose: run_stream(run, purpose) for purpose in ("split", "label")}
    targets, mirror = tables.targets[values.table], tables.mirror[values.table]
    split = run.task.split(program.signature, targets, mirror, values.counts, keys)
    initial, kept = given_start(run, values.params)
    stages = None
    if run.curriculum is not None:
        inputs = tables.inputs[values.table]
        split, stages = staged(run.curriculum, program.signature, split, inputs, values.counts.n_train)
    data = Data(values.table, split, values.counts.n_train, values.minibatch, initial, kept, stages)
    return data._replace(initial=initial_params(program, run, data)) if run.model.subtracts_start() else data


def run_stream(run: Run, purpose: str, step: jax.Array | int = 0) -> jax.Array:
    """Key of a run for a purpose, from the one of its four seeds that feeds it."""
    return stream(getattr(run.seeds, STREAM_OF[purpose]), purpose, step)


def initial_params(program: Program, run: Run, data: Data) -> Params:
    """Parameters before the first update: drawn by the model, those of a stored run, or some of each."""
    drawn = run.model.init(run_stream(run, "init"), program.signature)
    drawn = jax.tree.map(lambda leaf: leaf.astype(program.dtype), drawn)
    if run.init is None:
        return drawn
    anew = run.init.draw
    return jax.tree_util.tree_map_with_path(
        lambda path, stored, new: new if fits(path_name(path), anew) else stored.astype(new.dtype), data.initial, drawn
    )


def transform(run: Run) -> optax.GradientTransformation:
    """Regularizers that change the gradient, in the order of the sweep file, then the optimizer."""
    return optax.chain(*(part.gradient() for part in run.regularizers), run.optimizer.transform())


def step(program: Program, run: Run, data: Data, state: State, tables: Tables, blocks: jax.Array | int) -> State:
    """The state after one more update.

    Args:
      run: the run, its swept numbers traced.
      blocks: blocks of examples to walk, at least what this run needs.
    """
    now = centred(at_step(run, state.step), data.initial)
    loss, gradient, right = loss_and_gradient(program, now, data, state, tables, blocks)
    update = optax.with_extra_args_support(transform(now)).update  # `value` reaches only those that take it
    gradient = of_moving(run, data.kept, state.params, gradient)
    updates, opt_state = update(gradient, state.opt_state, state.params, value=loss)
    params = with_noise(now, state, "jitter", optax.apply_updates(state.params, updates))
    for part in now.regularizers:
        params = part.project(params)
    params = keep_held(run, data.kept, state.params, params)
    # An optimizer that widens a number would make the loop over steps fail far from here.
    chex.assert_trees_all_equal_shapes_and_dtypes(params, state.params)
    chex.assert_trees_all_equal_shapes_and_dtypes(opt_state, state.opt_state)
    after = State(params=params, opt_state=opt_state, step=state.step + 1, order=state.order, loss=loss)
    if now.curriculum is None or right is None:
        return after
    first, stop = window(now, data, state)
    is_last = state.step + 1 == next_epoch(data, state)
    return after._replace(course=advanced(now.curriculum, state, right, stop - first, is_last))


def is_epoch_start(data: Data, state: State) -> jax.Array:
    """Whether the next update opens an epoch."""
    return (state.step - began(state)) % steps_per_epoch(of_stage(data, state)) == 0


def next_epoch(data: Data, state: State) -> jax.Array:
    """First step after this one at which an epoch starts."""
    length = steps_per_epoch(of_stage(data, state))
    return began(state) + ((state.step - began(state)) // length + 1) * length


def shuffle(run: Run, data: Data, state: State) -> State:
    """Order of the train set in the epoch that starts now: its places sorted by one random word each, ties by place.

    The epochs of a stage of a curriculum are numbered from the step on at which it begins.
    """
    data = of_stage(data, state)
    epoch = began(state) + (state.step - began(state)) // steps_per_epoch(data)
    num_examples = data.split.order.shape[0]
    words = jax.random.bits(run_stream(run, "order", epoch), (num_examples,), jnp.uint32)
    position = jnp.arange(num_examples, dtype=jnp.int32)
    is_test = (position >= data.n_train).astype(jnp.uint32)
    _, _, permuted = jax.lax.sort((is_test, words, position), num_keys=3)
    return state._replace(order=data.split.order[permuted])
