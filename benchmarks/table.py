"""Which numbers may the pages show? Those of the newest records, written between the two marker comments of a page.

README.md shows one row a workload, in words: ours against the rival that comes nearest. benchmarks/README.md shows all.

python -m benchmarks.table            rewrite both pages
python -m benchmarks.table --check    exit status 1 when a page says something else than the records
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
WORKLOADS = {
    "W1": "A one-layer transformer learns addition modulo 113 from 30 % of all sums, all of them at every update.",
    "W2": "A network with one hidden layer of 256 units learns addition modulo 97 from 40 % of all sums, "
    "all of them at every update.",
    "W3": "A two-layer transformer with normalization learns addition modulo 97 from minibatches of 512 sums.",
    "W4": "A network with two hidden layers of 200 units learns random pictures of 784 pixels from minibatches of 200.",
    "P31": "A network with one hidden layer of 128 units learns addition modulo 31 from 60 % of all sums, "
    "all of them at every update.",
}
"""What `rig/workloads.py` times, in words of a newcomer."""
OURS = ("tables", "merged", "plain", "one run alone")
RIVALS = {
    "eager, all threads": "PyTorch eager, all threads",
    "eager, process per core": "PyTorch eager, one process per core",
    "compiled, all threads": "PyTorch compiled, all threads",
    "compiled, process per core": "PyTorch compiled, one process per core",
    "torch.func ensemble": "PyTorch, `torch.func` ensemble",
    "ModelBatch": "ModelBatch",
    "JAX loop": "JAX, a jitted step in a Python loop",
    "jit(vmap)": "JAX `jit(vmap)`",
    "jit(vmap), device per core": "JAX `jit(vmap)`, one device per core",
}
"""The other engines of `throughput.py`, in words of a newcomer."""
VECTORS = {"amx_tile": "AMX", "avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "sve": "SVE", "asimd": "NEON"}
"""Flag of a processor -> its vectors, the widest first."""


def made_of(folder: Path = RECORDS) -> str:
    """The tables of all records there are."""
    tables = []
    for question, rows in QUESTIONS.items():
        record = newest(question, folder)
        if record:
            tables.append("\n".join([*rows(record["results"]), "", f"{_where(record)}, `{record['command']}`"]))
    return "\n\n".join(tables) or NOTHING


def summary(folder: Path = RECORDS) -> str:
    """Ours against the nearest rival of each workload, and of a whole map; from the same records."""
    texts = []
    if record := newest("throughput", folder):
        texts += [
            "\n".join(nearest_rivals(record["results"])),
            f"Updates a second of all runs together; {_where(record)}.",
        ]
    if record := newest("whole_map", folder):
        texts.append(f"{nearest_map(record['results'])} {_where(record)}.")
    return "\n\n".join(texts) or NOTHING


def nearest_rivals(results: Results) -> list[str]:
    """One row a workload: the rival with the smallest median ratio."""
    lines = ["| what is trained | grokjax | best rival | grokjax is faster by |", "|---|---|---|---|"]
    for workload, engines in results.items():
        ours = next(iter(engines.values()))["rates"]  # the default form comes first
        faster = {name: ratios(ours, one["rates"]) for name, one in engines.items() if name not in OURS}
        if faster:
            nearest = min(faster, key=lambda name: statistics.median(faster[name]))
            rates = [f"{statistics.median(one):,.0f}" for one in (ours, engines[nearest]["rates"])]
            rival, ratio = f"{rates[1]}, {RIVALS[nearest]}", _span(faster[nearest], "{:.2f}")
            lines.append(f"| {WORKLOADS[workload]} | {rates[0]} | {rival} | {ratio} |")
    return lines


def nearest_map(results: Results) -> str:
    """The whole map of ours and of the fastest rival, as a sentence."""
    seconds = {name: statistics.median(one["seconds"] for one in repeats) for name, repeats in results.items()}
    first, *others = results
    nearest = min(others, key=lambda name: seconds[name])
    word = ", extrapolated from some of its runs" if results[nearest][0].get("is_extrapolated") else ""
    return (
        f"A whole map, from the command to classified runs: {seconds[first]:.0f} s for {first}, "
        f"{seconds[nearest]:.0f} s for {RIVALS.get(nearest.removeprefix('PyTorch '), nearest)}{word};"
    )


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


def roofline(results: Results) -> list[str]:
    """One row a network and device; devices that are only counted, as this machine's CPU, have none."""
    lines = [
        "| network | device | lanes | MFLOP | MB | run-steps/s at the limits | limit | compiler's estimate |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in (row for row in results["rows"] if "seconds" in row):
        seconds, flops = row["seconds"][row["matmul"]], row["flops"] or row["flops_by_hand"]
        limit = max(("arithmetic", "memory"), key=lambda name: seconds[name])
        times = f"{row['times_roofline']:.1f} times" if row["times_roofline"] else "none"
        cells = [row["sweep"], row["target"], row["lanes"], f"{flops / 1e6:,.1f}", f"{row['bytes'] / 1e6:,.2f}"]
        lines.append(f"| {' | '.join(map(str, cells))} | {1 / seconds['roofline']:,.0f} | {limit} | {times} |")
    return lines


QUESTIONS: dict[str, Callable[[Results], list[str]]] = {
    function.__name__: function
    for function in (throughput, arithmetic, whole_map, refill, overhead, memory, second_launch, gpu, roofline)
}


def _where(record: Results) -> str:
    """Day and machine of a record; the first records know no more of a processor than its name."""
    machine = record["machine"]
    about = [_features(machine["processor"])] if "processor" in machine else [machine["cpu"]]
    for count, rate in machine.get("rates", {}).items():
        about.append(f"{count}: {rate['product']:.0f} GFLOP/s, {rate['copy']:.0f} GB/s")
    return f"{record['date']}, {machine['cores']} cores of {'; '.join(about)}"


def _features(processor: Results) -> str:
    """Name and model, the widest vectors, and the cache of a core."""
    vectors = next((word for flag, word in VECTORS.items() if flag in processor["vectors"]), "")
    second = next((cache.split()[-1] for cache in processor["caches"] if cache.startswith("L2")), "")
    return ", ".join(filter(None, [processor["name"], vectors, second and f"L2 {second}"]))


def _span(values: Sequence[float], form: str) -> str:
    """Median, and the range where there is one."""
    middle, low, high = (form.format(value) for value in (statistics.median(values), min(values), max(values)))
    return middle if low == high else f"{middle} ({low} to {high})"


PAGES: dict[str, Callable[[], str]] = {"README.md": summary, "benchmarks/README.md": made_of}


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
    is_check, differ = parser.parse_args().check, False
    for name, make in PAGES.items():
        page = ROOT / name
        before = page.read_text()
        after = with_table(before, make())
        differ |= before != after
        if not is_check:
            page.write_text(after)
    return int(is_check and differ)


if __name__ == "__main__":
    sys.exit(main())
