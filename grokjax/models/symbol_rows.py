"""Work on one row per symbol instead of one per example: a network's first layer knows no more than a few symbols."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from grokjax.core.fixed_product import LONGEST
from grokjax.core.interfaces import Signature


def in_blocks(function: Callable[..., jax.Array], *arrays: jax.Array) -> jax.Array:
    """A function of rows [row, ...] in blocks of rows short enough for fixed bits; single rows go to every block."""
    count = max(len(array) for array in arrays)
    blocks = [
        function(*(array if len(array) == 1 else array[start : start + LONGEST] for array in arrays))
        for start in range(0, count, LONGEST)
    ]
    return blocks[0] if len(blocks) == 1 else jnp.concatenate(blocks)


def by_rows(rows: jax.Array, matrix: jax.Array) -> jax.Array:
    """`rows @ matrix`, [row, out] from [row, in] and [in, out], in such blocks."""
    columns, outputs = matrix.shape
    if not outputs < LONGEST < columns:
        return in_blocks(lambda block: block @ matrix, rows)
    turned = matrix.T  # the gradient has its shorter side first then, also where it is a sum over blocks
    return in_blocks(lambda block: jax.lax.dot_general(block, turned, (((1,), (1,)), ((), ()))), rows)


def num_symbols(model: str, signature: Signature) -> int | None:
    """Number of different symbols that an operand of a model's inputs can be; None for real-valued inputs."""
    if signature.vocabulary is None:
        return None
    symbols = signature.vocabulary - (signature.input_shape[0] - len(signature.operands))
    if not signature.operands or symbols < 1:
        raise ValueError(
            f"model.kind: {model} reads operands, but {signature.task} names operands {signature.operands} and "
            f"{signature.vocabulary} symbols for {signature.input_shape[0]} tokens; nearest is transformer"
        )
    return symbols
