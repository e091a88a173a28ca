"""Are products in the format that is asked for, on every platform, wherever they come from, and no other ones?"""

import subprocess
import sys

import flax.linen as nn
import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from grokjax.core.data_warning import DataWarning
from grokjax.core.singular_values import of_singular_values
from grokjax.core.symbol_lookup import ONE_HOT, looked_up_by, rows_at, sum_of_rows
from grokjax.reader.sweep_file import load
from grokjax.train.products import is_emulated, products_in, warn_of_pairs

KEPT = {"bf16": 16, "tf32": 13}  # bits of the mantissa that are dropped


def rounded(numbers, matmul: str) -> np.ndarray:
    """To nearest, ties to even, by the bits of the numbers."""
    bits, dropped = np.asarray(numbers, np.float32).view(np.uint32).astype(np.uint64), KEPT[matmul]
    half = (1 << (dropped - 1)) - 1
    kept = (bits + half + (bits >> dropped & 1)) >> dropped << dropped
    return kept.astype(np.uint32).view(np.float32)


@pytest.fixture(scope="module")
def numbers() -> np.ndarray:
    """Of every size, of ties, of the largest ones; those below the normal ones count as 0 in a product."""
    bits = np.random.default_rng(0).integers(0, 2**32, 100_000, dtype=np.uint64).astype(np.uint32)
    ties = [0x3F808000, 0x3F818000, 0x3F808001, 0x3F807FFF, 0x3F801000, 0x3F803000, 0x7F7FFFFF, 0x7F800000, 0x80000000]
    drawn = np.concatenate([bits, np.array(ties, np.uint32)]).view(np.float32)
    return drawn[~np.isnan(drawn) & ((np.abs(drawn) >= np.finfo(np.float32).tiny) | (drawn == 0))]


@pytest.mark.parametrize("matmul", KEPT)
def test_a_factor_is_rounded_to_the_nearest_number_of_its_format(numbers, matmul) -> None:
    with products_in(matmul):
        actual = np.asarray(jax.jit(lambda left: left @ jnp.ones((1, 1)))(numbers[:, None]))[:, 0]
    np.testing.assert_array_equal(actual, rounded(numbers, matmul))
    if matmul == "bf16":
        np.testing.assert_array_equal(actual, numbers.astype(ml_dtypes.bfloat16).astype(np.float32))


class Dense(nn.Module):
    """What a user's module may do."""

    @nn.compact
    def __call__(self, rows):
        return nn.Dense(5, use_bias=False)(rows)


MATRIX = np.random.default_rng(1).normal(size=(6, 5)).astype(np.float32)
ROWS = np.random.default_rng(2).normal(size=(4, 6)).astype(np.float32)
FORMS = {
    "product": lambda rows, matrix: rows @ matrix,
    "einsum": lambda rows, matrix: jnp.einsum("ru,uc->rc", rows, matrix),
    "vmap": lambda rows, matrix: jax.vmap(lambda row: row @ matrix)(rows),
    "scan": lambda rows, matrix: jax.lax.scan(lambda carry, row: (carry, row @ matrix), 0, rows)[1],
    "flax": lambda rows, matrix: Dense().apply({"params": {"Dense_0": {"kernel": matrix}}}, rows),
    "gradient": lambda rows, matrix: jax.vjp(lambda left: left @ matrix.T, jnp.zeros((4, 5)))[1](rows)[0],
    "checkpoint": lambda rows, matrix: jax.vjp(jax.checkpoint(lambda left: left @ matrix.T), jnp.zeros((4, 5)))[1](
        rows
    )[0],
    "convolution": lambda rows, matrix: jax.lax.conv_general_dilated(
        rows[:, :, None], matrix.T[:, :, None], (1,), "VALID"
    )[:, :, 0],
    "shard_map": lambda rows, matrix: jax.shard_map(
        lambda left: left @ matrix,
        mesh=jax.sharding.Mesh(np.array(jax.devices()[:1]), ("runs",)),
        in_specs=jax.P("runs"),
        out_specs=jax.P("runs"),
    )(rows),
}


