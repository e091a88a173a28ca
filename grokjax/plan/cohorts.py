"""Which runs share a compiled program: those whose trees have equal structure, a task counting as its signature."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from grokjax.core.interfaces import Signature, Task
from grokjax.core.part import Part, hints_of, is_swept
from grokjax.orders.identity import ID_DIGITS, canonical
from grokjax.orders.order import Order, Orders
from grokjax.reader.paths import fields_of
from grokjax.reader.run import Run, StoredInit


@dataclasses.dataclass(frozen=True)
class Cohort:
    """Runs that share one compiled program.

    Attributes:
      number: position among the cohorts of the sweep.
      run: one of its runs.
      signature: of its tasks.
      tasks: one per different table.
      table_of: [cell] position in `tasks`; of no meaning for the cells of other cohorts.
      orders: those of all cohorts.
      numbers: [run] int64, which of them are its own, in the order of training.
      static: the values of static axes that its runs have in common or take, by axis.
    """

    number: int
    run: Run
    signature: Signature
    tasks: tuple[Task, ...]
    table_of: np.ndarray
    orders: Orders
    numbers: np.ndarray
    static: dict[str, list[Any]]

    @functools.cached_property
    def key(self) -> str:
        """Names the cohort's program in every sweep and process; the number shifts when a static axis gets finer."""
        return program_digest(self.run, self.signature)

    def __len__(self) -> int:
        return len(self.numbers)

    def in_turn(self) -> Iterator[Order]:
        """Its orders, in the order of training."""
        return (self.orders[int(number)] for number in self.numbers)

    def table(self, cell: int) -> int:
        """Which table the runs of a cell use."""
        return int(self.table_of[cell])


def find_cohorts(orders: Orders) -> list[Cohort]:
    """Cohorts in the order of their first run. Only static axes are enumerated; swept ones stay columns."""
    keys: dict[Hashable, int] = {}
    members: list[_Member] = []
    signatures: dict[Any, Signature] = {}
    cohort_of, table_of = [], []
    for grid in orders.grids:
        columns = grid.points.columns()
        static = [path for path in columns if not is_column(grid.points.base, path, columns[path])]
        code, firsts = _combinations([columns[path] for path in static], len(grid.points))
        numbers, tables = [], []
        for point in firsts.tolist():
            run = grid.run(point, 0)
            structure = jax.tree.structure(run.task)
            if structure not in signatures:
                signatures[structure] = run.task.signature()
            number = keys.setdefault(program_key(run, signatures[structure]), len(keys))
            if number == len(members):
                members.append(_Member(run, signatures[structure]))
            member = members[number]
            tables.append(member.tasks.setdefault(structure, (len(member.tasks), run.task))[0])
            numbers.append(number)
            for path in static:
                member.static.setdefault(path, []).append(columns[path][point])
        cohort_of.append(np.asarray(numbers)[code])
        table_of.append(np.asarray(tables, np.int32)[code])
    turn = orders.in_turn()
    cohort_in_turn = np.concatenate(cohort_of)[orders.cells_of(turn)]
    taken = [(member, turn[cohort_in_turn == number]) for number, member in enumerate(members)]
    return [
        Cohort(
            number=number,
            run=member.run,
            signature=member.signature,
            tasks=tuple(task for _, task in member.tasks.values()),
            table_of=np.concatenate(table_of),
            orders=orders,
            numbers=numbers,
            static={path: _distinct(values) for path, values in member.static.items()},
        )
        for number, (member, numbers) in enumerate((member, numbers) for member, numbers in taken if len(numbers))
    ]


@dataclasses.dataclass
class _Member:
    """A cohort while its runs are gathered."""

    run: Run
    signature: Signature
    tasks: dict[Any, tuple[int, Task]] = dataclasses.field(default_factory=dict)
    static: dict[str, list[Any]] = dataclasses.field(default_factory=dict)


def program_key(run: Run, signature: Signature) -> Hashable:
    """Equal for runs that share a program."""
    task_leaves = len(jax.tree.leaves(run.task))
    init = _start_key(run.init)
    return jax.tree.structure(dataclasses.replace(run, task=None, init=None)), signature, task_leaves, init


def program_digest(run: Run, signature: Signature) -> str:
    """16 hexadecimal digits, equal for runs of equal `program_key`, in every process."""
    task_leaves = len(jax.tree.leaves(run.task))
    init = _start_key(run.init)
    blank = jax.tree.map(lambda _: 0.0, dataclasses.replace(run, task=None, init=None))
    text = json.dumps([canonical(blank), signature, task_leaves, init], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:ID_DIGITS]


def _start_key(init: StoredInit | None) -> Hashable:
    """What a program must know of the start of its runs; from which run and at which step is data."""
    if init is None:
        return None
    prune = None if init.prune is None else init.prune.removes
    return (init.freeze, init.mask, *((init.draw, prune) if init.draw or init.prune else ()))


def is_column(run: Run, path: str, values: np.ndarray) -> bool:
    """Whether an axis only changes numbers that a program takes as values."""
    owner: Any = run
    *folders, last = fields_of(path)
    for name in folders:
        owner = owner[int(name)] if isinstance(owner, tuple) else getattr(owner, name, None)
    if not isinstance(owner, Part) or not is_swept(hints_of(type(owner)).get(last)):
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


def _distinct(values: Sequence[Any]) -> list[Any]:
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    return list({_text(value): value for value in plain}.values())
