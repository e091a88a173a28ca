"""Layers of units and the weights between them: what a model tells of its parameters to those who cut it up."""

from typing import NamedTuple

import numpy as np


class WeightGraph(NamedTuple):
    """Which weights join which units: layers of nodes, each joined to the next one alone.

    Attributes:
      weights: [node, next node] for each two neighbouring layers, linear factors multiplied.
      units: for each layer of hidden units between them, the parameters, in words, through which its units are reached.
        Their last axes, made flat, are the units: one is silent, whatever comes in, where these are zero.
      of_symbols: whether the first nodes are the symbols, operand after operand, and the last the classes.
    """

    weights: tuple[np.ndarray, ...]
    units: tuple[tuple[str, ...], ...]
    of_symbols: bool
