"""What is known of a task's examples: their table, what a program must know of it, and how a run splits it."""

import dataclasses
from typing import Any, NamedTuple

import jax
import numpy as np

from grokjax.core.token_places import num_answers


@dataclasses.dataclass(frozen=True)
class Table:
    """Every example of a task, as NumPy arrays on the host.

    Attributes:
      inputs: [example, token] int32 symbols, or [example, ...] float32 values.
      targets: [example] int32 classes, or [example, ...] float32 vectors. [example, answer] int32 classes of tokens are
        answered at the last positions of `inputs`, each of which but the first holds the answer before.
      num_classes: number of outputs that a model must have.
      vocabulary: number of different symbols in `inputs`; None for real-valued inputs.
      operands: positions of `inputs` that differ between examples (models without attention read only these); empty
        for real-valued inputs.
      mirror: [example] int32, the example with the first and last operand swapped and the same answer; its own index
        where none is.
      n_train: the first so many examples are the train set and the others the test set; None where it is drawn.
    """

    inputs: np.ndarray
    targets: np.ndarray
    num_classes: int
    vocabulary: int | None = None
    operands: tuple[int, ...] = ()
    mirror: np.ndarray | None = None
    n_train: int | None = None


GIVEN = " with a given train set"  # in the name of the task: a further field would change stored programs' keys


class Signature(NamedTuple):
    """What a compiled program must know of a task. Tasks of equal signature share a program."""

    task: str  # class of the task, with the static fields that its traced methods read
    num_examples: int
    input_shape: tuple[int, ...]  # of one example
    input_dtype: str
    target_shape: tuple[int, ...]  # of one example
    target_dtype: str
    num_classes: int
    vocabulary: int | None
    operands: tuple[int, ...]
    fixed: tuple[int, ...] = ()  # symbols at the other positions, the same in every example, in order

    @property
    def has_given_split(self) -> bool:
        """Whether the first examples of the table are the train set, and none is drawn."""
        return self.task.endswith(GIVEN)

    @property
    def num_answers(self) -> int:
        """Positions at which a sequence of tokens is answered, the last ones."""
        return num_answers(self.vocabulary, self.target_dtype, self.target_shape)


class Counts(NamedTuple):
    """Whole numbers of a run's data, computed on the host in float64 and given to the program as values."""

    n_train: Any  # int on the host, int32 scalar inside a program
    n_corrupt: Any  # train labels that are drawn anew; a draw may equal the true label


class Split(NamedTuple):
    """A run's data: which examples are trained on, with which labels.

    Attributes:
      order: [example] int32, a permutation of the table; the first `n_train` are the train set.
      labels: [example, ...] targets as given to the learner, in the table's order; true ones outside the train set.
      group: [example] int32, position in `GROUPS`, in the table's order.
    """

    order: jax.Array
    labels: jax.Array
    group: jax.Array
