"""Do the regularizers of a run give what an update takes, and fit each other and the optimizer? Asked in a trace."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from grokjax.core.interfaces import Params, Signature
from grokjax.reader.errors import wrong
from grokjax.reader.run import Run
from grokjax.reader.user_parts import kind_of


def check_regularizers(run: Run, params: Params, key: jax.Array, ask: Callable[[str, Callable[[], Any]], Any]) -> None:
    """Refuse penalties that are no number, changes of shape, and two parts that ascend.

    Args:
      run: schedules replaced by their values.
      ask: (key of the part, question) -> its answer; what the part raises is said of its key.

    Raises:
      SpecError: the first problem.
    """
    step = jnp.zeros((), jnp.int32)
    for index, part in enumerate(run.regularizers):
        where = f"regularizers.{index}"
        penalty = ask(where, lambda part=part: part.penalty(params, key, step))
        if jnp.shape(penalty) != ():
            raise wrong(where, f"must give one number, gives shape {list(jnp.shape(penalty))}")
        questions = {
            "perturb": lambda part=part: part.perturb(params, key, step),
            "ascend": lambda part=part: part.ascend(params, params),
            "gradient": lambda part=part: _filtered(part.gradient(), params),
            "jitter": lambda part=part: part.jitter(params, key, step),
            "project": lambda part=part: part.project(params),
        }
        for method, question in questions.items():
            if _described(ask(where, question)) != _described(params):
                raise wrong(where, f"{method} must give arrays of the shapes and number format of the parameters")
    ascending = [index for index, part in enumerate(run.regularizers) if part.has("ascend")]
    if len(ascending) > 1:
        first, second, *_ = (f"regularizers.{index}" for index in ascending)
        names = [kind_of(type(run.regularizers[index])) for index in ascending[:2]]
        rule = f"{names[1]} takes the gradient at other parameters, as {names[0]} ({first}) does"
        raise wrong(second, f"{rule}: one part of a run may", hint="leave one out")


def check_output_penalties(
    run: Run,
    outputs: jax.Array,
    network: Callable[[jax.Array], jax.Array],
    inputs: jax.Array,
    signature: Signature,
    ask: Callable[[str, Callable[[], Any]], Any],
) -> None:
    """Refuse penalties of outputs that are not one number an example; see `check_regularizers`."""
    for index, part in enumerate(run.regularizers):
        where = f"regularizers.{index}"
        penalty = ask(where, lambda part=part: part.output_penalty(outputs, network, inputs, signature))
        if part.has("output_penalty") and jnp.shape(penalty) != (len(inputs),):
            shape = f"gives shape {list(jnp.shape(penalty))} for {len(inputs)}"
            raise wrong(where, f"output_penalty must give one number an example, {shape}")


def check_loss_of_gradient(run: Run, transform: optax.GradientTransformation, params: Params, opt_state: Any) -> None:
    """Refuse an optimizer that asks for the loss of its gradient where a part takes them at different parameters."""
    ascending = [index for index, part in enumerate(run.regularizers) if part.has("ascend")]
    if not ascending:
        return
    try:
        transform.update(params, opt_state, params)
    except TypeError as error:
        if "'value'" not in str(error):
            raise
        name, other = kind_of(type(run.regularizers[ascending[0]])), kind_of(type(run.optimizer))
        rule = f"{name} takes the gradient at other parameters than the loss, and {other} asks for both of the same"
        raise wrong(f"regularizers.{ascending[0]}", rule, hint="nearest is optax:adamw") from error


def _filtered(transform: optax.GradientTransformation, params: Params) -> Params:
    value = jnp.zeros((), jax.tree.leaves(params)[0].dtype)
    return optax.with_extra_args_support(transform).update(params, transform.init(params), params, value=value)[0]


def _described(params: Params) -> Any:
    return jax.tree.map(lambda leaf: (jnp.shape(leaf), jnp.result_type(leaf)), params)
