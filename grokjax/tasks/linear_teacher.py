"""Linear teacher and linear student, whose grokking is known in closed form: Levi, Beck, Bar-Sinai 2023.

Paper: arXiv 2310.16441. Inputs from N(0, I), teacher and student from N(0, 1 / (2 inputs)): the loss starts at 1. With
`sgd`, loss `mse` and the model `linear` (initializer normal, init_scale 0.707107) at full batch a run follows
`tests/analysis/linear_theory.py`, up to what is random in a finite sample.
"""

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.drawn_task import PoolTask
from grokjax.core.interfaces import Table
from grokjax.core.part import Swept, SweptInt, part, setting
from grokjax.tasks.drawn_numbers import normals


@part
class LinearTeacher(PoolTask):
    """Targets are a random linear map of inputs from N(0, I): y = x T, entries of T from N(0, 1 / (2 inputs)).

    The ratio of the paper is inputs / train_size. An example is right when its squared error, averaged over the
    outputs, is below `tolerance` (the paper's epsilon, for one output).
    """

    paper = "Levi, Beck, Bar-Sinai 2023, arXiv 2310.16441"

    inputs: int = setting(1000, "length of an input", at_least=1)
    outputs: int = setting(1, "length of a target", at_least=1)
    examples: int = setting(4000, "size of the pool, train and test together", at_least=2)
    data_seed: int = setting(0, "seed of inputs and teacher", at_least=0)
    train_size: SweptInt = setting(
        2000, "train examples; the rest of the pool is the test set", unit="examples", at_least=1, scheduled=False
    )
    tolerance: Swept = setting(0.001, "mean squared error below which an example counts as right", above=0)

    def table(self) -> Table:
        return _table(self.inputs, self.outputs, self.examples, self.data_seed)

    def correct(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        return jnp.mean(jnp.square(outputs - targets), axis=-1) < self.tolerance


@lru_cache(maxsize=32)
def _table(inputs: int, outputs: int, examples: int, seed: int) -> Table:
    drawn = normals(seed, 0, (examples, inputs)).astype(np.float32)
    teacher = normals(seed, 1, (inputs, outputs)) / np.sqrt(2 * inputs)
    targets = (drawn.astype(np.float64) @ teacher).astype(np.float32)
    drawn.flags.writeable = targets.flags.writeable = False
    return Table(inputs=drawn, targets=targets, num_classes=outputs)
