"""How near to the limits of a device can training come, and how near does the compiler think its own program comes?

    .venv-accelerators/bin/python -m benchmarks.roofline --sweeps quickstart,W2 --targets v5e,H200 --record

Compiled is one update of all lanes of a device, as the engine makes it, for a device that need not be here
(`rig/described.py`); nothing is run. All numbers are of one update of one run, its padding to whole blocks included:

- FLOP by the compiler, which counts a loop once: where examples fill several blocks, it is asked of a program that
  holds them in one. Compilers for GPUs do not say; then those of the matrix products stand in, counted by hand
  (`rig/work.py`).
- bytes that operations read and write in the memory of the device, by the shapes in the program's text, the loop over
  blocks as often as it goes round (`rig/hlo.py`). The compiler's number is recorded; it counts what stays on chip too.
- roofline: the longer of what both take at the limits of the data sheet.
- estimate: cycles by which the compiler for TPUs compares its choices, summed over operations, at the chip's clock.
  Gathers, scatters and some others have none, so it is less than the whole.
"""

import dataclasses
import resource
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.check_accelerators import first_values, sweep_named
from benchmarks.rig.described import devices, prepare
from benchmarks.rig.hlo import cost_of
from benchmarks.rig.records import arguments, finish
from benchmarks.rig.work import work_of
from grokjax.orders.order import grid_orders
from grokjax.plan.cohorts import find_cohorts
from grokjax.train.executables import number_format
from grokjax.train.feed import Feed
from grokjax.train.lane import fresh
from grokjax.train.mapping import over_lanes
from grokjax.train.program import Program, Values, run_of
from grokjax.train.step import step


@dataclasses.dataclass(frozen=True)
class Limits:
    """Of one device.

    Attributes:
      flops: FLOP/s by `precision.matmul`.
      bandwidth: bytes/s of its memory.
      clock: cycles/s; None where the compiler counts none.
    """

    flops: dict[str, float]
    bandwidth: float
    clock: float | None = None


_V5E = 197e12
LIMITS = {
    # docs.cloud.google.com/tpu/docs/v5e: 197 TFLOP/s in bfloat16 by four units, 819 GB/s. A unit of 128 x 128 does as
    # many multiply-adds a cycle, so the clock is 1.5 GHz. XLA makes `highest` of six passes in it, and so do we `tf32`.
    "v5e": Limits({"highest": _V5E / 6, "tf32": _V5E / 6, "bf16": _V5E}, 819e9, _V5E / (4 * 128 * 128 * 2)),
    # Data sheet of the H200 SXM: float32, and tensor cores without sparsity.
    "H200": Limits({"highest": 67e12, "tf32": 495e12, "bf16": 989e12}, 4.8e12),
}
LONG = ("W1", "W3")
"""Networks with so long a program that it is compiled for an eighth of the lanes."""
HEADS = "lanes blocks MFLOP by-hand useful MB us-arith. us-memory steps/s us-estim. times without"


def seconds_at_limits(flops: float, size: float, limits: Limits, matmul: str) -> dict[str, float]:
    """Of the arithmetic, of the memory traffic, and of both at the same time."""
    arithmetic, memory = flops / limits.flops[matmul], size / limits.bandwidth
    return {"arithmetic": arithmetic, "memory": memory, "roofline": max(arithmetic, memory)}


def update_of(program: Program, feed: Feed, values: Values, device: Any) -> jax.stages.Lowered:
    """One update of all lanes, ready to be compiled; the number of blocks is an argument, as in a segment."""
    there = jax.sharding.SingleDeviceSharding(device)

    def shape(leaf: Any, lanes: tuple[int, ...] = ()) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(
            (*lanes, *np.shape(leaf)), jax.dtypes.canonicalize_dtype(leaf.dtype), sharding=there
        )

    def update(leaves: Any, data: Any, state: Any, tables: Any, blocks: Any) -> Any:
        def of_lane(leaves: Any, data: Any, state: Any) -> Any:
            return step(program, run_of(program, leaves), data, state, tables, blocks)

        return over_lanes(of_lane, program.block_lanes)(leaves, data, state)

    lane = jax.eval_shape(partial(fresh, program), values, feed.tables)
    lanes = jax.tree.map(partial(shape, lanes=(program.block_lanes,)), (lane.leaves, lane.data, lane.state))
    tables, blocks = jax.tree.map(shape, (feed.tables, np.int32(1)))
    return jax.jit(update, donate_argnums=2).lower(*lanes, tables, blocks)


