"""What one compiled program is made for: everything static that the traced code closes over."""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.interfaces import Counts, Measure, Signature, Split
from grokjax.plan.forms import FIRST_FORMS, Forms
from grokjax.reader.run import Run
from grokjax.reader.stop_plan import StopRule, stop_rules

MAP, VMAP = "map", "vmap"


@dataclasses.dataclass(frozen=True)
class Program:
    """Static structure of a cohort's program.

    Attributes:
      run: one run of the cohort: its static fields and tree structure count, its numbers do not.
      signature: of the cohort's tasks.
      measures: what is recorded beside `fit`.
      lanes: R, lanes of one worker.
      block_lanes: B, lanes mapped by `vmap`; blocks are walked by `lax.map`. 1 on a CPU.
      block_examples: examples of one block of a gradient sum.
      look_examples: examples of one block of a look.
      num_looks: length of the schedule of looks.
      num_rows: how many of the looks are rows, measured in full.
      stop_rules: conditions that may end a run before its budget, that of generalization first.
      forms: in which of several equal ways it computes.
    """

    run: Run
    signature: Signature
    measures: tuple[Measure, ...]
    lanes: int
    block_lanes: int
    block_examples: int
    look_examples: int
    num_looks: int
    num_rows: int
    stop_rules: tuple[StopRule, ...] = stop_rules(None)
    forms: Forms = FIRST_FORMS

    @property
    def executor(self) -> str:
        """`map` or `vmap`."""
        return MAP if self.block_lanes == 1 else VMAP

    def facts(self) -> dict[str, Any]:
        """What bits depend on besides the run and the versions; as stored, examples of a block are called rows."""
        return {
            "lanes": self.lanes,
            "block_lanes": self.block_lanes,
            "block_rows": self.block_examples,
            "look_rows": self.look_examples,
            "executor": self.executor,
            **self.forms._asdict(),
        }

    @property
    def dtype(self) -> np.dtype:
        """Number format of parameters and swept values."""
        return np.dtype(self.run.precision.params)


class Tables(NamedTuple):
    """The tables of a cohort, stacked: arguments of the program, never constants in it.

    Attributes:
      inputs: [table, example, ...].
      targets: [table, example, ...].
      mirror: [table, example] int32.
    """

    inputs: Any
    targets: Any
    mirror: Any


class Schedule(NamedTuple):
    """When lanes are looked at; the same for every run of a sweep.

    Attributes:
      steps: [look] int32, increasing; the last is the budget.
      is_row: [look] bool, whether the look is measured in full.
      release: [rule, look] int32, the step from which a run may stop if a condition holds from this look on.
    """

    steps: Any
    is_row: Any
    release: Any


class Values(NamedTuple):
    """What tells one run of a cohort from another: the argument from which a lane is filled.

    Attributes:
      leaves: swept numbers of the run, in tree order.
      counts: sizes of the split.
      table: which table of the cohort.
      minibatch: examples of an update.
      stop: step at which the run ends, its budget.
      is_audited: whether the stop rule leaves the run alone.
      params: initial parameters when the cohort starts from stored runs, else None. NaN stands for a weight that is
        pruned; those that are drawn anew are in the program, whatever stands here.
    """

    leaves: list[Any]
    counts: Counts
    table: Any
    minibatch: Any
    stop: Any
    is_audited: Any
    params: Any


class Data(NamedTuple):
    """One run's data inside the program.

    Attributes:
      table: int32, which table of the cohort.
      split: see `core.interfaces.Split`.
      n_train: int32.
      minibatch: int32, examples of an update; n_train for the full batch.
      initial: parameters before the first update where they come from a stored run or the model is centred; else None.
      kept: bool like the parameters, false where a weight was pruned; None where none was.
      stages: [stage] int32, train examples of each stage of a curriculum; None without one.
    """

    table: jax.Array
    split: Split
    n_train: jax.Array
    minibatch: jax.Array
    initial: Any
    kept: Any = None
    stages: Any = None


class Course(NamedTuple):
    """How far a run has come in its curriculum; int32 scalars.

    Attributes:
      stage: from 0 to the number of stages, the last of which is the whole train set.
      began: the step at which it began.
      passed: epochs in a row whose answers were right often enough.
      right, seen: answers of this epoch so far.
    """

    stage: jax.Array
    began: jax.Array
    passed: jax.Array
    right: jax.Array
    seen: jax.Array


class State(NamedTuple):
    """What the next update needs.

    Attributes:
      params: parameters after `step` updates.
      opt_state: state of gradient transformations and optimizer.
      step: int32, updates done.
      order: [example] int32, this epoch's order of the train set; None with the full batch.
      loss: trained loss at the last update, before it (penalties included).
      course: see `Course`; None without a curriculum.
    """

    params: Any
    opt_state: Any
    step: jax.Array
    order: Any
    loss: jax.Array
    course: Any = None


class Memorized(NamedTuple):
    """The parameters of the first look at which the train set is fit.

    Attributes:
      step: int32, -1 before.
      params: NaN before.
    """

    step: Any
    params: Any


class Book(NamedTuple):
    """What a lane keeps about its run besides training it.

    Attributes:
      active: bool; a free lane is not trained.
      stop: int32, the step at which the run ends.
      diverged_at: int32, the update that left a number non-finite; -1 for none.
      is_audited: bool.
      cursor: int32, position in the schedule of looks.
      since: [rule] int32, the look from which a condition of the stop rule holds without a break; -1 when it does not.
      num_looks, num_rows: int32, how much of the buffers is filled.
      look_steps, row_steps: [look] and [row] int32.
      looks: `whole` -> [look, name] int32 and `float` -> [look, name]; names by `look_names`.
      rows: `group/name` -> [row, ...].
      memorized: see `Memorized`; None where no measure compares with it.
    """

    active: jax.Array
    stop: jax.Array
    diverged_at: jax.Array
    is_audited: jax.Array
    cursor: jax.Array
    since: jax.Array
    num_looks: jax.Array
    num_rows: jax.Array
    look_steps: jax.Array
    row_steps: jax.Array
    looks: dict[str, jax.Array]
    rows: dict[str, jax.Array]
    memorized: Any = None


class Lane(NamedTuple):
    """One place of the batched state; with a leading axis [lane] it is the batched state."""

    leaves: list[Any]
    data: Data
    state: State
    book: Book


def run_of(program: Program, leaves: list[Any]) -> Run:
    """The run with the given swept numbers; inside the program they are traced."""
    return jax.tree.unflatten(jax.tree.structure(program.run), leaves)


def leaves_of(run: Run) -> list[np.ndarray]:
    """Swept numbers of a run in tree order: floats in the run's number format, whole numbers as uint32."""
    dtype = np.dtype(run.precision.params)
    return [np.asarray(leaf, np.uint32 if isinstance(leaf, int) else dtype) for leaf in jax.tree.leaves(run)]


def all_finite(tree: Any) -> jax.Array:
    """Whether every float of a tree is finite; bool scalar."""
    floats = [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    # As a stack of them, XLA would make a program that grows with the square of their number.
    return functools.reduce(jnp.logical_and, [jnp.all(jnp.isfinite(leaf)) for leaf in floats])
