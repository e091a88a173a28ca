"""Weights that solve x + y modulo p with cosines, in closed form: a network that has grokked before the first update.

Papers: Gromov 2023 (arXiv 2301.02679) for the quadratic network, Pearce et al. 2023 (PAIR) for the factored one.
"""

import math

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Params


def quadratic_weights(key: jax.Array, modulus: int, width: int) -> Params:
    """Gromov's solution for the MLP f(x) = W (U x_a + V x_b)^2 on one-hots of length p.

    Neuron k has U_ka = cos(2 pi s a / p + u), V_kb = cos(2 pi s b / p + v), W_ck = cos(2 pi s c / p + u + v) with
    phases u, v uniform on (-pi, pi] and frequencies s = 1, ..., (p - 1) / 2 in turn. The product of the two inputs
    leaves a sum over k of cos(2 pi s (a + b - c) / p) / 2 in output c. What else there is cancels in the mean over all
    pairs, where the right output is exactly width / 2. At p = 97 every answer is right from width 200 on; in narrow
    networks a few pairs may be wrong for some phases (p = 23, width 100: 2 of 529 for one seed of ten).
    """
    frequency = 1 + jnp.arange(width) % max((modulus - 1) // 2, 1)
    u, v = jax.random.uniform(key, (2, width), minval=-math.pi, maxval=math.pi)
    turn = 2 * math.pi * (jnp.outer(jnp.arange(modulus), frequency) % modulus) / modulus  # [symbol, neuron]
    kernel = jnp.concatenate([jnp.cos(turn + u[None]), jnp.cos(turn + v[None])])
    return {"hidden_0": {"kernel": kernel}, "output": {"kernel": jnp.cos(turn + (u + v)[None]).T}}


def circle_weights(modulus: int, width: int) -> Params:
    """The constructed solution of PAIR for the tied, factored network with embeddings of length 2.

    Symbols lie on a circle, at angles 2 pi / p apart. Neuron n reads direction t = 2 pi n / N of the sum of two
    symbols and writes direction 2 t. With activation square the output for c is N cos^2((a-b) w/2) cos((a+b-c) w),
    w = 2 pi / p: all answers are right for an odd p unless N is 1, 2 or 4. With relu they are not for all N.
    """
    circle = _directions(2 * math.pi * jnp.arange(modulus) / modulus)
    turn = 2 * math.pi * jnp.arange(width) / width
    return {
        "embed": {"embedding": circle},
        "hidden": {"kernel": _directions(turn).T},
        "output": {"kernel": _directions(2 * turn)},
    }


def _directions(angle: jax.Array) -> jax.Array:
    """[angle, 2] unit vectors."""
    return jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
