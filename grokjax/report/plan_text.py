"""What will a sweep cost, and under which choices will it run: a plan in words, nothing trained."""

import dataclasses
import inspect
from typing import Any, cast

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from grokjax.analysis.rules import RULES
from grokjax.core.part import Part
from grokjax.plan.plan import CohortPlan, Plan
from grokjax.report.terminal import WIDTH, bytes_text, duration_text, facts, rendered
from grokjax.report.wording import number_text
from grokjax.spec.run import Run

_BACKWARD = 3
"""A gradient costs about three forward passes over the same examples."""
_MOST_VALUES = 8


def plan_text(plan: Plan, colour: bool = False, width: int = WIDTH) -> str:
    """`plan_view` as text, with ANSI colours only if `colour`."""
    return rendered(plan_view(plan), colour, width)


def plan_view(plan: Plan) -> RenderableType:
    """Runs, axes, cohorts and why, memory, looks, disk and time; then every scientific choice."""
    sweep = plan.sweep
    head = f"{sweep.name}: {sweep.num_runs:,} runs = {sweep.num_cells:,} cells x {sweep.num_seeds:,} seeds"
    return Group(
        Text(f"{head}, {sweep.steps:,} steps each", style="bold"),
        facts(_axes(plan)),
        Text(""),
        Text(_why_cohorts(plan)),
        _cohorts(plan),
        Text(""),
        facts(_costs(plan)),
        Text("\nChoices", style="bold"),
        facts(scientific_choices(plan)),
    )


def scientific_choices(plan: Plan) -> list[tuple[str, str]]:
    """What a reader of the results must know: (topic, choice) pairs."""
    run = plan.sweep.base
    rule = RULES["default"]
    swept = set(plan.sweep.axis_names)
    pairs = [
        ("phase rule", f"{rule.name}: {rule.about}; other rules relabel without training ({_others(rule.name)})"),
        ("losses", f"trained with {part_text(run.loss)}; measured in the log1p form whatever is trained"),
        ("stopping", _stopping(plan)),
        ("decay", _decay(plan)),
        ("optimizer", part_text(run.optimizer, "optimizer", swept)),
        ("model", part_text(run.model, "model", swept)),
        ("task", part_text(run.task, "task", swept)),
    ]
    penalties = [part_text(one, f"regularizers.{place}", swept) for place, one in enumerate(run.regularizers)]
    pairs += [("regularizer", text) for text in penalties]
    return [*pairs, ("minibatch", _minibatch(run)), ("precision", _precision(run)), ("seeds", _seeds(plan))]


def part_text(part: Part, path: str = "", axes: set[str] | frozenset[str] = frozenset()) -> str:
    """A part with all its settings; those that are axes say so."""
    settings = []
    for field in dataclasses.fields(cast(Any, part)):
        value = getattr(part, field.name)
        shown = "an axis" if f"{path}.{field.name}" in axes else _value_text(value)
        settings.append(f"{field.name} {shown}")
    return f"{part.kind}: {', '.join(settings)}" if settings else part.kind


def _value_text(value: Any) -> str:
    if isinstance(value, Part):
        return f"({part_text(value)})"
    if isinstance(value, bool) or value is None:
        return {None: "none", True: "yes", False: "no"}[value]
    return number_text(value) if isinstance(value, (int, float)) else str(value)


def _axes(plan: Plan) -> list[tuple[str, str]]:
    rows = []
    for axis in plan.sweep.axes:
        for path, values in zip(axis.paths, axis.values, strict=True):
            texts = [part_text(value) if isinstance(value, Part) else _value_text(value) for value in values]
            if len(texts) > _MOST_VALUES:
                texts = [*texts[: _MOST_VALUES - 2], "...", texts[-1]]
            rows.append((path, f"{len(values):,} values: {', '.join(texts)}"))
    return rows


def _why_cohorts(plan: Plan) -> str:
    """How many programs are compiled, and which axes are the reason."""
    values: dict[str, set[str]] = {}
    for one in plan.cohorts:
        for path, taken in one.cohort.static.items():
            values.setdefault(path, set()).add(_short_list(taken))
    count = len(plan.cohorts)
    if count == 1:
        shared = f", whatever the value of {', '.join(values)}" if values else ""
        return f"1 cohort: all runs share one compiled program{shared}"
    reasons = [path for path, lists in values.items() if len(lists) > 1]
    return f"{count:,} cohorts, one compiled program each: another {' or '.join(reasons)} is another program"


