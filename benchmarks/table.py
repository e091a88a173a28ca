"""Which numbers may the README show? Those of the newest records, written between its two marker comments.

python -m benchmarks.table            rewrite README.md
python -m benchmarks.table --check    exit status 1 when README.md says something else than the records
"""

import argparse
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.rig.processes import ROOT
from benchmarks.rig.records import RECORDS, newest
from benchmarks.rig.rounds import ratios

BEGIN, END = "<!-- benchmarks: made by python -m benchmarks.table -->", "<!-- end of benchmarks -->"
NOTHING = "Nothing has been recorded yet: `make bench WHAT=throughput ARGS=--record`."
Results = dict[str, Any]


def made_of(folder: Path = RECORDS) -> str:
    """The tables of all records there are."""
    tables = []
    for question, rows in QUESTIONS.items():
        record = newest(question, folder)
        if record:
            machine = record["machine"]
            about = f"{record['date']}, {machine['cores']} cores of {machine['cpu']}, `{record['command']}`"
            tables.append("\n".join([*rows(record["results"]), "", about]))
    return "\n\n".join(tables) or NOTHING


def throughput(results: Results) -> list[str]:
    """One row a workload and engine."""
    lines = ["| network | engine | run-steps/s | ours is faster by |", "|---|---|---|---|"]
    for workload, engines in results.items():
        ours = next(iter(engines.values()))["rates"]  # the default form comes first
        for name, one in engines.items():
            faster = _span(ratios(ours, one["rates"]), "{:.2f}")
            lines.append(f"| {workload} | {name} | {_span(one['rates'], '{:,.0f}')} | {faster} |")
    return lines


def whole_map(results: Results) -> list[str]:
    """One row an engine."""
    first = next(iter(results))
    ours = [one["seconds"] for one in results[first]]
    lines = ["| whole map, from the command to classified runs | seconds | times ours |", "|---|---|---|"]
    for name, repeats in results.items():
        seconds = [one["seconds"] for one in repeats]
        word = ", extrapolated" if repeats[0].get("is_extrapolated") else ""
        lines.append(f"| {name}{word} | {_span(seconds, '{:.0f}')} | {_span(ratios(seconds, ours), '{:.1f}')} |")
    return lines


def refill(results: Results) -> list[str]:
    """One row an executor."""
    lines = ["| lanes that are refilled | faster than groups by | occupancy while runs wait |", "|---|---|---|"]
    for executor, one in results.items():
        gain, occupancy = _span(one["gain"], "{:.2f}"), _span(one["occupancy"], "{:.1%}")
        lines.append(f"| {executor}, {one['lanes']} lanes | {gain} | {occupancy} |")
    return lines


def overhead(results: Results) -> list[str]:
    """Two shares of time."""
    return [
        "| what is not training | share of a sweep's time |",
        "|---|---|",
        f"| looks and measures | {_span(results['measuring'], '{:.1%}')} |",
        f"| the same with store and checkpoints | {_span(results['measuring_and_storing'], '{:.1%}')} |",
    ]


def arithmetic(results: Results) -> list[str]:
    """One row a workload."""
    lines = ["| matrix products of an update | plain, GFLOP | ours, GFLOP | share of the peak |", "|---|---|---|---|"]
    for workload, one in results.items():
        plain, ours = one["flops"]["plain"] / 1e9, one["flops"][one["form"]] / 1e9
        lines.append(f"| {workload} | {plain:.3g} | {ours:.3g} | {_span(one['shares'], '{:.0%}')} |")
    return lines


def memory(results: Results) -> list[str]:
    """The worst forecast of each workload."""
    lines = ["| memory of a run | largest error of the forecast |", "|---|---|"]
    for workload, programs in results.items():
        worst = max((one["predicted"] / one["compiled"] - 1 for one in programs), key=abs)
        lines.append(f"| {workload} | {worst:+.0%} |")
    return lines


def second_launch(results: Results) -> list[str]:
    """One row a launch."""
    lines = ["| launch | seconds | misses of the compilation cache |", "|---|---|---|"]
    for which, launches in results.items():
        seconds = _span([one["seconds"] for one in launches], "{:.1f}")
        lines.append(f"| {which} | {seconds} | {max(one['misses'] for one in launches)} |")
    return lines


def gpu(results: Results) -> list[str]:
    """The fastest width of each workload and number format."""
    lines = [f"| {results['device']} | fastest R | run-steps/s | share of the roofline |", "|---|---|---|---|"]
    for name, widths in results.items():
        if isinstance(widths, list) and widths:
            best = max(widths, key=lambda one: statistics.median(one["rates"]))
            share = _span(best["shares_of_roofline"], "{:.0%}")
            lines.append(f"| {name} | {best['lanes']} | {_span(best['rates'], '{:,.0f}')} | {share} |")
    return lines


QUESTIONS: dict[str, Callable[[Results], list[str]]] = {
    function.__name__: function
    for function in (throughput, arithmetic, whole_map, refill, overhead, memory, second_launch, gpu)
}


def _span(values: Sequence[float], form: str) -> str:
    """Median, and the range where there is one."""
    middle, low, high = (form.format(value) for value in (statistics.median(values), min(values), max(values)))
    return middle if low == high else f"{middle} ({low} to {high})"


def with_table(page: str, table: str) -> str:
    """The page with the table between its markers; raises ValueError when they are not there."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs a line {BEGIN} and a later line {END}")
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    page = ROOT / "README.md"
    before, after = page.read_text(), with_table(page.read_text(), made_of())
    if parser.parse_args().check:
        return int(before != after)
    page.write_text(after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
