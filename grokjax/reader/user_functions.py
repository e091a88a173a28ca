"""How does a function of the user become an optimizer, measure, regularizer or task? Its parameters become settings.

A parameter of an optimizer or regularizer is a swept number when its default is a float, or when its annotation takes a
float and there is no default, or None. A whole-number default is swept only if the function, tried as an optimizer,
accepts a traced value there (a count of loop turns does not). Everything else is static, and so is all of a measure or
task.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any, ClassVar, Optional, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax

from grokjax.core.drawn_task import TableTask
from grokjax.core.given_split import WHOLE, train_rows_first
from grokjax.core.interfaces import Measure, Optimizer, Params, Regularizer, Table, View
from grokjax.core.part import Part, Swept, setting
from grokjax.reader.user_class import Given, make_part, members, parameters_of, static_settings

_OPTIONAL = Optional[Swept]  # noqa: UP045
_EMPTY = inspect.Parameter.empty
_TRIAL = 0.1  # a number that every optimizer takes for a learning rate
_SWEEPABLE = ("optimizers", "regularizers")  # tables are made on the host, and measures are no axes
_POSITIONAL = {"measures": 1, "regularizers": 1, "optimizers": 0, "tasks": 0}


def part_from_function(slot: str, function: Callable[..., Any], kind: str, sha256: str) -> type[Part]:
    """A part around a function; the first parameter of a measure is the view, of a regularizer the parameters."""
    try:
        names = list(inspect.signature(function).parameters)
    except ValueError:
        raise TypeError("its parameters cannot be read") from None
    taken = _POSITIONAL[slot]
    if len(names) < taken:
        raise TypeError(f"must take {taken} argument")
    parameters = parameters_of(function, skip=tuple(names[:taken]))
    swept = _swept_settings(function, parameters) if slot in _SWEEPABLE else {}
    static = static_settings({name: parameter for name, parameter in parameters.items() if name not in swept})
    parents = {"optimizers": UserOptimizer, "measures": UserMeasure, "regularizers": UserPenalty, "tasks": UserTask}
    ordered = {name: (swept | static)[name] for name in parameters if name in swept or name in static}
    return make_part(parents[slot], kind, sha256, ordered, doc=function.__doc__, function=staticmethod(function))


def _swept_settings(function: Callable[..., Any], parameters: dict[str, Given]) -> dict[str, tuple[Any, Any]]:
    settings = {}
    for name, (hint, default) in parameters.items():
        takes_float = float in members(hint)
        is_open = takes_float or hint is Any
        is_optional = default is None or type(None) in members(hint)
        if isinstance(default, bool) or hint is bool:
            continue
        if default is _EMPTY and is_open:
            settings[name] = (Swept, setting())
        elif isinstance(default, float) and np.isfinite(default):
            settings[name] = (_OPTIONAL if is_optional else Swept, setting(default))
        elif isinstance(default, int) and is_open and _takes_tracer(function, parameters, name):
            settings[name] = (Swept, setting(float(default)))
        elif default is None and takes_float:
            settings[name] = (_OPTIONAL, setting(None))
    return settings


def _takes_tracer(function: Callable[..., Any], parameters: dict[str, Given], name: str) -> bool:
    """Whether an optimizer can be built from, and applied with, a traced value of one of its settings."""
    required = {other: _TRIAL for other, parameter in parameters.items() if parameter.default is _EMPTY}
    params = {"kernel": np.ones((2, 2), np.float32), "bias": np.ones(2, np.float32)}

    def update(value: jax.Array, params: Params) -> Params:
        transform = function(**(required | {name: value}))
        update = optax.with_extra_args_support(transform).update  # some ask for the loss
        return update(params, transform.init(params), params, value=jnp.zeros(()))[0]

    try:
        jax.eval_shape(update, jax.ShapeDtypeStruct((), np.float32), params)
    except Exception:  # whatever somebody else's code raises means no
        return False
    return True


class UserFunction:
    """Calls the user's function with the settings of the part."""

    function: ClassVar[Callable[..., Any]]

    def arguments(self) -> dict[str, Any]:
        """Settings by name."""
        inherited = {field.name for field in dataclasses.fields(TableTask)} if isinstance(self, TableTask) else set()
        names = [field.name for field in dataclasses.fields(cast(Any, self)) if field.name not in inherited]
        return {name: getattr(self, name) for name in names}