@pytest.mark.parametrize("matmul", KEPT)
@pytest.mark.parametrize("form", FORMS)
def test_factors_are_rounded_wherever_a_product_comes_from(form, matmul) -> None:
    with products_in(matmul):
        actual = np.asarray(jax.jit(FORMS[form])(ROWS, MATRIX))
    exact = rounded(ROWS, matmul).astype(np.float64) @ rounded(MATRIX, matmul).astype(np.float64)
    np.testing.assert_allclose(actual, exact, rtol=1e-5, atol=1e-6)  # sums in float32
    assert np.abs(actual - ROWS.astype(np.float64) @ MATRIX).max() > 1e-4


@pytest.mark.parametrize("dtype", ["int32", "bool", "float64", "complex64", "bfloat16"])
def test_products_of_other_numbers_are_as_ever(dtype) -> None:
    with jax.enable_x64(dtype == "float64"):
        factors = [jnp.asarray(np.abs(257 * leaf)).astype(dtype) for leaf in (ROWS, MATRIX)]
        multiply = jax.jit(lambda left, right: left @ right)
        with products_in("highest"):
            expected = multiply(*factors)
        with products_in("bf16"):
            np.testing.assert_array_equal(multiply(*factors), expected)


def test_a_product_that_names_its_own_precision_keeps_it() -> None:
    with products_in("bf16"):
        actual = jax.jit(lambda left, right: jnp.matmul(left, right, precision="highest"))(ROWS, MATRIX)
    with products_in("highest"):
        np.testing.assert_array_equal(actual, jax.jit(lambda left, right: left @ right)(ROWS, MATRIX))


def test_slopes_of_singular_values_are_as_precise_as_ever() -> None:
    slopes = []
    for matmul in ("highest", "bf16"):
        with products_in(matmul):
            slopes.append(jax.jit(jax.grad(lambda matrix: of_singular_values(jnp.sum, matrix)))(MATRIX))
    left, _, right = np.linalg.svd(MATRIX, full_matrices=False)
    np.testing.assert_allclose(slopes[0], left @ right, atol=1e-5)
    np.testing.assert_array_equal(*slopes)


def text_for(platform: str, matmul: str, function, *shapes) -> str:
    """The program of a platform that need not be there."""
    values = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes]
    with products_in(matmul):
        return jax.jit(function).trace(*values).lower(lowering_platforms=(platform,)).as_text()


@pytest.mark.parametrize(
    ("platform", "matmul", "multiplied"),
    [
        ("cpu", "bf16", "precision = [HIGHEST, HIGHEST]"),
        ("cpu", "tf32", "precision = [HIGHEST, HIGHEST]"),
        ("tpu", "bf16", "precision = [DEFAULT, DEFAULT]"),
        ("tpu", "tf32", "precision = [HIGHEST, HIGHEST]"),
        ("cuda", "bf16", "lhs_precision_type = bf16, rhs_precision_type = bf16, accumulation_type = f32"),
        ("cuda", "tf32", "lhs_precision_type = tf32, rhs_precision_type = tf32, accumulation_type = f32"),
        ("rocm", "bf16", "precision = [HIGHEST, HIGHEST]"),
    ],
)
def test_rounded_factors_are_multiplied_in_what_each_platform_has(platform, matmul, multiplied) -> None:
    text = text_for(platform, matmul, lambda left, right: left @ right, (4, 6), (6, 5))
    (line,) = [line for line in text.splitlines() if "stablehlo.dot_general" in line]
    assert multiplied in line
    assert text.count("stablehlo.reduce_precision") == 2
    assert text.count(f"e8m{23 - KEPT[matmul]}") == 2


@pytest.mark.parametrize("shapes", [((4, 6), (6,)), ((6,), (6, 4)), ((6,), (6,)), ((4, 1), (1, 5))])
def test_a_gpu_is_not_asked_for_bf16_products_with_a_vector_which_it_would_add_in_bf16(shapes) -> None:
    text = text_for("cuda", "bf16", lambda left, right: left @ right, *shapes)
    assert text.count("stablehlo.reduce_precision") == 2 and "algorithm" not in text


