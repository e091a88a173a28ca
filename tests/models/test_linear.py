"""Is the linear model a matrix product of the stated initial variance?"""

import jax
import numpy as np
import pytest

from grokjax.core.interfaces import Signature
from grokjax.core.streams import stream
from grokjax.models.linear import Linear
from grokjax.tasks.modular_arithmetic import ModularArithmetic

SIGNATURE = Signature("test", 20, (400,), "float32", (5,), "float32", 5, None, ())


def test_outputs_are_inputs_times_one_matrix():
    params = Linear().init(stream(0, "init"), SIGNATURE)
    (kernel,) = jax.tree.leaves(params)
    inputs = np.random.default_rng(0).normal(size=(7, 400)).astype(np.float32)
    outputs = Linear().logits(params, inputs, SIGNATURE, None)
    np.testing.assert_allclose(
        outputs, inputs.astype(np.float64) @ np.asarray(kernel, np.float64), rtol=1e-4, atol=1e-5
    )


def test_the_student_of_levi_has_variance_one_over_twice_the_inputs():
    (kernel,) = jax.tree.leaves(Linear(init_scale=0.707107).init(stream(0, "init"), SIGNATURE))
    assert np.var(kernel) == pytest.approx(1 / 800, rel=0.1)


def test_symbols_are_refused():
    with pytest.raises(ValueError, match=r"^model.kind: linear needs real-valued inputs, got symbols; nearest is mlp$"):
        Linear().init(stream(0, "init"), ModularArithmetic(modulus=7).signature())