class UserOptimizer(UserFunction, Optimizer):
    """A function that returns an optax transformation."""

    def transform(self) -> optax.GradientTransformation:
        transform = self.function(**self.arguments())
        if not isinstance(transform, optax.GradientTransformation):
            kind = type(transform).__name__
            raise ValueError(f"optimizer.kind: {self.kind} must return an optax.GradientTransformation, got {kind}")
        return transform


class UserMeasure(UserFunction, Measure):
    """A function of the view that returns named arrays."""

    def measure(self, view: View) -> dict[str, jax.Array]:
        return self.function(view, **self.arguments())


class UserPenalty(UserFunction, Regularizer):
    """A function of the parameters that returns a scalar, added to the loss."""

    def penalty(self, params: Params, key: jax.Array, step: jax.Array) -> jax.Array | float:
        return self.function(params, **self.arguments())


class UserTask(UserFunction, TableTask):
    """A function that returns a table of examples, or its inputs and targets; called once."""

    def table(self) -> Table:
        return _called(type(self), tuple(self.arguments().items()))


@functools.lru_cache(maxsize=32)
def _called(cls: type[UserTask], arguments: tuple[tuple[str, Any], ...]) -> Table:
    made = cls.function(**dict(arguments))
    if isinstance(made, dict):
        more = tuple(field.name for field in dataclasses.fields(Table) if field.name not in ("n_train", *WHOLE))
        try:
            arrays, n_train = train_rows_first(made, more, cls.kind)
        except ValueError as error:
            raise ValueError(f"task.kind: the dict that {cls.kind} returns {error}") from error
        made = _as_table(cls.kind, **arrays, n_train=n_train)
    if not isinstance(made, Table):
        raise ValueError(f"task.kind: {cls.kind} must return a Table or a dict, got {type(made).__name__}")
    return made


def _as_table(kind: str, inputs: Any, targets: Any, **more: Any) -> Table:
    inputs, targets = np.asarray(inputs), np.asarray(targets)
    for name, array in (("inputs", inputs), ("targets", targets)):
        if array.dtype.kind not in "iuf" or array.ndim == 0:
            raise ValueError(f"task.kind: {name} of {kind} must be an array of numbers, got {array.dtype}")
        if array.dtype.kind == "f" and not np.all(np.isfinite(array)):
            raise ValueError(f"task.kind: {name} of {kind} must be finite")
        if array.dtype.kind != "f" and array.size and array.min() < 0:
            raise ValueError(f"task.kind: whole-number {name} of {kind} must be at least 0, got {array.min()}")
    if len(inputs) != len(targets) or len(inputs) < 2:
        rule = f"got {len(inputs)} inputs and {len(targets)} targets"
        raise ValueError(f"task.kind: {kind} needs one target an input and at least 2 examples, {rule}")
    inputs, targets = (array.astype(np.float32 if array.dtype.kind == "f" else np.int32) for array in (inputs, targets))
    is_tokens = inputs.dtype == np.int32 and inputs.ndim == 2
    if is_tokens:
        answers = targets.shape[1] if targets.dtype == np.int32 and targets.ndim == 2 else 1
        prompts = inputs[:, : inputs.shape[1] - answers + 1]  # behind them stand answers
        differing = np.flatnonzero((prompts != prompts[:1]).any(axis=0))
        more.setdefault("vocabulary", int(inputs.max()) + 1)
        more.setdefault("operands", tuple(int(position) for position in differing))
    is_vector = targets.dtype == np.float32 and targets.ndim > 1
    more.setdefault("num_classes", targets.shape[-1] if is_vector else int(targets.max()) + 1)
    return Table(inputs=inputs, targets=targets, **more)
