"""A comparison of arms, for the terminal, as Markdown and as JSON."""

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from grokjax.analysis.arms import LEVEL, best_setting
from grokjax.report.terminal import WIDTH, rendered
from grokjax.report.wording import number_text

if TYPE_CHECKING:  # importing it imports JAX
    from grokjax.analysis.arms import ArmResult
    from grokjax.analysis.intervals import Interval
    from grokjax.lab.arms import CaseReport, ComparisonReport

_RESULTS = ("arm", "generalized", "median steps", "mean steps", "ratio to baseline", "p (Holm)")
_COSTS = ("arm", "difference in steps", "rank", "first", "us / update", "median seconds")


def comparison_text(report: "ComparisonReport", colour: bool = False, width: int = WIDTH) -> str:
    """The report as text for a terminal, with ANSI colours only if `colour`."""
    views: list[RenderableType] = [Text(_title(report), style="bold")]
    for case in report.cases:
        views += [Text(""), *([Text(_case_name(case), style="bold")] if case.case else [])]
        if case.results:
            views += [_grid(_RESULTS, [_result(result) for result in case.results]), Text("")]
            views += [_grid(_COSTS, [_cost(report, result) for result in case.results]), Text("")]
        views.append(_grid(("tuned arm", "best setting", "generalized", "mean steps", "settings"), _tuned_rows(case)))
    return rendered(Group(*views, Text(""), *(Text(line, style="dim") for line in remarks(report))), colour, width)


def comparison_markdown(report: "ComparisonReport") -> str:
    """The report as Markdown, with the tuning curve of every arm."""
    lines = [f"# {_title(report)}", ""]
    for case in report.cases:
        lines += [f"## {_case_name(case)}", ""] if case.case else []
        if case.results:
            lines += [*_pipes(_RESULTS, [_result(result) for result in case.results]), ""]
            lines += [*_pipes(_COSTS, [_cost(report, result) for result in case.results]), ""]
        for name, arm in case.tuned.items():
            columns = [*arm.best, "seeds", "generalized", "mean steps"]
            rows = [
                [
                    *(_value(row[path]) for path in arm.best),
                    str(row["seeds"]),
                    f"{row['grokked']:.0%}",
                    f"{row['mean']:,.0f}",
                ]
                for _, row in arm.curve.iterrows()
            ]
            lines += [f"Tuning of {name}:", "", *_pipes(columns, rows), ""]
    return "\n".join([*lines, *(f"- {line}" for line in remarks(report))]) + "\n"


def comparison_json(report: "ComparisonReport") -> dict[str, Any]:
    """The report for programs; see docs/formats.md. Numbers that are not there are null, +inf is the text `never`."""
    mapping = {field.name: getattr(report, field.name) for field in dataclasses.fields(report) if field.name != "runs"}
    mapping["cases"] = [
        {
            "case": case.case,
            "arms": [
                dataclasses.asdict(result) | {name: getattr(result, name)._asdict() for name in _INTERVALS}
                for result in case.results
            ],
            "tuned": {
                name: {"best": arm.best, "edges": arm.edges, "curve": arm.curve.to_dict(orient="records")}
                for name, arm in case.tuned.items()
            },
        }
        for case in report.cases
    ]
    columns = ["arm", "stage", "case", "setting", "seed", "run_id", "steps"]
    return _plain(mapping | {"runs": report.runs.loc[:, columns].to_dict(orient="records")})


_INTERVALS = ("grokked", "median", "mean", "difference", "ratio", "rank")


def remarks(report: "ComparisonReport") -> list[str]:
    """What a reader must know to believe the numbers, and what speaks against believing them."""
    lines = [
        f"Steps are updates to 99 % of the test set; a run that never gets there counts {report.budget:,} in means. "
        f"Intervals hold {LEVEL:.0%}. Ratios are of means on the same seeds; p is an exact sign-flip test of log "
        f"ratios against {report.baseline}, corrected for the number of arms ({_arms(report) - 1}).",
        "rank and first: over resamples of the seeds. Arms that share a compiled program share the cost of an update.",
    ]
    if not report.is_complete:
        lines.append("PARTIAL: the tuned arms have not all ended; the same command goes on.")
    if report.seeds < report.seeds_needed:
        lines.append(
            f"{report.seeds} seeds cannot find any difference between {_arms(report)} arms at {1 - LEVEL:.0%}; "
            f"{report.seeds_needed} could."
        )
    if len(set(report.tuning_runs.values())) > 1:
        counts_text = ", ".join(f"{name} {count}" for name, count in report.tuning_runs.items())
        lines.append(f"Arms were tuned with unequal numbers of runs: {counts_text}.")
    for name in report.tuning_runs:
        lines += _of_tuning(name, report.cases)
    return lines


