"""Where every random key comes from: a key is a pure function of a seed, a purpose and a step, so nothing is carried.

Keys are threefry: under `vmap` other generators give numbers that depend on the lane.
"""

import jax
import jax.numpy as jnp

PURPOSES = {
    "split": 1,  # which examples are train examples
    "label": 2,  # which train labels are replaced, and by what
    "init": 3,  # initial parameters
    "order": 4,  # the order of minibatches, one permutation an epoch
    "dropout": 5,  # masks of hidden units
    "noise": 6,  # what regularizers add
    "prune": 7,  # which weights a pruning at random keeps
    "probe": 8,  # what a probe of a stored network draws
}
"""Numbers are part of every run's identity: append, never renumber."""

STREAM_OF = {
    "split": "split",
    "label": "noise",
    "init": "init",
    "order": "order",
    "dropout": "noise",
    "noise": "noise",
    "prune": "init",
    "probe": "noise",
}
"""Which of a run's four seeds (split, init, order, noise) feeds which purpose."""


def stream(seed: jax.Array | int, purpose: str, step: jax.Array | int = 0) -> jax.Array:
    """Key for `purpose` at `step`.

    Args:
      seed: uint32 scalar, one of the four seeds of a run.
      purpose: a name of `PURPOSES`.
      step: update (dropout, noise) or epoch (order) that the key is for; 0 for what happens once.

    Returns:
      One typed threefry key.
    """
    key = jax.random.key(seed, impl="threefry2x32")
    return jax.random.fold_in(jax.random.fold_in(key, PURPOSES[purpose]), step)


def substream(key: jax.Array, index: jax.Array | int) -> jax.Array:
    """One of the keys of a part that needs several: layer number, block number, ..."""
    return jax.random.fold_in(key, index)


def substreams(key: jax.Array, indices: jax.Array) -> jax.Array:
    """[index] keys, `substream` of each of `indices`."""
    return jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, indices)


def shuffled_ranks(key: jax.Array, is_train: jax.Array) -> jax.Array:
    """[example] int32, place of each example in a random order of the train set, behind which the others stand."""
    words = jax.random.bits(substream(key, 1), is_train.shape, jnp.uint32)
    position = jnp.arange(len(is_train), dtype=jnp.int32)
    _, _, order = jax.lax.sort((~is_train, words, position), num_keys=3)
    return jnp.zeros_like(position).at[order].set(position)
