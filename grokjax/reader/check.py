"""What do the parts themselves say about a sweep? Tables, train and test examples, shapes that fit.

Shapes are worked out without computing anything.
"""

import dataclasses
import re
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax

from grokjax.core.activation_names import with_word
from grokjax.core.interfaces import Measure, Optimizer, Params, Probe, Signature, Split, Task, View
from grokjax.core.part import is_swept
from grokjax.core.schedules import at_step
from grokjax.core.streams import stream, substreams
from grokjax.measures.fit import finish, no_rows
from grokjax.reader.axes import Axis
from grokjax.reader.build import settings_of
from grokjax.reader.check_curriculum import check_curriculum
from grokjax.reader.check_regularizers import check_loss_of_gradient, check_output_penalties, check_regularizers
from grokjax.reader.errors import Collector, SpecError, own_lines, wrong, wrong_in_part
from grokjax.reader.paths import fields_of, locate, read_at, replaced, value_at
from grokjax.reader.run import Precision, Run
from grokjax.reader.user_class import members
from grokjax.reader.user_parts import kind_of, source_of

_ROWS = 2  # of the example block whose shapes are worked out


def is_number_axis(base: Run, axis: Axis) -> bool:
    """Whether an axis only changes swept numbers, so that all its points share a program."""
    for path, values in zip(axis.paths, axis.values, strict=True):
        try:
            swept = any(is_swept(option) for option in members(locate(base, path).hint))
        except SpecError:  # inside a part that is itself an axis
            return False
        if not swept or not all(isinstance(value, int | float) for value in values):
            return False
    return True


def check_inner(base: Run, axes: Sequence[Axis]) -> None:
    """Refuse whole parts as axes beside settings in them that they do not take, or in which alone they differ."""
    columns = {path: values for axis in axes for path, values in zip(axis.paths, axis.values, strict=True)}
    for path, values in columns.items():
        inner = [other for other in columns if other != path and _is_inside(other, path)]
        if inner:
            _check_inside(base, path, values, {other: columns[other] for other in inner})


def check_tasks(tasks: Iterable[Task]) -> None:
    """Refuse tasks without a table, or without train or test examples."""
    problems, signatures = Collector(), {}
    for task in tasks:
        with problems.collecting():
            structure = jax.tree.structure(task)
            if structure not in signatures:
                signatures[structure] = None  # one message is enough
                signatures[structure] = _signature(task)
            if signatures[structure] is not None:
                _check_counts(task, signatures[structure])
    problems.finish()


def check_programs(runs: Iterable[Run], measures: Sequence[Measure] = (), probes: Sequence[Probe] = ()) -> None:
    """Refuse runs whose parts, and the measures and probes of a sweep, do not fit the task and each other."""
    problems = Collector()
    for run in runs:
        with problems.collecting():
            signature = _signature(run.task)
            _check_program(run, signature, measures)
            for probe in probes:
                _ask("measure.what", partial(probe.check_task, signature))
    problems.finish()


def _is_inside(path: str, whole: str) -> bool:
    return fields_of(path)[: len(fields_of(whole))] == fields_of(whole)


def _check_inside(base: Run, path: str, values: Sequence[Any], inner: dict[str, tuple]) -> None:
    """A whole part is an axis, and so are settings of it: each alternative must take them, and still differ."""
    seen = []
    for index, value in enumerate(values):
        run = replaced(base, path, value)
        for other, points in inner.items():
            try:
                taken = [read_at(run, other, point, other) for point in points[:100]]
            except SpecError as error:
                raise wrong(
                    f"axes.{other}", f"value {index + 1} of {path} does not take it: {error.problems[0].rule}"
                ) from None
            run = replaced(run, other, taken[0])
        if value_at(run, path) in seen:
            raise wrong(f"axes.{path}.{index}", f"differs only in {', '.join(inner)}, which is an axis of its own")
        seen.append(value_at(run, path))


