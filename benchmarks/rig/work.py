"""How much arithmetic and memory traffic an update needs, counted in its matrix products; and what a machine can do."""

import dataclasses
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters import partial_eval

from grokjax.reader.run import Run, minibatch_size

ADAM_WORDS = 7
"""Numbers moved per parameter by AdamW: parameter, two moments and gradient read; parameter and two moments written."""


@dataclasses.dataclass(frozen=True)
class Work:
    """Of one update of one run.

    Attributes:
      flops: of all matrix products, forward and backward, at two for each multiply-add.
      bytes: moved when no two operations are fused: each product reads its inputs and writes its output, and AdamW.
    """

    flops: float
    bytes: float


def work_of(run: Run, examples: int | None = None) -> Work:
    """Count the products in the gradient of the mean loss over one update's examples, in the run's form.

    Args:
      examples: of one update, padding included; those that the run takes unless given.
    """
    signature, table = run.task.signature(), run.task.table()
    if examples is None:
        examples = minibatch_size(run.minibatch, run.task.counts(signature).n_train)
    drawn = np.arange(examples) % len(table.inputs)
    inputs, targets = jnp.asarray(table.inputs[drawn]), jnp.asarray(table.targets[drawn])

    def objective(params: Any) -> jax.Array:
        outputs = run.model.logits(run.model.prepare(params, signature), inputs, signature, None)
        return jnp.mean(run.loss.loss(outputs, targets))

    params = jax.eval_shape(lambda: run.model.init(jax.random.key(0), signature))
    traced = jax.make_jaxpr(jax.grad(objective))(params).jaxpr
    needed, _ = partial_eval.dce_jaxpr(traced, [True] * len(traced.outvars))
    flops, moved = _products(needed)
    size = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))
    return Work(flops, moved + 4 * ADAM_WORDS * size)


def _products(jaxpr: Any) -> tuple[float, float]:
    """FLOPs and bytes of every matrix product in a program without loops."""
    flops = moved = 0.0
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            (left_axes, _), _ = equation.params["dimension_numbers"]
            left, output = equation.invars[0].aval, equation.outvars[0].aval
            flops += 2 * math.prod(output.shape) * math.prod(left.shape[axis] for axis in left_axes)
            moved += sum(
                var.aval.dtype.itemsize * math.prod(var.aval.shape) for var in (*equation.invars, *equation.outvars)
            )
        inner = list(filter(_is_jaxpr, jax.tree.leaves(list(equation.params.values()), is_leaf=_is_jaxpr)))
        if equation.primitive.name == "cond":  # its branches are the same product for several platforms
            inner = inner[:1]
        for program in inner:
            more = _products(getattr(program, "jaxpr", program))
            flops, moved = flops + more[0], moved + more[1]
    return flops, moved


def _is_jaxpr(value: Any) -> bool:
    return hasattr(value, "eqns") or hasattr(value, "jaxpr")


def matmul_peak(devices: list[Any], size: int, precision: str = "highest", dtype: Any = jnp.float32) -> float:
    """FLOP/s of square products, all devices at the same time; the best of a few."""
    product = jax.jit(lambda left, right: jnp.matmul(left, right, precision=precision))
    drawn = [jax.device_put(jnp.ones((size, size), dtype), device) for device in devices]
    seconds = _best(lambda index: product(drawn[index], drawn[index]), len(devices))
    return len(devices) * 2 * size**3 / seconds


def numpy_peak(size: int) -> float:
    """FLOP/s of a float32 product in NumPy, with the threads that its library likes."""
    matrix = np.ones((size, size), np.float32)
    return 2 * size**3 / _best(lambda _: matrix @ matrix, 1)


def copy_bandwidth(devices: list[Any], megabytes: int) -> float:
    """Bytes per second, read and written, of adding one to a large array; all devices at the same time."""
    add = jax.jit(lambda array: array + 1)
    arrays = [jax.device_put(jnp.zeros(megabytes * 2**18, jnp.float32), device) for device in devices]
    return len(devices) * 2 * megabytes * 2**20 / _best(lambda index: add(arrays[index]), len(devices))


def _best(compute: Callable[[int], Any], parallel: int, repeats: int = 5) -> float:
    """Least seconds in which all of `parallel` calls finish; the first round is not counted."""
    seconds = []
    with ThreadPoolExecutor(parallel) as threads:
        for _ in range(repeats + 1):
            start = time.perf_counter()
            list(threads.map(lambda index: jax.block_until_ready(compute(index)), range(parallel)))
            seconds.append(time.perf_counter() - start)
    return min(seconds[1:])
