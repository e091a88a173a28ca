"""What will a sweep cost, and under which choices will it run: a plan in words, nothing trained."""

import math
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from grokjax.core.symbol_lookup import ONE_HOT
from grokjax.core.units import bytes_text
from grokjax.plan.forms import AT_ONCE, FIRST_FORMS, TABLE_ORDER
from grokjax.plan.plan import CohortPlan, Plan
from grokjax.reader.paths import value_at
from grokjax.reader.points import Points
from grokjax.reader.run import minibatch_size
from grokjax.report.choices import scientific_choices, short_list, value_text
from grokjax.report.terminal import WIDTH, busy_text, duration_text, facts, rendered

_BACKWARD = 3
"""A gradient costs about three forward passes over the same examples."""
_MOST_VALUES = 8
_FORMS = {
    ONE_HOT: "rows by symbol are products with one-hots",
    TABLE_ORDER: "the whole table is walked, less the test set",
    AT_ONCE: "an update is one block",
}
_KINDS = {
    "history": "histories",
    "dataset": "history.zarr",
    "weights": "final parameters of every run included",
    "snapshots": "snapshots",
}


def plan_text(plan: Plan, colour: bool = False, width: int = WIDTH) -> str:
    """`plan_view` as text, with ANSI colours only if `colour`."""
    return rendered(plan_view(plan), colour, width)


def plan_view(plan: Plan) -> RenderableType:
    """Runs, axes, cohorts and why, memory, looks, disk and time; then every scientific choice."""
    sweep = plan.sweep
    head = f"{sweep.name}: {sweep.num_runs:,} runs = {sweep.num_cells:,} cells x {sweep.num_seeds:,} seeds"
    if sweep.compare is not None:
        arms, cases = len(sweep.compare.arms), f" in {sweep.num_cells:,} cases" if sweep.axes else ""
        runs = sum(len(planned.cohort) for planned in plan.cohorts)
        tuned = f"{runs:,} runs that tune them, then {plan.later_runs:,} that compare them"
        head = f"{sweep.name}: {arms} arms{cases}: {tuned}"
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


def _axes(plan: Plan) -> list[tuple[str, str]]:
    rows = [(path, _values(values)) for path, values in plan.sweep.points.axis_values.items()]
    for arm in () if plan.sweep.compare is None else plan.sweep.compare.arms:
        settings = [f"{path} {value_text(value_at(arm.base, path))}" for path in arm.settings]
        tuned = [f"{path} {_values(values)}" for path, values in Points(arm.base, arm.tune).axis_values.items()]
        rows.append((arm.name, "; ".join([*settings, *tuned]) or "the sweep as it is"))
    return rows


def _values(values: np.ndarray) -> str:
    texts = [value_text(value) for value in values.tolist()]
    if len(texts) > _MOST_VALUES:
        texts = [*texts[: _MOST_VALUES - 2], "...", texts[-1]]
    return f"{len(values):,} values: {', '.join(texts)}"


def _why_cohorts(plan: Plan) -> str:
    """How many programs are compiled, and which axes are the reason."""
    values: dict[str, set[str]] = {}
    for planned in plan.cohorts:
        for path, taken in planned.cohort.static.items():
            values.setdefault(path, set()).add(short_list(taken))
    count = len(plan.cohorts)
    if plan.sweep.compare is not None:
        return f"{count:,} cohorts, one compiled program each, for the runs that tune the arms"
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
    for planned in plan.cohorts:
        static = "; ".join(f"{path} {short_list(values)}" for path, values in planned.cohort.static.items())
        table.add_row(
            str(planned.cohort.number + 1),
            f"{len(planned.cohort):,}",
            f"{planned.width:,}",
            bytes_text(planned.bytes_per_run),
            f"{planned.size.num_params:,}",
            "not timed" if planned.seconds is None else _duration(planned.seconds),
            Text(static or "none"),
        )
    return table


def _costs(plan: Plan) -> list[tuple[str, str]]:
    costs = [("looks", _looks(plan)), ("disk", _disk(plan)), ("time", time_text(plan))]
    if any(planned.forms != FIRST_FORMS for planned in plan.cohorts):
        costs.append(("program", _forms(plan)))
    if plan.sweep.measure.probes:
        names = ", ".join(part.kind for part in plan.sweep.measure.probes)
        costs.append(("probes", f"{names} of every stored network, when all runs have ended; not counted in time"))
    return (
        [*costs, ("measures", _measures(plan))] if any(planned.measure_seconds for planned in plan.cohorts) else costs
    )


def _forms(plan: Plan) -> str:
    """How rows and examples are found, where that is not as it first was; cohorts may differ."""
    used = dict.fromkeys(planned.forms for planned in plan.cohorts if planned.forms != FIRST_FORMS)
    return "; or ".join(", ".join(_FORMS[form] for form in forms if form in _FORMS) for forms in used)


def _disk(plan: Plan) -> str:
    """Bytes of the finished folder by kind, and what lies beside it until then."""
    if not plan.disk:
        return "not counted"
    parts = [f"{bytes_text(plan.disk[kind])} {name}" for kind, name in _KINDS.items() if plan.disk[kind]]
    without = "" if plan.stores_weights else ", no final parameters"
    saves = f"{bytes_text(plan.disk['saves'])} more while it trains"
    return f"at most {bytes_text(plan.disk_bytes)} ({', '.join(parts)}{without}), {saves}"


def time_text(plan: Plan) -> str:
    """The forecast of the time, what compiling took, and what other work on the machine would add."""
    seconds = plan.forecast_seconds
    if seconds is None:
        return "not timed"
    compiled = f", after {_duration(plan.compile_seconds)} of compiling, as it took now" if plan.compile_seconds else ""
    busy = busy_text(seconds, plan.cpu_share)
    return f"{_duration(seconds)} if every run goes to its last step{compiled}" + (f"; {busy}" if busy else "")


def _measures(plan: Plan) -> str:
    """What each measure takes of the time of a run, the dearest first."""
    taken: dict[str, list[tuple[float, float]]] = {}  # name -> per cent and milliseconds in each cohort
    for planned in plan.cohorts:
        for name, seconds in planned.measure_seconds.items():
            share = plan.num_rows * seconds / (planned.run_seconds or math.inf)
            taken.setdefault(name, []).append((100 * share, 1e3 * seconds))
    texts = []
    for name, pairs in sorted(taken.items(), key=lambda item: -max(item[1])[0]):
        shares, milliseconds = (_range_text(list(column), "{:.3g}") for column in zip(*pairs, strict=True))
        texts.append(f"{name} {shares} % ({milliseconds} ms each)")
    return f"of the time of a run, at {plan.num_rows:,} steps: {', '.join(texts)}"


def _duration(seconds: float) -> str:
    return duration_text(seconds) if seconds >= 1 else "less than a second"


def _looks(plan: Plan) -> str:
    """How often a run is looked at, and about what share of its work that is."""
    steps = plan.sweep.steps
    shares = [_look_share(planned, plan.num_looks, steps) for planned in plan.cohorts]
    n_train = _range_text([_n_train(planned) for planned in plan.cohorts], "{:,}")
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
    trained = minibatch_size(run.minibatch, _n_train(planned))
    looks = num_looks * signature.num_examples
    return looks / (looks + steps * _BACKWARD * trained)


def _n_train(planned: CohortPlan) -> int:
    """Train examples of one run of a cohort."""
    return planned.cohort.run.task.counts(planned.cohort.signature).n_train


def _range_text(values: list[Any], form: str) -> str:
    low, high = form.format(min(values)), form.format(max(values))
    return high if low == high else f"{low} to {high}"