def _signature(task: Task) -> Signature:
    try:
        return task.signature()
    except Exception as error:  # whatever somebody else's code raises
        raise wrong_in_part("task", error) from error


def _check_counts(task: Task, signature: Signature) -> None:
    share = task.stated_train_fraction()
    key = "task" if share is None else "task.train_fraction"
    try:
        counts = task.counts(signature)
    except Exception as error:  # whatever somebody else's code raises
        raise wrong_in_part(key, error, share) from error
    total = signature.num_examples
    if counts.n_train < 1:
        raise wrong(key, f"gives {counts.n_train} of {total} examples to train on, at least 1 is needed", share)
    if counts.n_train >= total:
        raise wrong(key, f"leaves none of {total} examples to test on, at least 1 is needed", share)
    is_classes = not signature.target_shape and signature.target_dtype.startswith("int")
    noise = task.stated_label_noise()
    if noise > 0 and not is_classes:
        reason = "an example has several" if signature.num_answers > 1 else "these targets are no classes"
        raise wrong("task.label_noise", f"one label an example is drawn anew among classes, and {reason}", noise)


def _check_program(run: Run, signature: Signature, measures: Sequence[Measure]) -> None:
    def shapes() -> Any:
        now = at_step(run, jnp.zeros((), jnp.int32))
        key = stream(jnp.zeros((), jnp.uint32), "init")
        params = _ask("model", lambda: now.model.init(key, signature))
        inputs = jnp.zeros((_ROWS, *signature.input_shape), signature.input_dtype)
        keys = substreams(key, jnp.arange(len(inputs)))

        def network(inputs: jax.Array) -> jax.Array:
            return now.model.logits(now.model.prepare(params, signature), inputs, signature, keys)

        outputs = _ask("model", lambda: network(inputs))
        if jnp.ndim(outputs) < 2 or outputs.shape[0] != _ROWS or outputs.shape[-1] < signature.num_classes:
            actual = f"gives outputs {list(jnp.shape(outputs))} for {_ROWS} examples"
            raise wrong("model", f"{actual}, the task needs {signature.num_classes} an example")
        if signature.num_answers > 1 and outputs.shape[1:-1] != (signature.num_answers,):
            actual = f"gives outputs {list(jnp.shape(outputs))} for {_ROWS} examples"
            needed = f"the task has {signature.num_answers} answers an example"
            raise wrong("model.kind", f"{actual}, {needed}", run.model.kind, "nearest is transformer")
        targets = jnp.zeros((_ROWS, *signature.target_shape), signature.target_dtype)
        losses = _ask("loss", lambda: now.loss.loss(outputs, targets))
        if jnp.shape(losses) != (_ROWS,):
            raise wrong("loss", f"must give one number an example, gives shape {list(jnp.shape(losses))} for {_ROWS}")
        check_regularizers(now, params, key, _ask)
        check_output_penalties(now, outputs, network, inputs, signature, _ask)
        transform = _ask("optimizer", now.optimizer.transform)
        opt_state = _ask("optimizer", lambda: transform.init(params), run.optimizer)
        _check_measures(measures, _view(now, signature, params, opt_state))
        updated = _ask("optimizer", lambda: _updated(transform, params, opt_state, run.optimizer), run.optimizer)
        check_loss_of_gradient(now, transform, params, opt_state)
        return updated

    check_curriculum(run.curriculum, run.task, signature)
    _check_precision(run.precision)
    with jax.enable_x64(run.precision.params == "float64"):
        jax.eval_shape(shapes)


def _check_precision(precision: Precision) -> None:
    """Refuse products of double numbers in a format that is rounded from single ones."""
    if precision.params == "float64" and precision.matmul != "highest":
        rule = f"{precision.matmul} products are of float32 numbers, and params: float64 makes all of them float64"
        raise wrong("precision.matmul", rule, precision.matmul, "leave it out, or leave out params")


