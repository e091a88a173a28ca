"""What does the text of a compiled program say of its cost? Its operations, each as often as its loop goes round."""

import collections
import dataclasses
import math
import re

_COMPUTATION = re.compile(r"^(?P<entry>ENTRY )?%?(?P<name>[\w.\-]+) \(.*\{$")
_OPERATION = re.compile(r"^\s+(?:ROOT )?%?(?P<name>[\w.\-]+) = (?P<type>\S.*?) (?P<kind>[a-z][\w\-]*)\((?P<rest>.*)$")
_ARRAY = re.compile(r"\b([a-z]+\d*)\[([\d,]*)\](\{[^}]*\})?")
_CYCLES = re.compile(r'"estimated_cycles":"(\d+)"')
_TRIPS = re.compile(r'known_trip_count\D*"n":"(\d+)"')
_IS_VIEW = re.compile(r'custom_call_target="\w*Bitcast"')
_ON_CHIP = re.compile(r"S\([1-9]\d*\)")  # memory space 0 is the device's own
_FREE = re.compile(
    "(parameter|constant|get-tuple-element|tuple|bitcast|after-all|partition-id|optimization-barrier|while|call|.*-done)$"
)
"""Kinds that do nothing, are told by what they call, or wait for what was counted where it starts."""


@dataclasses.dataclass(frozen=True)
class Operation:
    """One line of a computation.

    Attributes:
      kind: `fusion`, `copy`, ...
      bytes: read and written in the memory of the device; what stays on the chip is not counted.
      cycles: the compiler's estimate; None where it gives none.
      text: the line.
    """

    kind: str
    bytes: int
    cycles: int | None
    text: str


@dataclasses.dataclass
class Cost:
    """Of one call of a program.

    Attributes:
      cycles: the compiler's estimate, of the operations that have one.
      bytes: read and written, at most: of an array of which an operation reads a part, all of it.
      costed: operations with an estimate, each counted once.
      uncosted: those without, by kind; copies in the background are none of them.
    """

    cycles: int = 0
    bytes: int = 0
    costed: int = 0
    uncosted: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)


def cost_of(text: str, trips: int) -> Cost:
    """Add up a program.

    Args:
      trips: how often a loop goes round whose text does not say it.
    """
    computations, entry = _computations(text)
    cost = Cost()

    def add(name: str, times: int) -> None:
        for operation in computations[name]:
            if operation.kind == "while":
                stated = _TRIPS.search(operation.text)
                add(_called(operation.text, "body"), times * (int(stated[1]) if stated else trips))
            elif operation.kind == "call":
                add(_called(operation.text, "to_apply"), times)
            elif operation.kind == "conditional":
                raise ValueError(f"nobody knows which branch is taken: {operation.text[:200]}")
            if _FREE.match(operation.kind) or _IS_VIEW.search(operation.text):
                continue
            cost.bytes += times * operation.bytes
            if operation.cycles is not None:
                cost.costed, cost.cycles = cost.costed + 1, cost.cycles + times * operation.cycles
            elif not operation.kind.endswith("-start"):
                cost.uncosted[operation.kind] += 1

    add(entry, 1)
    return cost


def _computations(text: str) -> tuple[dict[str, list[Operation]], str]:
    """Operations by the name of their computation, and the name of that which is called."""
    computations: dict[str, list[Operation]] = {}
    entry, name, sizes = "", "", dict[str, int]()
    for line in text.splitlines():
        if head := _COMPUTATION.match(line):
            name, sizes = head["name"], {}
            computations[name] = []
            entry = name if head["entry"] else entry
        elif parts := _OPERATION.match(line):
            kind, sizes[parts["name"]] = parts["kind"], _bytes(parts["type"])
            operands = re.findall(r"%?([\w.\-]+)", parts["rest"].partition(")")[0])
            # What starts a copy gives both its ends, source and target.
            moved = [] if kind.endswith("-start") else [sizes.get(operand, 0) for operand in operands]
            cycles = _CYCLES.search(line)
            size = sizes[parts["name"]] + sum(moved)
            computations[name].append(Operation(kind, size, int(cycles[1]) if cycles else None, line.strip()))
    return computations, entry


def _bytes(type_text: str) -> int:
    """Of the arrays of a type that lie in the memory of the device."""
    return sum(
        math.prod(map(int, filter(None, shape.split(",")))) * _item_bytes(number)
        for number, shape, layout in _ARRAY.findall(type_text)
        if not _ON_CHIP.search(layout)
    )


def _item_bytes(number: str) -> int:
    """`f32`, `bf16`, `s8`, `pred`, ..."""
    bits = re.search(r"\d+", number)
    return max(1, int(bits[0]) // 8) if bits else 1


def _called(line: str, role: str) -> str:
    called = re.search(rf"\b{role}=%?([\w.\-]+)", line)
    if called is None:
        raise ValueError(f"no {role} in {line[:200]}")
    return called[1]
