"""Rows of a table by symbol: gathered, or as the product with one-hots. Equal to rounding.

On a CPU a gather is fast. On a TPU it goes row by row and its gradient, a scatter, as well, while products are what the
chip is made for; on a GPU the scatter adds in an order that nobody fixes, so that bits differ from call to call. Which
it is belongs to the program, like the number format of its products, and is told in the same way: by a context.
"""

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar

import jax
import jax.numpy as jnp

GATHER, ONE_HOT = "gather", "one_hot"
_LOOKUP: ContextVar[str] = ContextVar("lookup", default=GATHER)


@contextlib.contextmanager
def looked_up_by(lookup: str) -> Iterator[None]:
    """What is traced inside finds rows by `GATHER` or `ONE_HOT`."""
    before = _LOOKUP.set(lookup)
    try:
        yield
    finally:
        _LOOKUP.reset(before)


def rows_at(table: jax.Array, symbols: jax.Array) -> jax.Array:
    """[example, column], the row of each symbol [example] in a table [symbol, column]; NaN where there is none."""
    if _LOOKUP.get() == GATHER:
        return jnp.take(table, symbols, axis=0)
    return _exactly(_one_hot(symbols, len(table), table.dtype), table)


def sum_of_rows(tables: Sequence[jax.Array], symbols: jax.Array) -> jax.Array:
    """[example, column], the sum over operands of the row of its symbol.

    Args:
      tables: [symbol, column], one an operand.
      symbols: [example, operand] int32.
    """
    if _LOOKUP.get() == GATHER:
        rows = [jnp.take(table, symbols[:, index], axis=0) for index, table in enumerate(tables)]
        return sum(rows[1:], start=rows[0])
    hots = [_one_hot(symbols[:, index], len(table), table.dtype) for index, table in enumerate(tables)]
    return _exactly(jnp.concatenate(hots, axis=1), jnp.concatenate(tables))  # one long product, not several short ones


def _exactly(hots: jax.Array, table: jax.Array) -> jax.Array:
    """Rows as they are whatever `precision.matmul` is, as a gather has them."""
    return jnp.matmul(hots, table, precision="highest")


def _one_hot(symbols: jax.Array, count: int, dtype: jnp.dtype) -> jax.Array:
    """[example, symbol]; NaN for a symbol that the table lacks, as a gather has it."""
    hot = symbols[:, None] == jnp.arange(count, dtype=symbols.dtype)[None]
    is_there = (symbols >= 0) & (symbols < count)
    return jnp.where(is_there[:, None], hot.astype(dtype), jnp.nan)
