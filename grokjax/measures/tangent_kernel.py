"""Do gradients of the outputs already sort examples by their answers? Alignment of the empirical tangent kernel.

Papers: Kumar, Bordelon, Gershman, Pehlevan 2023 (arXiv 2310.06110): alignment of kernel and task, and a kernel that
stays what it was in lazy training; Cortes, Mohri, Rostamizadeh 2012 (centred alignment).
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.fixed_product import gram
from grokjax.core.interfaces import Measure, Params, View
from grokjax.core.part import part, setting
from grokjax.measures.cka import alignment

_TOGETHER = 8  # examples that stand together when all are sorted by their classes


@part
class TangentKernel(Measure):
    """`tangent_kernel/task_alignment` and `tangent_kernel/initial_alignment`, cosines between centred kernels.

    K(x, x') is the inner product of the gradients of an output at two examples, averaged over some of the outputs. The
    task's kernel is 1 for equal answers, else 0 (of several answers the share that is equal; of vectors their inner
    product). The initial kernel is K at the initial parameters: near 1 training is lazy. Examples are a fixed sample,
    in groups of 8 that follow each other when the table is sorted by class.
    Cost: examples x outputs gradients of one example, at two networks, whose parameters are held once for each example.
    """

    paper = "Kumar, Bordelon, Gershman, Pehlevan 2023, arXiv 2310.06110"

    examples: int = setting(32, "examples that are compared, at most all", at_least=2)
    outputs: int = setting(4, "outputs over which the kernel is averaged, spread evenly, at most all", at_least=1)

    def measure(self, view: View) -> dict[str, jax.Array]:
        rows = _rows(view, self.examples)
        now = kernel(view, rows, self.outputs)
        then = kernel(dataclasses.replace(view, params=view.initial_params()), rows, self.outputs)
        measured = {
            "tangent_kernel/task_alignment": alignment(now, task_kernel(view.targets[rows])),
            "tangent_kernel/initial_alignment": alignment(now, then),
        }
        return {name: value.astype(jnp.float32) for name, value in measured.items()}


def kernel(view: View, rows: jax.Array, most_outputs: int) -> jax.Array:
    """[row, row], averaged over at most so many outputs."""
    classes = view.signature.num_classes
    count = classes * view.signature.num_answers
    chosen = np.arange(min(most_outputs, count)) * count // min(most_outputs, count)

    def gradient_of(output: jax.Array, row: jax.Array) -> jax.Array:
        def value(params: Params) -> jax.Array:
            return view.apply(params, view.inputs[row][None])[..., :classes].reshape(-1)[output]

        return jnp.concatenate([leaf.reshape(-1) for leaf in jax.tree.leaves(jax.grad(value)(view.params))])

    def add(total: jax.Array, output: jax.Array) -> tuple[jax.Array, None]:
        return total + gram(jax.lax.map(lambda row: gradient_of(output, row), rows)), None

    start = jnp.zeros((len(rows), len(rows)), jax.tree.leaves(view.params)[0].dtype)
    return jax.lax.scan(add, start, jnp.asarray(chosen))[0] / len(chosen)


def task_kernel(targets: jax.Array) -> jax.Array:
    """[row, row] of targets [row, ...]."""
    flat = targets.reshape(len(targets), -1)
    if jnp.issubdtype(targets.dtype, jnp.integer):
        return jnp.mean((flat[:, None] == flat[None]).astype(jnp.float32), axis=2)
    return gram(flat)


def _rows(view: View, most: int) -> jax.Array:
    """[row] int32, examples of the table that are compared."""
    total = view.signature.num_examples
    count = min(most, total)
    if view.signature.target_shape:
        return jnp.asarray(view.spread_rows(count), jnp.int32)
    groups = -(-count // _TOGETHER)
    start = np.arange(groups) * max(total - _TOGETHER, 0) // max(groups - 1, 1)
    places = (start[:, None] + np.arange(_TOGETHER)[None]).reshape(-1)[:count]
    position = jnp.arange(total, dtype=jnp.int32)
    return jax.lax.sort((view.targets, position), num_keys=2)[1][np.minimum(places, total - 1)]
