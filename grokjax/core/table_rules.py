"""What must hold of a table of examples, and of the way in which its train set is drawn. Each refusal names the key."""

from typing import Any

import numpy as np

Table = Any  # the record of `core/interfaces.py`, which imports this file
DrawnTask = Any


def fixed_symbols(kind: str, table: Table, answers: int) -> tuple[int, ...]:
    """Symbols at the positions that are no operands; refused when one of them differs between examples.

    Args:
      kind: of the task, for the refusal.
      answers: positions at which an example is answered, the last ones.
    """
    if table.vocabulary is None:
        return ()
    symbols = []
    before_answers = range(table.inputs.shape[1] - answers + 1)
    for position in (position for position in before_answers if position not in table.operands):
        different = np.unique(table.inputs[:, position])
        if len(different) > 1:
            raise ValueError(f"task {kind}: position {position} differs between examples but is no operand")
        symbols.append(int(different[0]))
    return tuple(symbols)


def check_drawn(task: DrawnTask, table: Table, is_own_draw: bool) -> None:
    """Refuse a way of drawing examples or labels that a table does not have.

    Args:
      is_own_draw: whether the task draws its train set in a way of its own.
    """
    is_classes = table.targets.ndim == 1 and np.issubdtype(table.targets.dtype, np.integer)
    if task.wrong_labels and not (is_classes and table.num_classes > 1):
        raise ValueError("task.wrong_labels: needs one label an example out of two classes or more")
    is_asked = {"mirrored": task.mirrored == "together", "imbalance": task.imbalance is not None}
    asked = [name for name, is_on in is_asked.items() if is_on]
    if asked and table.n_train is not None:
        raise ValueError(f"task.{asked[0]}: the train set is given with the data, so none is drawn")
    if asked and is_own_draw:
        raise ValueError(f"task.{asked[0]}: {task.kind} draws its train set from a part of its table")
    if task.imbalance is not None and not is_classes:
        raise ValueError("task.imbalance: needs one class an example, these targets are none")
    has_pairs = table.mirror is not None and bool((table.mirror != np.arange(len(table.mirror))).any())
    if task.mirrored == "together" and not has_pairs:
        rule = "no example has a mirror with the same answer"
        raise ValueError(f"task.mirrored: {rule}, so 'together' changes nothing; nearest is 'apart'")
