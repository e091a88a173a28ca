"""Do initial parameters follow the formulas of their scheme?"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.streams import stream, substream
from grokjax.models.initializers import scaled, scheme

WIDTH, COLUMNS, VOCABULARY = 300, 200, 150
FAN_IN, FEATURES = 400, 250
TRUNCATED = 2 / 0.87962566103423978  # largest value of a normal cut at two deviations, in its own deviations

# name: (deviation of matrix, of embedding, of output matrix, largest value of matrix in deviations)
EXPECTED = {
    "nanda": (WIDTH**-0.5, WIDTH**-0.5, VOCABULARY**-0.5, math.inf),
    "lecun": (FAN_IN**-0.5, COLUMNS**-0.5, FAN_IN**-0.5, TRUNCATED),
    "flax": (FAN_IN**-0.5, COLUMNS**-0.5, FAN_IN**-0.5, TRUNCATED),
    "he": ((2 / FAN_IN) ** 0.5, COLUMNS**-0.5, (2 / FAN_IN) ** 0.5, TRUNCATED),
    "torch": ((3 * FAN_IN) ** -0.5, 1.0, (3 * FAN_IN) ** -0.5, math.sqrt(3)),
    "lens": (0.8 * WIDTH**-0.5,) * 3 + (math.inf,),
    "normal": (FAN_IN**-0.5, COLUMNS**-0.5, FAN_IN**-0.5, math.inf),
    # A normal cut at two deviations: its variance is 1 - 4 phi(2) / (2 Phi(2) - 1) of what it was.
    "haiku": ((0.77374 / FAN_IN) ** 0.5, (2 / VOCABULARY) ** 0.5, (0.77374 / FAN_IN) ** 0.5, TRUNCATED),
    "torch_multihead": ((3 * FAN_IN) ** -0.5, 1.0, (3 * FAN_IN) ** -0.5, math.sqrt(3)),
    "liu": ((3 * FAN_IN) ** -0.5, 12**-0.5, (3 * FAN_IN) ** -0.5, math.sqrt(3)),
    "mup": (FAN_IN**-0.5, 1.0, 1 / FAN_IN, math.inf),
    "doshi": (0.5 / (2 * WIDTH) ** (1 / 3),) * 3 + (math.inf,),
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_mean_and_deviation_are_those_of_the_table(name):
    drawn = scheme(name, WIDTH, COLUMNS, VOCABULARY)
    *deviations, bound = EXPECTED[name]
    for index, draw in enumerate((drawn.matrix, drawn.embedding, drawn.output)):
        shape = (VOCABULARY, COLUMNS) if index == 1 else (FAN_IN, FEATURES)
        values = np.asarray(draw(substream(stream(0, "init"), index), shape, jnp.float32), np.float64)
        assert abs(values.mean()) < 5 * deviations[index] / math.sqrt(values.size)
        assert abs(values.std() / deviations[index] - 1) < 5 / math.sqrt(2 * values.size)
        if index == 0:
            assert np.abs(values).max() <= bound * deviations[0] * 1.0001
            assert np.abs(values).max() >= min(bound * 0.99, 3.5) * deviations[0]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_biases_are_zero_except_those_of_torch(name):
    drawn = scheme(name, WIDTH, COLUMNS, VOCABULARY).bias(FAN_IN)(stream(0, "init"), (5000,), jnp.float32)
    largest = np.abs(np.asarray(drawn)).max()
    if name in ("torch", "torch_multihead", "liu"):
        assert 0.99 * FAN_IN**-0.5 < largest <= FAN_IN**-0.5
    else:
        assert largest == 0


def test_multihead_attention_of_torch_is_xavier_of_three_matrices_at_once_and_has_no_bias():
    drawn = scheme("torch_multihead", WIDTH, COLUMNS)
    bound = math.sqrt(6 / (WIDTH + 3 * WIDTH))
    for name in ("query", "key", "value"):
        values = np.asarray(drawn.of_attention(name).matrix(stream(0, "init"), (WIDTH, WIDTH), jnp.float32))
        assert 0.999 * bound < np.abs(values).max() <= bound
    output = np.asarray(drawn.of_attention("output").matrix(stream(0, "init"), (WIDTH, WIDTH), jnp.float32))
    assert 0.999 * WIDTH**-0.5 < np.abs(output).max() <= WIDTH**-0.5
    assert not np.any(drawn.of_attention("output").bias(WIDTH)(stream(0, "init"), (WIDTH,), jnp.float32))


def test_nanda_without_symbols_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^model.initializer: .*nearest is lecun$"):
        scheme("nanda", WIDTH, COLUMNS)


def test_factor_multiplies_every_leaf_and_keeps_its_dtype():
    params = {"a": {"kernel": jnp.arange(6.0).reshape(2, 3)}, "b": {"bias": jnp.ones(4, jnp.bfloat16)}}
    result = jax.jit(scaled)(params, jnp.float32(3.0))
    np.testing.assert_array_equal(result["a"]["kernel"], np.arange(6.0).reshape(2, 3) * 3)
    assert result["b"]["bias"].dtype == jnp.bfloat16
    np.testing.assert_array_equal(np.asarray(result["b"]["bias"], np.float32), 3 * np.ones(4))
