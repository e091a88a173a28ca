"""Which runs share a compiled program: those whose trees have equal structure, a task counting as its signature."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Hashable
from typing import Any

import jax
import numpy as np

from grokjax.core.interfaces import Signature, Task
from grokjax.core.part import Part, hints_of, is_swept
from grokjax.reader.identity import ID_DIGITS, canonical
from grokjax.reader.run import Run
from grokjax.reader.sweep import Sweep


@dataclasses.dataclass(frozen=True)
class Cohort:
    """Runs that share one compiled program.

    Attributes:
      number: position among the cohorts of the sweep.
      run: one of its runs.
      signature: of its tasks.
      tasks: one per different table.
      table_of: [cell] position in `tasks`; of no meaning for the cells of other cohorts.
      runs: [run] int64, its runs in the order of the queue.
      static: the values of static axes that its runs have in common or take, by axis.
    """

    number: int
    run: Run
    signature: Signature
    tasks: tuple[Task, ...]
    table_of: np.ndarray
    runs: np.ndarray
    static: dict[str, list[Any]]

    @functools.cached_property
    def key(self) -> str:
        """Names the cohort's program in every sweep and process; the number shifts when a static axis gets finer."""
        return program_digest(self.run, self.signature)

    def table(self, cell: int) -> int:
        """Which table the runs of a cell use."""
        return int(self.table_of[cell])


def find_cohorts(sweep: Sweep) -> list[Cohort]:
    """Cohorts in the order of their first run in the spec. Only static axes are enumerated; swept ones stay columns."""
    columns = sweep.columns()
    static_paths = [path for path in columns if not is_column(sweep.base, path, columns[path])]
    code, first_cells = _combinations([columns[path] for path in static_paths], sweep.num_cells)
    keys: dict[Hashable, int] = {}
    cohort_of_code, table_of_code = [], []
    members: list[dict[str, Any]] = []
    signatures: dict[Any, Signature] = {}
    for cell in first_cells:
        run = sweep.run(int(cell) * sweep.num_seeds)
        task_structure = jax.tree.structure(run.task)
        if task_structure not in signatures:
            signatures[task_structure] = run.task.signature()
        signature = signatures[task_structure]
        number = keys.setdefault(program_key(run, signature), len(keys))
        if number == len(members):
            members.append({"run": run, "signature": signature, "tasks": {}, "cells": []})
        tasks = members[number]["tasks"]
        table_of_code.append(tasks.setdefault(task_structure, (len(tasks), run.task))[0])
        members[number]["cells"].append(int(cell))
        cohort_of_code.append(number)
    queue = sweep.queue()
    cohort_of_run = np.asarray(cohort_of_code)[code][queue // sweep.num_seeds]
    tables = np.asarray(table_of_code, np.int32)[code]
    return [
        Cohort(
            number=number,
            run=member["run"],
            signature=member["signature"],
            tasks=tuple(task for _, task in member["tasks"].values()),
            table_of=tables,
            runs=queue[cohort_of_run == number],
            static={path: _distinct(columns[path][member["cells"]]) for path in static_paths},
        )
        for number, member in enumerate(members)
    ]


def program_key(run: Run, signature: Signature) -> Hashable:
    """Equal for runs that share a program."""
    task_leaves = len(jax.tree.leaves(run.task))
    init = None if run.init is None else (run.init.freeze, run.init.mask)
    return jax.tree.structure(dataclasses.replace(run, task=None, init=None)), signature, task_leaves, init


def program_digest(run: Run, signature: Signature) -> str:
    """16 hexadecimal digits, equal for runs of equal `program_key`, in every process."""
    task_leaves = len(jax.tree.leaves(run.task))
    init = None if run.init is None else (run.init.freeze, run.init.mask)
    blank = jax.tree.map(lambda _: 0.0, dataclasses.replace(run, task=None, init=None))
    text = json.dumps([canonical(blank), signature, task_leaves, init], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:ID_DIGITS]


def is_column(run: Run, path: str, values: np.ndarray) -> bool:
    """Whether an axis only changes numbers that a program takes as values."""
    place: Any = run
    *folders, last = path.split(".")
    for name in folders:
        place = place[int(name)] if isinstance(place, tuple) else getattr(place, name, None)
    if not isinstance(place, Part) or not is_swept(hints_of(type(place)).get(last)):
        return False
    return np.issubdtype(values.dtype, np.number) or all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in values
    )


def _combinations(columns: list[np.ndarray], cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Number of each cell's combination of values, and the first cell of each combination, in the spec's order."""
    code = np.zeros(cells, np.int64)
    for column in columns:
        position = _positions(column)
        code = code * (int(position.max()) + 1) + position
    _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[inverse], first[order]


def _positions(column: np.ndarray) -> np.ndarray:
    """[cell] int64, equal where values are; a list of a million texts would be a gigabyte."""
    if column.dtype != object:
        return np.unique(column, return_inverse=True)[1]
    known: dict[str, int] = {}
    return np.fromiter((known.setdefault(_text(value), len(known)) for value in column), np.int64, len(column))


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _distinct(values: np.ndarray) -> list[Any]:
    return list({_text(value): value for value in values.tolist()}.values())
