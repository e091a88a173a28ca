"""How a pair of symbols is written as tokens, and the table of all pairs that are written so."""

import numpy as np

from grokjax.core.interfaces import Table

SEQUENCES = {
    "x y =": ("x", "y", "="),
    "x y": ("x", "y"),
    "x op y =": ("x", "op", "y", "="),
    "end x op y = z end": ("end", "x", "op", "y", "=", "z"),
}
"""Tokens of an example by the name of the format; what is no operand is a constant, numbered behind the symbols.

A format that goes on after `=` is answered twice, as in Power's code: z after `=`, and the end after z.
"""
_CONSTANTS = ("op", "=", "end")


def as_table(
    x: np.ndarray, y: np.ndarray, answers: np.ndarray, mirror: np.ndarray, symbols: int, sequence: str
) -> Table:
    """The table of pairs with their answers, read-only, since parts share it.

    Args:
      x, y: [example] symbols from 0 to `symbols` - 1.
      answers: [example] classes, as many as there are symbols. Where the end is an answer too, every token is a class.
      mirror: [example] the example with x and y swapped and the same answer; its own index where none is.
      sequence: a name of `SEQUENCES`.
    """
    words = SEQUENCES[sequence]
    constants = [word for word in _CONSTANTS if word in words]
    columns = {"x": x, "y": y, "z": answers}
    columns |= {word: np.full_like(x, symbols + code) for code, word in enumerate(constants)}
    inputs = np.stack([columns[word] for word in words], axis=1)
    has_end = "z" in words
    return Table(
        inputs=_frozen(inputs),
        targets=_frozen(np.stack([answers, columns["end"]], axis=1) if has_end else answers),
        num_classes=symbols + len(constants) if has_end else symbols,
        vocabulary=symbols + len(constants),
        operands=(words.index("x"), words.index("y")),
        mirror=_frozen(mirror),
    )


def _frozen(array: np.ndarray) -> np.ndarray:
    array = np.ascontiguousarray(array, dtype=np.int32)
    array.flags.writeable = False
    return array
