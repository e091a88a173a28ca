"""Bytes that a run needs on the device, from shapes alone. `train/preflight.py` checks them against the compiler."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax

from grokjax.core.interfaces import GROUPS, Optimizer, Params, Signature
from grokjax.core.schedules import at_step
from grokjax.optimizers.decay_mask import decays
from grokjax.optimizers.grouped import Grouped
from grokjax.spec.run import Run

WIDTHS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
"""Numbers of lanes that are used; a short list, so that the same program is found in the compilation cache again."""
CPU_LANES = 4
"""Lanes of one CPU device: they are trained one after another, so more lanes only make segments longer."""
_FIT_COLUMNS = 8 + 3 * len(GROUPS) + 1


@dataclasses.dataclass(frozen=True)
class Size:
    """What one run holds.

    Attributes:
      num_params: numbers that are trained.
      num_decayed: of these, numbers that weight decay acts on.
      params_bytes: parameters.
      state_bytes: parameters, optimizer state, data and history of one lane.
      peak_bytes: state twice (before and after a stretch), the gradient, and the activations of one block.
    """

    num_params: int
    num_decayed: int
    params_bytes: int
    state_bytes: int
    peak_bytes: int


def run_size(run: Run, signature: Signature, num_looks: int, num_rows: int, block_rows: int) -> Size:
    """Size of one run."""
    params = jax.eval_shape(lambda: run.model.init(jax.random.key(0), signature))
    transform = optax.chain(
        *(part.gradient() for part in run.regularizers), at_step(run, jnp.int32(0)).optimizer.transform()
    )
    opt_state = jax.eval_shape(transform.init, params)
    params_bytes = tree_bytes(params)
    data_bytes = 4 * signature.num_examples * (3 + (run.minibatch is not None))
    leaves = len(jax.tree.leaves(params))
    history_bytes = 4 * (num_looks * (_FIT_COLUMNS + 1) + num_rows * (leaves + 2))
    state = params_bytes + tree_bytes(opt_state) + data_bytes + history_bytes
    num_params = sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(params))
    activations = 4 * 4 * block_rows * _widest(params)
    return Size(
        num_params, _num_decayed(run.optimizer, params), params_bytes, state, 2 * state + 2 * params_bytes + activations
    )


def lanes_per_device(runs: int, peak_bytes: int, memory_bytes: int | None, is_cpu: bool, devices: int) -> int:
    """Lanes of one device: the widest of `WIDTHS` that memory holds and the runs fill; 0 when none fits.

    Args:
      runs: of the cohort.
      memory_bytes: free on one device; None when unknown.
    """
    wanted = max(1, -(-runs // devices))
    limit = CPU_LANES if is_cpu else WIDTHS[-1]
    if memory_bytes is not None:
        limit = min(limit, memory_bytes // max(peak_bytes, 1))
    fitting = [width for width in WIDTHS if width <= limit]
    if not fitting:
        return 0
    filled = [width for width in fitting if width >= wanted]
    return min(filled) if filled else max(fitting)


def tree_bytes(tree: object) -> int:
    """Bytes of the arrays of a tree of shapes."""
    return sum(int(np.prod(leaf.shape)) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def _widest(params: object) -> int:
    return max((max(leaf.shape, default=1) for leaf in jax.tree.leaves(params)), default=1)


def _num_decayed(optimizer: Optimizer, params: Params) -> int:
    """Numbers that the optimizer's weight decay, of whatever size, acts on."""
    if isinstance(optimizer, Grouped):
        labels = optimizer.labels(params)

        def group(name: str) -> Params:
            return jax.tree.map(lambda leaf, label: leaf if label == name else None, params, labels)

        return sum(_num_decayed(getattr(optimizer, name), group(name)) for name in ("matched", "rest"))
    return _count(params, decays(getattr(optimizer, "decay_mask", "all"))(params))


def _count(params: object, mask: object) -> int:
    sizes = jax.tree.map(lambda leaf, kept: int(np.prod(leaf.shape)) if kept else 0, params, mask)
    return sum(jax.tree.leaves(sizes))