def row_of(name: str, target: str, lanes: int) -> dict[str, Any]:
    """Everything of one network on one device; a CPU has one lane."""
    with tempfile.TemporaryDirectory() as folder:
        sweep = sweep_named(name, Path(folder))
        cohort = find_cohorts(grid_orders(sweep))[0]
        feed = Feed(cohort.run, cohort.signature, cohort.tasks, sweep.measure, sweep.stop, sweep.steps)
        values, program = first_values(feed, cohort), feed.program(lanes, lanes)
        blocks = -(-int(values.minibatch) // program.block_examples)
        useful, padded = work_of(cohort.run), work_of(cohort.run, blocks * program.block_examples)
    device = jax.devices("cpu")[0] if target == "cpu" else devices(target)[0]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    with number_format(program):
        compiled = update_of(program, feed, values, device).compile()
        analysis = compiled.cost_analysis()
        if analysis and blocks > 1:
            in_one = dataclasses.replace(program, block_examples=blocks * program.block_examples)
            analysis = update_of(in_one, feed, values, device).compile().cost_analysis()
    cost = cost_of(compiled.as_text(), blocks)
    row = {
        "sweep": name,
        "target": target,
        "lanes": lanes,
        "blocks": blocks,
        "matmul": cohort.run.precision.matmul,
        "flops": analysis["flops"] / lanes if analysis else None,
        "flops_by_hand": padded.flops,
        "useful": useful.flops / padded.flops,
        "bytes": cost.bytes / lanes,
        "bytes_by_compiler": analysis["bytes accessed"] / lanes if analysis else None,
        "costed": cost.costed,
        "uncosted": dict(cost.uncosted),
        "compile_cpu_seconds": resource.getrusage(resource.RUSAGE_SELF).ru_utime - before,
    }
    return row | (_at_limits(row, LIMITS[target], cost.cycles / lanes) if target in LIMITS else {})


def _at_limits(row: dict[str, Any], limits: Limits, cycles: float) -> dict[str, Any]:
    """Seconds of one update of one run by `precision.matmul`, the estimate, and how often that holds the roofline."""
    flops = row["flops"] or row["flops_by_hand"]
    seconds = {name: seconds_at_limits(flops, row["bytes"], limits, name) for name in limits.flops}
    estimate = cycles / limits.clock if limits.clock else None
    times = estimate / seconds[row["matmul"]]["roofline"] if estimate else None
    return {"seconds": seconds, "estimate": estimate, "times_roofline": times}


def main() -> None:
    parser = arguments(__doc__, lanes=64)
    parser.add_argument("--sweeps", default="quickstart,W4,P31,W2,W1,W3", help="as of check_accelerators")
    parser.add_argument("--targets", default="cpu,v5e,H200", help=f"cpu, which is counted only, or {', '.join(LIMITS)}")
    options = parser.parse_args()
    prepare()
    rows = []
    print(f"{'':<12}{'':<7}" + "".join(f"{head:>10}" for head in HEADS.split()))
    for sweep in options.sweeps.split(","):
        for target in options.targets.split(","):
            lanes = options.lanes // 8 if sweep in LONG else options.lanes
            rows.append(row_of(sweep, target, 1 if target == "cpu" else lanes))
            print(_line(rows[-1]), flush=True)
    finish(options, "roofline", {"rows": rows})


def _line(row: dict[str, Any]) -> str:
    flops = f"{row['flops'] / 1e6:,.1f}" if row["flops"] else "-"
    cells = [row["lanes"], row["blocks"], flops, f"{row['flops_by_hand'] / 1e6:,.1f}", f"{row['useful']:.0%}"]
    cells.append(f"{row['bytes'] / 1e6:,.2f}")
    if "seconds" in row:
        seconds = row["seconds"][row["matmul"]]
        cells += [f"{1e6 * seconds[name]:,.2f}" for name in ("arithmetic", "memory")]
        cells.append(f"{1 / seconds['roofline']:,.0f}")
    if row.get("estimate"):
        without = sum(row["uncosted"].values())
        cells += [
            f"{1e6 * row['estimate']:,.2f}",
            f"{row['times_roofline']:.2f}",
            f"{without}/{without + row['costed']}",
        ]
    return f"{row['sweep']:<12}{row['target']:<7}" + "".join(f"{cell:>10}" for cell in cells)


if __name__ == "__main__":
    main()
