"""Which parameters decay?"""

import jax.numpy as jnp

from grokjax.optimizers.decay_mask import decays

PARAMS = {"scale": jnp.ones(3), "out": {"kernel": jnp.ones((3, 2)), "bias": jnp.ones(2)}, "gain": jnp.ones(())}


def test_all_parameters_decay_by_default():
    assert decays("all")(PARAMS) == {"scale": True, "out": {"kernel": True, "bias": True}, "gain": True}


def test_matrices_are_what_has_two_axes():
    assert decays("matrices")(PARAMS) == {"scale": False, "out": {"kernel": True, "bias": False}, "gain": False}
