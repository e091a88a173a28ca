"""Regression on the outputs of a random network: Liu, Michaud, Tegmark 2023 (Omnigrok, arXiv 2210.01117).

Theirs: a teacher 5-100-100-5 with tanh and PyTorch's initial values, 100 train and 100 test inputs from N(0, I). The
student is `mlp` of the same shape, and their alpha its `init_scale`.
"""

from functools import lru_cache
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.drawn_task import PoolTask
from grokjax.core.interfaces import Table
from grokjax.core.part import Swept, SweptInt, part, setting
from grokjax.tasks.drawn_numbers import normals, uniforms


@part
class TeacherStudent(PoolTask):
    """Inputs from N(0, I), targets by a teacher with tanh, weights and biases from U(-b, b), b = 1 / sqrt(fan_in).

    An example is right when its squared error, averaged over the outputs, is below `tolerance`: 0.001 in their code,
    0.01 in their paper.
    """

    paper = "Liu, Michaud, Tegmark 2023, arXiv 2210.01117"

    inputs: int = setting(5, "length of an input", at_least=1)
    outputs: int = setting(5, "length of a target", at_least=1)
    width: int = setting(100, "units of each hidden layer of the teacher", at_least=1)
    depth: int = setting(2, "hidden layers of the teacher", at_least=1)
    examples: int = setting(200, "size of the pool, train and test together", at_least=2)
    data_seed: int = setting(0, "seed of the inputs", at_least=0)
    teacher_seed: int = setting(0, "seed of the teacher", at_least=0)
    train_size: SweptInt = setting(
        100, "train examples; the rest of the pool is the test set", unit="examples", at_least=1, scheduled=False
    )
    tolerance: Swept = setting(0.001, "mean squared error below which an example counts as right", above=0)

    def table(self) -> Table:
        layers = (self.inputs, *[self.width] * self.depth, self.outputs)
        return _table(layers, self.examples, self.data_seed, self.teacher_seed)

    def correct(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        return jnp.mean(jnp.square(outputs - targets), axis=-1) < self.tolerance


@lru_cache(maxsize=32)
def _table(layers: tuple[int, ...], examples: int, data_seed: int, teacher_seed: int) -> Table:
    inputs = normals(data_seed, 0, (examples, layers[0])).astype(np.float32)
    values = inputs.astype(np.float64)
    for index, (fan_in, fan_out) in enumerate(pairwise(layers)):
        drawn = (2 * uniforms(teacher_seed, index, (fan_in + 1, fan_out)) - 1) / np.sqrt(fan_in)
        values = (np.tanh(values) if index else values) @ drawn[1:] + drawn[0]
    targets = values.astype(np.float32)
    inputs.flags.writeable = targets.flags.writeable = False
    return Table(inputs=inputs, targets=targets, num_classes=layers[-1])
