"""Do the compilers of TPU and GPU make programs of ours that are right, small and fit, though no such device is here?

make check-accelerators ARGS="--sweeps quickstart,W1 --targets v5e,v5p,v6e,H100,H200 --record"

Compiled is what a sweep really runs on an accelerator: `fresh`, `take`, `place` and `segment` over all devices of one
host; of a sweep with probes also what they ask of stored networks, on one device. A program is refused when it talks to
other devices, calls the host, computes in float64 unasked, sorts inside an update, does not write its lanes over those
that it was given, or is beyond `LIMITS`. Nothing is run: there are no bits and no speeds here.
"""

import collections
import re
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.overhead import sweep_of
from benchmarks.rig.described import MEMORY, TPUS, devices, prepare
from benchmarks.rig.records import arguments, finish
from benchmarks.rig.workloads import WORKLOADS
from grokjax.cli.sweep_names import find_sweep, read_sweep
from grokjax.lab.initial_params import initial_params_of
from grokjax.lab.probing import traced
from grokjax.orders.order import grid_orders
from grokjax.plan.cohorts import Cohort
from grokjax.plan.plan import make_plan
from grokjax.reader.measured_steps import MeasurePlan
from grokjax.reader.sweep import Sweep
from grokjax.train.devices import Pool
from grokjax.train.executables import Traced, number_format
from grokjax.train.feed import Feed
from grokjax.train.program import Values

COLLECTIVES = re.compile(r"all-|collective-|reduce-scatter|send|recv")
HOST = re.compile(r"infeed|outfeed")
LIMITS = {"compile_cpu_seconds": 300, "text_bytes": 8 * 2**20, "code_bytes": 160 * 2**20}
"""A launch should not compile for more than five minutes of a core. The text grows with all that is unrolled or held
twice, and compilation with it. The code lies in the device's memory: 1 % of the smallest one's."""
REFUSED = 2
"""Exit status where a program is refused."""


def check(sweep_name: str, target: str, lanes: int) -> list[dict[str, Any]]:
    """A row for each program of the first cohort of a sweep.

    Args:
      lanes: of one device.
    """
    pool = Pool(tuple(devices(target)))
    with tempfile.TemporaryDirectory() as folder:
        sweep = sweep_named(sweep_name, Path(folder))
        memory, platform = MEMORY[target] * 2**30, "tpu" if target in TPUS else "gpu"
        plan = make_plan(sweep, grid_orders(sweep), len(pool.devices), False, memory, lanes, platform)
        planned, cohort = plan.cohorts[0], plan.cohorts[0].cohort
        feed = Feed(cohort.run, cohort.signature, cohort.tasks, sweep.measure, sweep.stop, sweep.steps)
        program = feed.program(lanes * len(pool.devices), lanes)
        with number_format(program):
            lowered = Traced(program, pool).lower(pool, first_values(feed, cohort), feed.tables, feed.schedule)
            if sweep.measure.probes:
                lowered |= _probing(sweep, cohort, pool.devices[0])
            rows = [_judged(name, one, program.run.precision.params) for name, one in lowered.items()]
    for row in rows:
        row |= {"sweep": sweep_name, "target": target, "lanes": lanes}
        row["predicted_bytes"] = planned.size.device_bytes(lanes)
        row["refused"] = refusals(row, has_epochs=cohort.run.minibatch is not None)
    return rows


def sweep_named(name: str, folder: Path) -> Sweep:
    """A benchmark network, a file or a sweep that ships; data files are written to `folder`."""
    if name in WORKLOADS:
        return sweep_of(name, folder, seeds=1, steps=10_000)
    path, _, scale = name.partition(":")
    return read_sweep(find_sweep(path), (), scale or None)


def _probing(sweep: Sweep, cohort: Cohort, device: Any) -> dict[str, jax.stages.Lowered]:
    """What a probe asks of one stored network over the whole table, ready to be compiled for a device."""
    unmeasured = MeasurePlan(sweep.measure.every, sweep.measure.looks, ())
    feed = Feed(cohort.run, cohort.signature, cohort.tasks, unmeasured, None, sweep.steps)
    program, tables, values = feed.program(1, 1), feed.tables, first_values(feed, cohort)
    functions = traced(program)
    params = jax.eval_shape(lambda: program.run.model.init(jax.random.key(0), program.signature))
    data = jax.eval_shape(functions["data"], values, tables)
    step, most, inputs = np.int32(0), program.dtype.type(0), tables.inputs[0]
    outputs = jax.eval_shape(functions["outputs"], values.leaves, data, step, params, inputs)
    asked = {
        "data": (values, tables),
        "loss": (values, data, params, step, most, tables),
        "fit": (values, data, params, step, tables),
        "outputs": (values.leaves, data, step, params, inputs),
        "losses": (values.leaves, step, outputs, data.split.labels),
    }
    there = jax.sharding.SingleDeviceSharding(device)

    def shape(leaf: Any) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(np.shape(leaf), jax.dtypes.canonicalize_dtype(leaf.dtype), sharding=there)

    return {f"probe {name}": functions[name].lower(*jax.tree.map(shape, shapes)) for name, shapes in asked.items()}


def first_values(feed: Feed, cohort: Cohort) -> Values:
    """Of the first run."""
    order = next(iter(cohort.in_turn()))
    return feed.values(order.run, cohort.table(order.cell), initial_params_of(order.run))


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
    wrong += [f"{row[name]:,.0f} {name}, over {most:,}" for name, most in LIMITS.items() if row[name] > most]
    return wrong


def main() -> None:
    parser = arguments(__doc__, lanes=64)
    parser.add_argument(
        "--sweeps",
        default="quickstart",
        help=f"names or files, NAME:SCALE if need be, or of {', '.join(WORKLOADS)}, comma-separated",
    )
    parser.add_argument("--targets", default="v5e,H200", help=f"of {', '.join(MEMORY)}, comma-separated")
    options = parser.parse_args()
    prepare()
    rows = []
    heads = f"{'memory':>12}{'planned':>12}{'code':>10}{'text':>10}{'CPU s':>8}"
    print(f"{'sweep':<30}{'target':<7}{'program':<15}{heads}  verdict")
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
    return f"{row['sweep']:<30}{row['target']:<7}{row['program']:<15}{numbers}  {'; '.join(row['refused']) or 'good'}"


if __name__ == "__main__":
    main()