def _cohorts(plan: Plan) -> Table:
    table = Table(box=None, padding=(0, 2), pad_edge=False, header_style="bold")
    for name in ("cohort", "runs", "lanes a device", "memory a run", "parameters", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("static values", overflow="fold")
    for one in plan.cohorts:
        static = "; ".join(f"{path} {_short_list(values)}" for path, values in one.cohort.static.items())
        table.add_row(
            str(one.cohort.number + 1),
            f"{len(one.cohort.runs):,}",
            f"{one.width:,}",
            bytes_text(one.size.peak_bytes),
            f"{one.size.num_params:,}",
            "not timed" if one.seconds is None else duration_text(one.seconds),
            Text(static or "none"),
        )
    return table


def _short_list(values: list[Any]) -> str:
    texts, more = [_value_text(value) for value in values], len(values) - _MOST_VALUES
    return ", ".join([*texts[:_MOST_VALUES], f"and {more:,} more"] if more > 0 else texts)


def _costs(plan: Plan) -> list[tuple[str, str]]:
    seconds = plan.forecast_seconds
    weights = "final parameters of every run included" if plan.stores_weights else "without the parameters of the runs"
    return [
        ("looks", _looks(plan)),
        ("disk", f"{bytes_text(plan.disk_bytes)}, {weights}"),
        ("time", "not timed" if seconds is None else f"{duration_text(seconds)} if every run goes to its last step"),
    ]


def _looks(plan: Plan) -> str:
    """How often a run is looked at, and about what share of its work that is."""
    steps = plan.sweep.steps
    shares = [_look_share(one, plan.num_looks, steps) for one in plan.cohorts]
    n_train = _range_text([_n_train(one) for one in plan.cohorts], "{:,}")
    return (
        f"{plan.num_looks:,} a run ({plan.num_looks / steps:.3g} per step), {plan.num_rows:,} with all measures; about "
        f"{_range_text([100 * share for share in shares], '{:.2g}')} % of the work of a run with {n_train} train "
        "examples, by passes over examples"
    )


def _look_share(planned: CohortPlan, num_looks: int, steps: int) -> float:
    """Share of a run's passes over examples that looks take, for one run of a cohort.

    A look is one forward pass over the table; a step is a gradient on the train set or a minibatch of it.
    """
    run, signature = planned.cohort.run, planned.cohort.signature
    n_train, batch = _n_train(planned), run.minibatch
    trained = n_train if batch is None else max(1, min(int(batch.at_most), int(batch.share * n_train)))
    looks = num_looks * signature.num_examples
    return looks / (looks + steps * _BACKWARD * trained)


def _n_train(planned: CohortPlan) -> int:
    """Train examples of one run of a cohort."""
    return planned.cohort.run.task.counts(planned.cohort.signature).n_train


def _range_text(values: list[Any], form: str) -> str:
    low, high = form.format(min(values)), form.format(max(values))
    return high if low == high else f"{low} to {high}"


def _others(name: str) -> str:
    return ", ".join(other for other in RULES if other != name)


def _stopping(plan: Plan) -> str:
    stop = plan.sweep.stop
    if stop is None:
        return f"off: every run is trained to step {plan.sweep.steps:,}, so that a later collapse is seen"
    return (
        f"on: a run ends once it has generalized without a break for max({stop.steps:,} steps, {stop.ratio:g} x the "
        f"step of the first such look); {100 * stop.audit:g} % of the runs go on to their budget all the same"
    )


def _decay(plan: Plan) -> str:
    """On how many parameters decay acts, and what the optimizer's own documentation says of what scales it."""
    optimizer, axes = plan.sweep.base.optimizer, plan.sweep.axis_names
    about = {field.name: field.metadata.get("about", "") for field in dataclasses.fields(cast(Any, optimizer))}
    if "weight_decay" not in about:
        return f"{optimizer.kind} has no weight_decay"
    if optimizer.weight_decay == 0 and "optimizer.weight_decay" not in axes:  # type: ignore[attr-defined]
        return "none: weight_decay is 0"
    counts = dict.fromkeys(f"{one.size.num_decayed:,} of {one.size.num_params:,}" for one in plan.cohorts)
    said = [about["weight_decay"], " ".join((inspect.getdoc(type(optimizer)) or "").split())]
    return f"acts on {'; '.join(counts)} parameters. {optimizer.kind}: {'. '.join(filter(None, said))}"


def _minibatch(run: Run) -> str:
    if run.minibatch is None:
        return "full train set at every step"
    most = f"at most {run.minibatch.at_most:,} examples and {100 * run.minibatch.share:g} % of the train set"
    return f"{most}; a new permutation every epoch"


def _precision(run: Run) -> str:
    tf32 = "" if run.precision.matmul == "tf32" else " (no TF32)"
    return f"parameters {run.precision.params}, matrix products {run.precision.matmul}{tf32}"


def _seeds(plan: Plan) -> str:
    fixed = ", ".join(f"{name} held at {value}" for name, value in plan.sweep.seeds.streams)
    text = f"{_short_list(list(plan.sweep.seeds.values))}; streams split, init, order, noise"
    return f"{text}; {fixed}" if fixed else text
