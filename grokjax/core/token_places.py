"""Which positions of an input of tokens are answers, and which symbols stand where no operand does?"""

from typing import Any

import numpy as np


def num_answers(vocabulary: int | None, target_dtype: str, target_shape: tuple[int, ...]) -> int:
    """Answers of an example: more than one where the inputs are tokens and the target is a row of classes."""
    is_row_of_classes = target_dtype.startswith("int") and len(target_shape) == 1
    return target_shape[0] if is_row_of_classes and vocabulary is not None else 1


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