def _updated(transform: optax.GradientTransformation, params: Params, opt_state: Any, optimizer: Optimizer) -> Any:
    """What an update gives; refused where it asks for more than a step has."""
    value = jnp.zeros((), jax.tree.leaves(params)[0].dtype)
    try:
        return optax.with_extra_args_support(transform).update(params, opt_state, params, value=value)
    except TypeError as error:
        asked = re.search(r"missing \d+ required keyword-only arguments?: (.+)", str(error))
        if asked is None:
            raise
        is_search = settings_of(optimizer).get("linesearch") is not None
        rule = f"{kind_of(type(optimizer))} asks for {asked[1]} in an update, which offers `value`, the loss"
        way_out = (
            "set linesearch: null and a learning_rate" if is_search else "nearest are optax:polyak_sgd and optax:adamw"
        )
        hint = f"no loss is evaluated again within an update; {way_out}" if "value_fn" in asked[1] else way_out
        raise wrong("optimizer", rule, hint=hint) from error


def _view(run: Run, signature: Signature, params: Params, opt_state: Any) -> View:
    """What measures may look at, with the shapes of the sweep."""
    examples = signature.num_examples
    targets = jnp.zeros((examples, *signature.target_shape), signature.target_dtype)
    position = jnp.zeros(examples, jnp.int32)
    inputs = jnp.zeros((examples, *signature.input_shape), signature.input_dtype)

    def apply(params: Params, inputs: jax.Array) -> jax.Array:
        return run.model.logits(run.model.prepare(params, signature), inputs, signature, None)

    return View(
        params=params,
        opt_state=opt_state,
        step=jnp.zeros((), jnp.int32),
        split=Split(order=position, labels=targets, group=position),
        inputs=inputs,
        targets=targets,
        n_train=jnp.zeros((), jnp.int32),
        apply=apply,
        train_loss=lambda params: jnp.mean(run.loss.loss(apply(params, inputs), targets)),
        initial_params=lambda: params,
        fit=finish(no_rows()),
        signature=signature,
        loss=run.loss.loss,
        inside=lambda params, inputs, word: with_word(run.model.activations(params, inputs, signature), word),
        memorized_params=lambda: params,
    )


def _check_measures(measures: Sequence[Measure], view: View) -> None:
    given_by: dict[str, str] = {}
    for part in at_step(tuple(measures), view.step):
        measured = _ask("measure.what", lambda part=part: dict(part.measure(view)))
        for name in measured:
            if name in given_by:
                raise wrong("measure.what", f"{part.kind} gives {name!r}, which {given_by[name]} gives too")
            dtype = jnp.asarray(measured[name]).dtype
            if dtype not in (jnp.float32, jnp.float64, jnp.int32, jnp.int64):
                hint = "use .astype(jnp.float32) or jnp.int32"
                raise wrong(
                    "measure.what", f"{part.kind} gives {name!r} as {dtype}, which has no value for none", hint=hint
                )
            given_by[name] = part.kind


def _ask(key: str, question: Any, part: Any = None) -> Any:
    """What a part answers; whatever it raises is said of its key, and of the lines that made `part`, if given."""
    try:
        return question()
    except SpecError:
        raise
    except Exception as error:
        refusal = wrong_in_part(key, error)
        (problem,) = refusal.problems
        made = "" if part is None or own_lines(error) else _definition_of(part)
        raise SpecError(dataclasses.replace(problem, detail=problem.detail + made)) from error


def _definition_of(optimizer: Any) -> str:
    """Where the user's code begins that made a transformation; empty for the optimizers of this package."""
    made_by = getattr(type(optimizer), "function", type(optimizer).transform)
    code = getattr(made_by, "__code__", None)
    if code is None or source_of(type(optimizer)) is None:
        return ""
    return f'  in what was made by {code.co_name}: File "{code.co_filename}", line {code.co_firstlineno}\n'
