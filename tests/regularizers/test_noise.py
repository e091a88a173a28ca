"""Weight noise, update noise and jitter: Gaussian, of the stated deviation, anew at each step and for each array.

What the engine does with them is in tests/train/test_other_parameters.py.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.streams import stream
from grokjax.regularizers.update_noise import UpdateNoise
from grokjax.regularizers.weight_jitter import WeightJitter
from grokjax.regularizers.weight_noise import WeightNoise

PARAMS = {"large": jnp.full((200, 200), 4.0), "small": jnp.full((200, 200), -0.5), "zero": jnp.zeros((200, 200))}


def key(step):
    return stream(jnp.uint32(0), "noise", step)


def added(part, method, step=0):
    """What a part adds, in units of 0.1, its deviation; flat, by array."""
    after = jax.jit(lambda part: getattr(part, method)(PARAMS, key(step), jnp.int32(step)))(part)
    return {name: np.ravel(np.float64(after[name]) - np.float64(PARAMS[name])) / 0.1 for name in PARAMS}


@pytest.mark.parametrize(("part", "method"), [(WeightNoise(std=0.1), "perturb"), (UpdateNoise(std=0.1), "jitter")])
def test_noise_is_standard_normal_and_new_for_each_array_and_step(part, method):
    first, second = added(part, method), added(part, method, step=1)
    drawn = [*first.values(), *second.values()]
    for values in drawn:  # moments of 40,000 numbers: within five deviations
        assert abs(values.mean()) < 0.025 and abs(values.std() - 1) < 0.018
        assert abs((values**4).mean() - 3) < 0.25
    between = np.corrcoef(drawn) - np.eye(len(drawn))
    assert np.abs(between).max() < 0.025


def test_relative_noise_is_in_units_of_each_array_and_leaves_zeros():
    found = added(WeightNoise(std=0.1, relative=True), "perturb")
    assert found["large"].std() == pytest.approx(4.0, rel=0.02)
    assert found["small"].std() == pytest.approx(0.5, rel=0.02)
    assert not found["zero"].any()


def test_jitter_multiplies_each_array_by_one_number_whose_logarithm_is_normal():
    params = {"large": jnp.full((2, 3), 4.0), "small": jnp.full((2,), -0.5), "zero": jnp.zeros(2)}
    steps = jnp.arange(400)
    after = jax.jit(lambda part: jax.lax.map(lambda step: part.jitter(params, key(step), step), steps))(
        WeightJitter(std=0.1)
    )
    assert not np.asarray(after["zero"]).any()
    factors = [np.float64(after[name]).reshape(400, -1) / np.ravel(params[name]) for name in ("large", "small")]
    for array in factors:
        np.testing.assert_array_equal(array, np.repeat(array[:, :1], array.shape[1], axis=1))
    logarithms = np.log([array[:, 0] for array in factors]) / 0.1
    assert np.abs(logarithms.mean(axis=1)).max() < 0.25 and np.abs(logarithms.std(axis=1) - 1).max() < 0.18
    assert abs(np.corrcoef(logarithms)[0, 1]) < 0.25


@pytest.mark.parametrize("part", [WeightNoise(std=0.0), UpdateNoise(std=0.0), WeightJitter(std=0.0)])
def test_no_noise_changes_no_bit_and_draws_nothing_where_it_is_known(part):
    method = "perturb" if part.has("perturb") else "jitter"
    known = jax.make_jaxpr(lambda: getattr(part, method)(PARAMS, key(0), jnp.int32(0)))()
    assert "random_bits" not in str(known)
    traced = jax.jit(lambda part: getattr(part, method)(PARAMS, key(0), jnp.int32(0)))(part)
    for name, value in PARAMS.items():
        np.testing.assert_array_equal(traced[name], value)
