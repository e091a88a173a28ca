"""Waves in symbols 0 to p - 1: which tasks they belong to, and what they are."""

import math

import numpy as np

from grokjax.core.interfaces import Signature


def checked_modulus(signature: Signature, part: str) -> int:
    """p; refuses, in one line and in the name of `part`, a task that is not a whole table modulo p."""
    p = signature.num_classes
    module = signature.task.partition(":")[0]
    is_other_task = module.startswith("grokjax.tasks.") and module != "grokjax.tasks.modular_arithmetic"
    shape = signature.num_examples, len(signature.operands), signature.target_shape
    symbols = (signature.vocabulary or 0) - len(signature.fixed)
    if is_other_task or shape != (p * p, 2, ()) or symbols != p:
        actual = f"{signature.num_examples:,} examples with {len(signature.operands)} operands and {p} classes"
        raise ValueError(
            f"measure.what: {part} needs modular_arithmetic with every ordered pair of p symbols and p classes, "
            f"got {signature.task.partition(':')[2]} with {actual}"
        )
    return p


def components(modulus: int) -> np.ndarray:
    """[component, symbol] float64, orthonormal: a constant, then cosine and sine of 1, 2, ... waves in p symbols."""
    symbol, half = np.arange(modulus), modulus // 2
    rows = [np.full(modulus, 1 / math.sqrt(modulus))]
    for frequency in range(1, half + 1):
        angle = 2 * math.pi * (frequency * symbol % modulus) / modulus
        if 2 * frequency == modulus:
            rows.append(np.cos(angle) / math.sqrt(modulus))
        else:
            rows += [math.sqrt(2 / modulus) * np.cos(angle), math.sqrt(2 / modulus) * np.sin(angle)]
    return np.stack(rows)


def frequencies(modulus: int) -> np.ndarray:
    """[component] frequency of each component, from 0 to p // 2."""
    return (np.arange(modulus) + 1) // 2