@pytest.mark.parametrize("platform", ["cpu", "cuda", "tpu"])
def test_convolutions_are_of_rounded_factors_on_every_platform(platform) -> None:
    text = text_for(platform, "bf16", FORMS["convolution"], ROWS.shape, MATRIX.shape)
    assert text.count("stablehlo.reduce_precision") == 2
    assert ("HIGHEST" in text) == (platform == "cpu")


def test_the_rounding_is_there_in_the_compiled_program() -> None:
    with products_in("bf16"):
        program = jax.jit(lambda left, right: left @ right).lower(ROWS, MATRIX).compile().as_text()
    assert program.count("reduce-precision(") == 2


UNTOUCHED = """
import jax, jax.numpy as jnp
from grokjax.train.products import products_in

def text(matmul):
    with products_in(matmul):
        def loss(left, right, kernel):
            return ((left @ right) ** 2).sum() + jax.lax.conv(left[None], kernel, (1,), "SAME").sum()
        shapes = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((4, 6), (6, 5), (2, 4, 3)))
        return jax.jit(jax.grad(loss, argnums=(0, 1, 2))).lower(*shapes).as_text()

before = text("highest")
assert "reduce_precision" in text("bf16") and "reduce_precision" not in before and "HIGHEST" in before
assert text("highest") == before
"""


def test_programs_of_highest_are_the_same_before_and_after_others_were_asked_for() -> None:
    done = subprocess.run([sys.executable, "-c", UNTOUCHED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("matmul", "platforms"), [("highest", set()), ("tf32", {"cpu", "tpu"}), ("bf16", {"cpu"})])
def test_products_are_emulated_where_the_devices_have_none_of_the_format(matmul, platforms) -> None:
    assert {platform for platform in ("cpu", "gpu", "tpu") if is_emulated(matmul, platform)} == platforms


SWEEP = {
    "name": "small",
    "task": {"kind": "modular_arithmetic", "modulus": 7},
    "model": {"kind": "mlp", "width": 8},
    "optimizer": {"kind": "adamw"},
    "train": {"steps": 100},
}
DOUBLE = {
    "of every run": {"precision": {"params": "float64"}},
    "of some runs": {"axes": {"precision.params": ["float32", "float64"]}},
    "of an arm": {"compare": {"baseline": "single", "arms": {"single": {}, "double": {"precision.params": "float64"}}}},
}


@pytest.mark.parametrize("where", DOUBLE)
def test_float64_on_a_tpu_is_said_to_be_pairs(where, recwarn) -> None:
    sweep = load(SWEEP | DOUBLE[where])
    warn_of_pairs(sweep, "cpu")
    warn_of_pairs(sweep, "gpu")
    warn_of_pairs(load(SWEEP), "tpu")
    assert not recwarn
    with pytest.warns(DataWarning, match="float64 on a TPU is a pair of float32 numbers"):
        warn_of_pairs(sweep, "tpu")


@pytest.mark.parametrize("matmul", KEPT)
def test_rows_that_an_accelerator_finds_by_a_product_are_not_rounded(matmul) -> None:
    symbols = np.array([3, 0, 3, 5], np.int32)
    with products_in(matmul), looked_up_by(ONE_HOT):
        rows, pull_back = jax.vjp(lambda table: rows_at(table, symbols), jnp.asarray(MATRIX))
        (slope,) = pull_back(rows)
        pair = sum_of_rows([jnp.asarray(MATRIX)] * 2, np.array([[1, 2]], np.int32))
    np.testing.assert_array_equal(rows, MATRIX[symbols])
    np.testing.assert_allclose(slope[3], 2 * MATRIX[3], rtol=1e-6)
    np.testing.assert_allclose(pair, MATRIX[1:2] + MATRIX[2:3], rtol=1e-6)


def test_a_module_that_names_its_format_is_left_alone_in_runs_that_ask_for_none() -> None:
    def product(matrix):
        return jnp.matmul(matrix, matrix, precision=jax.lax.DotAlgorithmPreset.BF16_BF16_F32)

    with products_in("bf16"):
        assert "reduce_precision" in jax.jit(product).lower(MATRIX.T @ MATRIX).as_text()
    with products_in("highest"):
        assert "reduce_precision" not in jax.jit(product).lower(MATRIX.T @ MATRIX).as_text()
