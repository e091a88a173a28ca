"""Are the norms those of NumPy, by parameter path?"""

import types

import jax.numpy as jnp
import numpy as np

from grokjax.measures.weight_norm import WeightNorm


def test_norms_are_those_of_numpy():
    kernel, bias = np.arange(6.0).reshape(2, 3) - 2, np.array([3.0, 4.0])
    view = types.SimpleNamespace(params={"embed": {"kernel": jnp.asarray(kernel)}, "out": {"bias": jnp.asarray(bias)}})
    found = WeightNorm().measure(view)
    assert sorted(found) == ["weight_norm/embed/kernel", "weight_norm/out/bias", "weight_norm/total"]
    np.testing.assert_allclose(found["weight_norm/embed/kernel"], np.linalg.norm(kernel), rtol=1e-6)
    np.testing.assert_allclose(found["weight_norm/out/bias"], 5.0)
    np.testing.assert_allclose(
        found["weight_norm/total"], np.linalg.norm(np.concatenate([kernel.ravel(), bias])), rtol=1e-6
    )
