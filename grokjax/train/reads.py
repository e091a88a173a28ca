"""What does the training of a run read? The engine's first update is traced, not computed, and cut to what counts.

Runs whose trainings read the same are one run, whatever their settings and seeds are called.
"""

import dataclasses
import hashlib
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.interpreters import partial_eval

from grokjax.core.interfaces import Counts, Signature, Task
from grokjax.plan.blocks import block_sizes
from grokjax.plan.cohorts import program_key
from grokjax.reader.file_paths import names_run
from grokjax.reader.run import Run, minibatch_size
from grokjax.train.executables import number_format
from grokjax.train.feed import make_tables
from grokjax.train.program import Program, State, Tables, Values, leaves_of, run_of
from grokjax.train.step import init, shuffle, step


class Reading(NamedTuple):
    """What the training of a run depends on.

    Attributes:
      program: checksum of everything that is computed.
      is_read: [leaf] for each number of the run, in tree order, whether anything that is computed depends on it.
    """

    program: str
    is_read: tuple[bool, ...]


def identity_of_training(run: Run) -> Hashable:
    """Equal for two runs exactly when they are trained in the same way on the same examples.

    A minibatch that holds the whole train set counts as the full batch, to which it is equal up to rounding.
    """
    signature = run.task.signature()
    counts = run.task.counts(signature)
    size = minibatch_size(run.minibatch, counts.n_train)
    if size == counts.n_train and run.minibatch is not None and run.minibatch.used is None:
        run = dataclasses.replace(run, minibatch=None)
    traced = reading(run, signature, counts.n_corrupt > 0)
    numbers = [leaf.tobytes() for leaf, is_read in zip(leaves_of(run), traced.is_read, strict=True) if is_read]
    start = _start(run)
    return run.precision, traced.program, tuple(numbers), counts, size, _examples_digest(run.task), start


def _start(run: Run) -> Hashable:
    """What parameters come from outside the program; which run of a folder is meant may hang on the run's seeds."""
    if run.init is None:
        return None
    where = run.init if names_run(run.init.source) else (run.init, run.seeds)
    return where if run.init.prune is None else (where, run.seeds.init)


def reading(run: Run, signature: Signature, corrupts: bool) -> Reading:
    """What training reads of a run.

    Args:
      run: of its numbers only matters which are zero: those stay zero in the trace, since a part may leave something
        out then (`core.part.is_known_zero`); all others may be anything.
      signature: of its task.
      corrupts: whether labels are drawn anew.
    """
    leaves = jax.tree.leaves(run)
    unknown = _traced(run, signature, (False,) * len(leaves), corrupts)
    is_zero = [leaf == 0 and not isinstance(leaf, int) for leaf in leaves]
    zeros = tuple(is_read and zero for is_read, zero in zip(unknown.is_read, is_zero, strict=True))
    return _traced(run, signature, zeros, corrupts) if any(zeros) else unknown


def _traced(run: Run, signature: Signature, zeros: tuple[bool, ...], corrupts: bool) -> Reading:
    key = program_key(run, signature), zeros, corrupts
    if key not in _READINGS:
        _READINGS[key] = _trace(run, signature, zeros, corrupts)
    return _READINGS[key]


_READINGS: dict[Hashable, Reading] = {}


def _trace(run: Run, signature: Signature, zeros: Sequence[bool], corrupts: bool) -> Reading:
    rows = block_sizes(run, signature, is_cpu=True)
    program = Program(run, signature, (), 1, 1, rows.step, rows.look, num_looks=1, num_rows=1)

    def trained(numbers: list[Any], n_train: jax.Array, n_corrupt: jax.Array, stored: Any, tables: Tables) -> State:
        leaves = [0.0 if is_zero else number for is_zero, number in zip(zeros, numbers, strict=True)]
        counts = Counts(n_train, n_corrupt if corrupts else np.int32(0))
        data, state = init(program, Values(leaves, counts, np.int32(0), n_train, n_train, False, stored), tables)
        if state.order is not None:
            state = shuffle(run_of(program, leaves), data, state)
        return step(program, run_of(program, leaves), data, state, tables, 1)

    count = jax.ShapeDtypeStruct((), np.int32)
    with number_format(program), jax.default_matmul_precision("highest"):
        numbers = [jax.ShapeDtypeStruct((), leaf.dtype) for leaf in leaves_of(run)]
        stored = None if run.init is None else jax.eval_shape(lambda: run.model.init(jax.random.key(0), signature))
        closed = jax.make_jaxpr(trained)(numbers, count, count, stored, _table_shapes(signature))
    # Dead code elimination: what no output needs goes, and which arguments are needed comes back.
    kept, is_read = partial_eval.dce_jaxpr(closed.jaxpr, [True] * len(closed.jaxpr.outvars))
    text = f"{signature}{kept}{''.join(_texts_of_constants(closed))}"
    return Reading(hashlib.sha256(text.encode()).hexdigest(), tuple(is_read[: len(zeros)]))


def _table_shapes(signature: Signature) -> Tables:
    examples = signature.num_examples
    return Tables(
        inputs=jax.ShapeDtypeStruct((1, examples, *signature.input_shape), signature.input_dtype),
        targets=jax.ShapeDtypeStruct((1, examples, *signature.target_shape), signature.target_dtype),
        mirror=jax.ShapeDtypeStruct((1, examples), np.int32),
    )


def _texts_of_constants(closed: Any) -> Iterator[str]:
    """Arrays that the traced code closes over, those of programs inside it too; a printed program hides them."""
    for constant in closed.consts:
        array = np.asarray(constant)
        yield repr((array.shape, array.dtype.str, array.tobytes()))
    for equation in closed.jaxpr.eqns:
        for inner in jax.tree.leaves(tuple(equation.params.values()), is_leaf=lambda value: hasattr(value, "consts")):
            if hasattr(inner, "consts") and hasattr(inner, "jaxpr"):
                yield from _texts_of_constants(inner)


def _examples_digest(task: Task) -> str:
    """Checksum of the examples of a task; tasks that differ in numbers alone have the same."""
    structure = jax.tree.structure(task)
    if structure not in _EXAMPLES:
        content = b"".join(np.ascontiguousarray(array).tobytes() for array in make_tables([task]))
        _EXAMPLES[structure] = hashlib.sha256(content).hexdigest()
    return _EXAMPLES[structure]


_EXAMPLES: dict[Hashable, str] = {}
