"""In which number format are products computed? What they multiply is rounded to it, everything else is not.

JAX has a name for such a product, and on most devices it is not what it says: compilers for CPUs do not read it, those
for GPU and TPU turn products with a vector into other ones, and whole numbers are rounded too. So the rounding stands
in the program, before each product, and the device multiplies what is left of the numbers in any way that is exact for
them. How that was found: docs/decisions/0025-products-as-asked.md.
"""

import contextlib
import functools
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import lax
from jax.extend.core.primitives import conv_general_dilated_p, dot_general_p
from jax.interpreters import mlir

from grokjax.core.data_warning import DataWarning
from grokjax.reader.points import Points
from grokjax.reader.sweep import Sweep

_PRESETS = lax.DotAlgorithmPreset
_EXACT = (lax.Precision.HIGHEST, lax.Precision.HIGHEST)
_FAST = (lax.Precision.DEFAULT, lax.Precision.DEFAULT)


class Format(NamedTuple):
    """A number format of products.

    Attributes:
      preset: JAX's name of such products, by which those of a program are known.
      bits: of exponent and mantissa that are left of each factor.
      devices: platforms that have such products themselves; the others multiply the rounded numbers in float32.
    """

    preset: lax.DotAlgorithmPreset
    bits: tuple[int, int]
    devices: tuple[str, ...]


FORMATS = {
    "tf32": Format(_PRESETS.TF32_TF32_F32, (8, 10), ("gpu",)),
    "bf16": Format(_PRESETS.BF16_BF16_F32, (8, 7), ("gpu", "tpu")),
}
"""`precision.matmul` -> format; `highest` rounds nothing."""
_BY_PRESET = {form.preset: form for form in FORMATS.values()}
_IS_ROUNDING: ContextVar[bool] = ContextVar("is_rounding", default=False)
"""Whether such products are lowered as we have them: once JAX is taught, modules of runs with `highest` that name a
preset themselves would be rounded as well."""


@contextlib.contextmanager
def products_in(matmul: str) -> Iterator[None]:
    """Products of float32 numbers that are traced meanwhile, in a format as `precision.matmul` names it.

    Those that name a precision of their own keep it.
    """
    if matmul in FORMATS:
        _teach_jax()
    before = _IS_ROUNDING.set(matmul in FORMATS)
    try:
        with jax.default_matmul_precision(FORMATS[matmul].preset.name if matmul in FORMATS else matmul):
            yield
    finally:
        _IS_ROUNDING.reset(before)


def is_emulated(matmul: str, platform: str) -> bool:
    """Whether products so rounded are computed in float32, since the devices of a platform have none of their own."""
    return matmul in FORMATS and platform not in FORMATS[matmul].devices


def warn_of_pairs(sweep: Sweep, platform: str) -> None:
    """Say of float64 on a TPU what it is."""
    points = [sweep.points] if sweep.compare is None else [sweep.arm_sweep(arm).points for arm in sweep.compare.arms]
    if platform == "tpu" and any(_has_doubles(of_grid) for of_grid in points):
        rule = "precision.params: float64 on a TPU is a pair of float32 numbers, of about 48 bits and float32's range"
        way_out = "it takes many times as long and far larger programs; a CPU or GPU has float64"
        warnings.warn(f"{rule}: {way_out}", DataWarning, stacklevel=2)


def _has_doubles(points: Points) -> bool:
    axes = [axis for axis in points.axes if any(path.startswith("precision") for path in axis.paths)]
    return any(points.run(int(cell)).precision.params == "float64" for cell in points.distinct(axes))


@functools.cache
def _teach_jax() -> None:
    """Have JAX write down every product of a known format as what it says, on every platform.

    Rules for lowering are the one place behind gradients, `vmap` and everybody's modules. All other products are left
    to the rules of JAX.
    """
    for primitive in (dot_general_p, conv_general_dilated_p):
        everywhere = mlir._lowerings[primitive]
        rules = {platform: of.get(primitive, everywhere) for platform, of in mlir._platform_specific_lowerings.items()}
        for platform, entry in {None: everywhere, **rules}.items():
            is_dot = primitive is dot_general_p
            mlir.register_lowering(primitive, functools.partial(_lower, entry.rule, platform, is_dot), platform)


def _lower(
    of_jax: Callable[..., Any],
    platform: str | None,
    is_dot: bool,
    context: Any,
    left: Any,
    right: Any,
    *,
    precision: Any,
    **settings: Any,
) -> Sequence[Any]:
    """A product, or a convolution, in the program of a platform."""
    form = _BY_PRESET.get(precision) if _IS_ROUNDING.get() else None
    if form is not None:
        precision = _EXACT
        if all(aval.dtype == np.float32 for aval in (*context.avals_in, *context.avals_out)):
            left, right = (
                _rounded(form, context, value, aval)
                for value, aval in zip((left, right), context.avals_in, strict=True)
            )
            precision = _exact_for(form, platform, is_dot and _is_of_matrices(context, **settings))
    return of_jax(context, left, right, precision=precision, **settings)


def _rounded(form: Format, context: Any, value: Any, aval: Any) -> Any:
    rule = mlir.lower_fun(lambda number: lax.reduce_precision(number, *form.bits), multiple_results=False)
    return rule(context.replace(primitive=None, avals_in=[aval], avals_out=[aval]), value)[0]


def _exact_for(form: Format, platform: str | None, is_of_matrices: bool) -> Any:
    """The fastest product of a platform that is exact for numbers of a format and adds in float32."""
    if platform == "tpu" and "tpu" in form.devices:
        return _FAST
    if platform == "cuda":
        return form.preset if is_of_matrices else _FAST
    return _EXACT


def _is_of_matrices(context: Any, dimension_numbers: Any, **_: Any) -> bool:
    """Whether XLA keeps it a product: with a vector, it multiplies and adds number by number, in the format itself."""
    contracted, batch = dimension_numbers
    for aval, summed, side in zip(context.avals_in, contracted, batch, strict=True):
        free = [size for axis, size in enumerate(aval.shape) if axis not in (*summed, *side)]
        if np.prod(free) == 1 or np.prod([aval.shape[axis] for axis in summed]) == 1:
            return False
    return True
