"""Layers of units and the weights between them: what a model tells of its parameters to those who cut it up."""

from typing import NamedTuple

import numpy as np


class WeightGraph(NamedTuple):
    """Which weights join which units: layers of nodes, each joined to the next one alone.

    Attributes:
      weights: [node, next node] for each two neighbouring layers, linear factors multiplied.
      units: for each layer of hidden units between them its groups of units, in order, and for each of these the
        parameters, in words, through which they are reached. Their last axis are the units: one is silent, whatever
        comes in, where all of them are zero.
      of_symbols: whether the first nodes are the symbols, operand after operand, and the last the classes.
    """

    weights: tuple[np.ndarray, ...]
    units: tuple[tuple[tuple[str, ...], ...], ...]
    of_symbols: bool
