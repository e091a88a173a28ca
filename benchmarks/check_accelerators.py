"""Do the compilers of TPU and GPU make programs of ours that are right, small and fit, though no such device is here?

make check-accelerators ARGS="--sweeps quickstart --targets v5e,v5p,v6e,H100,H200 --record"

Compiled is what a sweep really runs on an accelerator: `fresh`, `take`, `place` and `segment` over all devices of one
host. A program is refused when it talks to other devices, calls the host, computes in float64 unasked, sorts inside an
update, or does not write its lanes over those that it was given. Nothing is run: there are no bits and no speeds here.
"""

import collections
import re
import resource
import sys
import time
from typing import Any

import jax

from benchmarks.rig.described import MEMORY, devices, prepare
from benchmarks.rig.records import arguments, finish
from grokjax.cli.sweep_names import find_sweep, read_sweep
from grokjax.lab.initial_params import initial_params_of
from grokjax.orders.order import grid_orders
from grokjax.plan.plan import make_plan
from grokjax.train.devices import Pool
from grokjax.train.executables import Traced, number_format
from grokjax.train.feed import Feed

COLLECTIVES = re.compile(r"all-|collective-|reduce-scatter|send|recv")
HOST = re.compile(r"infeed|outfeed")
REFUSED = 2
"""Exit status where a program is refused."""


def check(sweep_name: str, target: str, lanes: int) -> list[dict[str, Any]]:
    """A row for each program of the first cohort of a sweep.

    Args:
      lanes: of one device.
    """
    pool, (name, _, scale) = Pool(tuple(devices(target))), sweep_name.partition(":")
    sweep = read_sweep(find_sweep(name), (), scale or None)
    plan = make_plan(sweep, grid_orders(sweep), len(pool.devices), False, MEMORY[target] * 2**30, lanes)
    planned, cohort = plan.cohorts[0], plan.cohorts[0].cohort
    feed = Feed(cohort.run, cohort.signature, cohort.tasks, sweep.measure, sweep.stop, sweep.steps)
    program = feed.program(lanes * len(pool.devices), lanes)
    order = next(iter(cohort.in_turn()))
    values = feed.values(order.run, cohort.table(order.cell), initial_params_of(order.run))
    with number_format(program):
        lowered = Traced(program, pool).lower(pool, values, feed.tables, feed.schedule)
        rows = [_judged(name, one, program.run.precision.params) for name, one in lowered.items()]
    predicted = planned.size.device_bytes(lanes)
    for row in rows:
        row |= {"sweep": sweep_name, "target": target, "lanes": lanes, "predicted_bytes": predicted}
        row["refused"] = refusals(row, has_epochs=cohort.run.minibatch is not None)
    return rows


def _judged(name: str, lowered: jax.stages.Lowered, number: str) -> dict[str, Any]:
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    compiled = lowered.compile()
    after = resource.getrusage(resource.RUSAGE_SELF)
    text, memory = compiled.as_text(), compiled.memory_analysis()
    operations = collections.Counter(re.findall(r"^\s+(?:ROOT )?%?[\w.\-]+ = \S.*? ([a-z][\w\-]*)\(", text, re.M))
    bytes_of = {part: int(getattr(memory, f"{part}_size_in_bytes")) for part in ("argument", "output", "alias", "temp")}
    calls = set(re.findall(r'custom_call_target="([^"]+)"', text))
    return {
        "program": name,
        "collectives": sum(count for kind, count in operations.items() if COLLECTIVES.match(kind)),
        "callbacks": sum(count for kind, count in operations.items() if HOST.match(kind))
        + len([call for call in calls if "callback" in call.lower()]),
        "float64": 0 if number == "float64" else len(re.findall(r"\bf64\[", text)),
        "sorts": operations["sort"],
        "gathers": operations["gather"],
        "scatters": operations["scatter"],
        "bytes": bytes_of,
        "code_bytes": int(memory.generated_code_size_in_bytes),
        "text_bytes": len(text),
        "compile_seconds": time.perf_counter() - began,
        "compile_cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    }


def refusals(row: dict[str, Any], has_epochs: bool) -> list[str]:
    """What is wrong with a program; empty when nothing is.

    Args:
      has_epochs: whether the order of an epoch is drawn, which is a sort outside of the update.
    """
    wrong = [f"{row[name]} {name}" for name in ("collectives", "callbacks", "float64") if row[name]]
    kept = row["bytes"]["output"] - row["bytes"]["alias"]
    if row["program"] in ("segment", "place") and kept > 0.01 * row["bytes"]["output"]:
        wrong.append(f"{kept:,} bytes of output are not written over the lanes given")
    if row["program"] == "segment" and row["sorts"] and not has_epochs:
        wrong.append(f"{row['sorts']} sorts")
    return wrong


def main() -> None:
    parser = arguments(__doc__, lanes=64)
    parser.add_argument("--sweeps", default="quickstart", help="names or files, NAME:SCALE if need be, comma-separated")
    parser.add_argument("--targets", default="v5e,H200", help=f"of {', '.join(MEMORY)}, comma-separated")
    options = parser.parse_args()
    prepare()
    rows = []
    heads = f"{'memory':>12}{'planned':>12}{'code':>10}{'text':>10}{'CPU s':>8}"
    print(f"{'sweep':<22}{'target':<7}{'program':<9}{heads}  verdict")
    for sweep in options.sweeps.split(","):
        for target in options.targets.split(","):
            for row in check(sweep, target, options.lanes):
                rows.append(row)
                print(_line(row), flush=True)
    finish(options, "check_accelerators", {"programs": rows})
    sys.exit(REFUSED if any(row["refused"] for row in rows) else 0)


def _line(row: dict[str, Any]) -> str:
    held = row["bytes"]
    memory = (held["argument"] + held["output"] + held["temp"] - held["alias"]) / 2**20
    planned = f"{row['predicted_bytes'] / 2**20:,.1f} MiB" if row["program"] == "segment" else ""
    sizes = f"{row['code_bytes'] / 2**20:>7,.1f} MB{row['text_bytes'] / 2**20:>7,.1f} MB"
    numbers = f"{memory:>8,.1f} MiB{planned:>12}{sizes}{row['compile_cpu_seconds']:>8.1f}"
    return f"{row['sweep']:<22}{row['target']:<7}{row['program']:<9}{numbers}  {'; '.join(row['refused']) or 'good'}"


if __name__ == "__main__":
    main()
