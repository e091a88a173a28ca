"""Are weights shortened only where they are too long?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.regularizers.norm_cutoff import NormCutoff
from tests.regularizers.norms_of_a_run import norms_of_a_run

PARAMS = {"kernel": jnp.array([[3.0, 0.0], [0.0, 0.0]]), "bias": jnp.array([4.0])}  # of norm 5


def examples(folder):
    del folder
    return [NormCutoff(max_norm=3.0)]


@pytest.mark.parametrize("max_norm", [0.1, 4.9])
def test_long_weights_are_shortened_by_one_factor(max_norm):
    found = jax.jit(lambda part: part.project(PARAMS))(NormCutoff(max_norm=max_norm))
    for name, leaf in PARAMS.items():
        np.testing.assert_allclose(found[name], leaf * max_norm / 5, rtol=1e-6)


@pytest.mark.parametrize("params", [PARAMS, jax.tree.map(jnp.zeros_like, PARAMS)])
def test_short_weights_pass_unchanged(params):
    found = jax.jit(lambda part: part.project(params))(NormCutoff(max_norm=5.1))
    for name, leaf in params.items():
        np.testing.assert_array_equal(found[name], leaf)


def test_a_run_grows_to_the_bound_and_stays_there():
    free, bound = norms_of_a_run(None, 0.0), norms_of_a_run(NormCutoff(max_norm=5.0), 0.0)
    touched = next(step for step, norm in enumerate(free) if norm > 5)
    assert 1 < touched < len(free) - 2
    np.testing.assert_allclose(bound[:touched], free[:touched], rtol=1e-5)
    np.testing.assert_allclose(bound[touched:], 5, rtol=1e-6)
