"""Functions of symbols 0 to p - 1 as sums of cosines and sines: by matrix products, for any p."""

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.fixed_product import fixed_product
from grokjax.core.waves import components, frequencies


def by_frequency(modulus: int) -> np.ndarray:
    """[frequency, component], 1 where a component has a frequency: sums squares of components to powers."""
    return (np.arange(modulus // 2 + 1)[:, None] == frequencies(modulus)[None]).astype(np.float64)


def coefficients(functions: jax.Array) -> jax.Array:
    """[component, column] of functions [symbol, column]."""
    return fixed_product(jnp.asarray(components(len(functions)), functions.dtype), functions, "highest")


def powers(coefficient: jax.Array) -> jax.Array:
    """[frequency, column] sums of squared coefficients [component, column]."""
    return fixed_product(
        jnp.asarray(by_frequency(len(coefficient)), coefficient.dtype), jnp.square(coefficient), "highest"
    )


def gini(values: jax.Array) -> jax.Array:
    """Gini coefficient of values [value], none negative: 0 when all are equal, 1 - 1 / count when one is not zero."""
    count, total = len(values), jnp.sum(values)
    weight = jnp.asarray(2 * np.arange(1, count + 1) - count - 1, values.dtype)
    return jnp.sum(weight * jnp.sort(values)) / (count * jnp.where(total > 0, total, 1.0))


def participation(power: jax.Array, modulus: int) -> jax.Array:
    """[column] inverse participation ratio of powers [frequency, column]: 1 for a single frequency.

    Sum of the fourth powers of the magnitudes of a real transform over the square of the sum of their squares, as in
    Doshi et al. 2024: there a constant, and the highest frequency of an even p, count twice.
    """
    frequency = np.arange(len(power))
    twice = np.where((frequency == 0) | (2 * frequency == modulus), 2.0, 1.0)
    squares = jnp.asarray(twice, power.dtype)[:, None] * power
    total = jnp.sum(squares, axis=0)
    return jnp.sum(jnp.square(squares), axis=0) / jnp.square(jnp.where(total > 0, total, 1.0))
