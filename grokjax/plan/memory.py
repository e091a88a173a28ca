"""Bytes that a run needs on the device, from shapes alone. `train/preflight.py` checks them against the compiler."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax

from grokjax.core.interfaces import Optimizer, Params, Signature
from grokjax.core.schedules import at_step
from grokjax.core.streams import substreams
from grokjax.core.words import GROUPS
from grokjax.reader.run import Run

WIDTHS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
"""Numbers of lanes that are used; a short list, so that the same program is found in the compilation cache again."""
CPU_LANES = 4
"""Lanes of one CPU device: they are trained one after another, so more lanes only make segments longer."""
_TILE = (8, 128)
"""Rows and columns to whose multiples a TPU fills up the last two axes of an array."""
_FIT_COLUMNS = 8 + 3 * len(GROUPS) + 1


@dataclasses.dataclass(frozen=True)
class Size:
    """What one run holds.

    Attributes:
      num_params: numbers that are trained.
      num_decayed: of these, numbers that weight decay acts on.
      params_bytes: parameters.
      state_bytes: parameters, optimizer state, data and history of one lane.
      data_bytes: of these, what no update changes.
      scratch_bytes: parameters and optimizer state before and after an update, and the activations of one block.
      table_bytes: examples, which all lanes share.
      is_mapped: whether lanes are walked one after another, with one scratch for all of them.
      stored_bytes: of the state, without what a device adds to shapes.
    """

    num_params: int
    num_decayed: int
    params_bytes: int
    state_bytes: int
    data_bytes: int
    scratch_bytes: int
    table_bytes: int
    is_mapped: bool
    stored_bytes: int = 0

    def device_bytes(self, lanes: int) -> int:
        """Bytes of a device that trains so many lanes, as the compiler counts them; see `benchmarks/memory.py`."""
        if lanes == 1 or not self.is_mapped:
            return self.table_bytes + lanes * (self.state_bytes + self.scratch_bytes)
        walked = 2 * self.state_bytes - self.data_bytes  # a lane, and what becomes of it
        return self.table_bytes + lanes * walked + self.state_bytes + self.scratch_bytes


def run_size(
    run: Run,
    signature: Signature,
    num_looks: int,
    num_rows: int,
    block_examples: int,
    is_mapped: bool = True,
    num_tables: int = 1,
    keeps_memorized: bool = False,
    platform: str = "cpu",
) -> Size:
    """Size of one run. How far off it is on devices that are not here: `benchmarks/README.md`.

    Args:
      platform: of the device that trains, as JAX names it.
      keeps_memorized: whether a lane keeps parameters twice, see `Measure.compares_with_memorized`.
    """
    params = jax.eval_shape(lambda: run.model.init(jax.random.key(0), signature))
    transform = optax.chain(
        *(part.gradient() for part in run.regularizers), at_step(run, jnp.int32(0)).optimizer.transform()
    )
    precision = np.dtype(run.precision.params).itemsize / 4  # shapes are those of float32
    opt_state = jax.eval_shape(transform.init, params)
    held_bytes = _tiled_bytes if platform == "tpu" else tree_bytes
    params_bytes, plain_bytes = (int(precision * bytes_of(params)) for bytes_of in (held_bytes, tree_bytes))
    moving_bytes = params_bytes + int(precision * held_bytes(opt_state))
    keeps_start = run.model.subtracts_start() or run.init is not None
    data_bytes = 4 * signature.num_examples * 3 + params_bytes * keeps_start
    order_bytes = 4 * signature.num_examples * (run.minibatch is not None)
    leaves = len(jax.tree.leaves(params))
    history_bytes = 4 * (num_looks * (_FIT_COLUMNS + 1) + num_rows * (leaves + 2))
    if is_mapped:  # a walked lane is fused so well that few of its activations ever lie in memory
        scratch_bytes = 2 * moving_bytes + int(precision * 3 * 4 * block_examples * _widest(params))
    else:  # side by side they all do, or the state after a stretch does beside gradients and part of them
        activations = int(precision * _kept_for_gradient(run, signature, params, block_examples))
        beside = 0 if platform == "tpu" else 3 * (params_bytes + activations) // 4  # no account of a TPU shows them
        scratch_bytes = max(activations, moving_bytes + beside)
    return Size(
        num_params=sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(params)),
        num_decayed=_num_decayed(run.optimizer, params),
        params_bytes=params_bytes,
        state_bytes=moving_bytes + data_bytes + order_bytes + history_bytes + params_bytes * keeps_memorized,
        stored_bytes=plain_bytes * (1 + keeps_start + keeps_memorized)
        + int(precision * tree_bytes(opt_state))
        + 4 * signature.num_examples * 3
        + order_bytes
        + history_bytes,
        data_bytes=data_bytes,
        scratch_bytes=scratch_bytes,
        table_bytes=4 * num_tables * signature.num_examples * _numbers_per_example(signature),
        is_mapped=is_mapped,
    )


def lanes_per_device(runs: int, size: Size, memory_bytes: int | None, devices: int) -> int:
    """Lanes of one device: the widest of `WIDTHS` that memory holds and the runs fill; 0 when none fits.

    Args:
      runs: of the cohort.
      memory_bytes: free on one device; None when unknown.
    """
    wanted = max(1, -(-runs // devices))
    fitting = [width for width in WIDTHS if width <= (CPU_LANES if size.is_mapped else WIDTHS[-1])]
    if memory_bytes is not None:
        fitting = [width for width in fitting if size.device_bytes(width) <= memory_bytes]
    if not fitting:
        return 0
    filled = [width for width in fitting if width >= wanted]
    return min(filled) if filled else max(fitting)


def _kept_for_gradient(run: Run, signature: Signature, params: Params, rows: int) -> int:
    """Bytes of one block when its backward pass begins, by abstract evaluation.

    These are what the forward pass keeps, and the gradients of the outputs and of what the output matrix reads.
    """

    def forward(params: Params, inputs: jax.Array, targets: jax.Array) -> tuple[object, jax.Array]:
        keys = substreams(jax.random.key(0), jnp.arange(rows))
        now = at_step(run, jnp.int32(0))

        def loss(prepared: object) -> tuple[jax.Array, jax.Array]:
            def network(inputs: jax.Array) -> jax.Array:
                return now.model.logits(prepared, inputs, signature, keys)

            outputs = network(inputs)
            return jnp.sum(now.losses(outputs, network, inputs, targets, signature)), outputs

        _, backward, outputs = jax.vjp(loss, run.model.prepare(params, signature), has_aux=True)
        return backward, outputs

    inputs = jax.ShapeDtypeStruct((rows, *signature.input_shape), signature.input_dtype)
    targets = jax.ShapeDtypeStruct((rows, *signature.target_shape), signature.target_dtype)
    backward, outputs = jax.eval_shape(forward, params, inputs, targets)
    width = outputs.shape[-1]
    matrices = [leaf.shape for leaf in jax.tree.leaves(params) if len(leaf.shape) == 2 and width in leaf.shape]
    read = max((shape[0] if shape[1] == width else shape[1] for shape in matrices), default=_widest(params))
    return tree_bytes(backward) + 4 * rows * (width + read)


def _numbers_per_example(signature: Signature) -> int:
    """Of the table: inputs, target, and which example is the mirror."""
    return int(np.prod(signature.input_shape) + np.prod(signature.target_shape)) + 1


def tree_bytes(tree: object) -> int:
    """Bytes of the arrays of a tree of shapes."""
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def _tiled_bytes(tree: object) -> int:
    """The same as a TPU holds them, beside those of other lanes."""
    return sum(_tiled(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def _tiled(shape: tuple[int, ...]) -> int:
    """Numbers of an array whose last axes are filled up to whole tiles; lanes fill up what has one axis."""
    units = (1,) * (len(shape) - 2) + _TILE if len(shape) > 1 else _TILE[1:] * len(shape)
    return int(np.prod([-(-size // unit) * unit for size, unit in zip(shape, units, strict=True)]))


def _widest(params: object) -> int:
    return max((max(leaf.shape, default=1) for leaf in jax.tree.leaves(params)), default=1)


def _num_decayed(optimizer: Optimizer, params: Params) -> int:
    """Numbers that the optimizer's weight decay, of whatever size, acts on."""
    return _count(params, optimizer.decayed(params))


def _count(params: object, mask: object) -> int:
    sizes = jax.tree.map(lambda leaf, kept: int(np.prod(leaf.shape)) if kept else 0, params, mask)
    return sum(jax.tree.leaves(sizes))
