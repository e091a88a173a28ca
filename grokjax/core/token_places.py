"""Which positions of an input of tokens are answers, which symbols stand where no operand does, which are operators?"""

from typing import Any

import numpy as np

OPERATOR = 1
"""Where the operator stands in `x op y =`."""


def num_answers(vocabulary: int | None, target_dtype: str, target_shape: tuple[int, ...]) -> int:
    """Answers of an example: more than one where the inputs are tokens and the target is a row of classes."""
    is_row_of_classes = target_dtype.startswith("int") and len(target_shape) == 1
    return target_shape[0] if is_row_of_classes and vocabulary is not None else 1


def operators(signature: Any) -> tuple[int, ...]:
    """Symbols that name the operation of an example `x op y =`, of a `Signature`; empty for a task of another kind.

    Numbers are the classes, the operators are the symbols behind them, and = is the last one.
    """
    if signature.vocabulary is None or signature.operands != (0, OPERATOR, 2) or signature.input_shape != (4,):
        return ()
    return tuple(range(signature.num_classes, signature.vocabulary - 1))


def fixed_symbols(kind: str, table: Any) -> tuple[int, ...]:
    """Symbols of a `Table` at the positions that are no operands; refused when one of them differs between examples."""
    if table.vocabulary is None:
        return ()
    symbols_there = []
    answers = num_answers(table.vocabulary, str(table.targets.dtype), table.targets.shape[1:])
    before_answers = range(table.inputs.shape[1] - answers + 1)
    for position in (place for place in before_answers if place not in table.operands):
        symbols = np.unique(table.inputs[:, position])
        if len(symbols) > 1:
            raise ValueError(f"task {kind}: position {position} differs between examples but is no operand")
        symbols_there.append(int(symbols[0]))
    return tuple(symbols_there)