def _of_tuning(name: str, cases: Sequence["CaseReport"]) -> list[str]:
    """What the tuning of an arm leaves open; cases are named where it is not the same in all."""
    at_edge: dict[str, list[CaseReport]] = {}  # best value -> cases
    for case in cases:
        arm = case.tuned[name]
        for path in arm.edges:
            at_edge.setdefault(f"{path} {_value(arm.best[path])}", []).append(case)
    edges = [f"{value}{_where(chosen, cases)}" for value, chosen in at_edge.items()]
    lines = [f"{name}: its best is at the edge of what was tried: {', '.join(edges)}."] if edges else []
    never = [case for case in cases if not np.any(case.tuned[name].curve["grokked"].to_numpy())]
    if never:
        lines.append(f"{name} generalized at none of its settings{_where(never, cases)}, so its best one means little.")
    if len(cases[0].tuned[name].curve) == 1:
        lines.append(f"{name} was not tuned.")
    return lines


def _where(chosen: Sequence["CaseReport"], cases: Sequence["CaseReport"]) -> str:
    """` (task.operation = x+y)`, empty where all cases are meant."""
    return "" if len(chosen) == len(cases) else f" ({'; '.join(map(_case_name, chosen))})"


def _arms(report: "ComparisonReport") -> int:
    return len(report.tuning_runs)


def _title(report: "ComparisonReport") -> str:
    tuned = sum(report.tuning_runs.values()) * len(report.cases)
    return (
        f"{report.name}: {_arms(report)} arms against {report.baseline}, tuned with {tuned:,} runs, compared on "
        f"{report.seeds} seeds"
    )


def _case_name(case: "CaseReport") -> str:
    return ", ".join(f"{path} = {_value(value)}" for path, value in case.case.items())


def _result(result: "ArmResult") -> list[str]:
    grokked = [f"{100 * part:.0f}" for part in result.grokked]
    return [
        result.name,
        f"{grokked[0]} % [{grokked[1]}, {grokked[2]}]",
        _interval(result.median),
        _interval(result.mean),
        _interval(result.ratio, 2),
        "" if math.isnan(result.adjusted) else f"{result.adjusted:.2g}",
    ]


def _cost(report: "ComparisonReport", result: "ArmResult") -> list[str]:
    seconds = report.seconds_per_update[result.name]
    known = not math.isnan(seconds)
    return [
        result.name,
        _interval(result.difference),
        f"{result.rank.estimate:.1f} [{result.rank.low:.1f}, {result.rank.high:.1f}]",
        f"{result.first:.0%}",
        f"{1e6 * seconds:,.0f}" if known else "?",
        _steps(seconds * float(result.median.estimate), 1) if known else "?",
    ]


def _tuned_rows(case: "CaseReport") -> list[list[str]]:
    rows = []
    for name, arm in case.tuned.items():
        best = arm.curve[arm.curve["setting"] == best_setting(arm.curve)].iloc[0]
        setting = ", ".join(
            f"{path} {_value(value)}" + (" (edge)" if path in arm.edges else "") for path, value in arm.best.items()
        )
        rows.append(
            [name, setting or "as it is", f"{best['grokked']:.0%}", f"{best['mean']:,.0f}", str(len(arm.curve))]
        )
    return rows


def _interval(interval: "Interval", digits: int = 0) -> str:
    if math.isnan(interval.estimate):
        return ""
    numbers = [_steps(float(part), digits) for part in interval]
    return f"{numbers[0]} [{numbers[1]}, {numbers[2]}]"


def _steps(value: float, digits: int) -> str:
    return "never" if math.isinf(value) else "?" if math.isnan(value) else f"{value:,.{digits}f}"


def _value(value: Any) -> str:
    return number_text(value) if isinstance(value, int | float | np.number) else str(value)


def _grid(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for index, name in enumerate(columns):
        table.add_column(name, justify="left" if index < 2 else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _pipes(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return [line(columns), line(["---"] * len(columns)), *map(line, rows)]


def _plain(value: Any) -> Any:
    """Values that JSON can hold."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "never"
    return value
