"""How far is an accelerator from its limits: ceilings, run-steps/s by width, memory of a run, share of the roofline?

    python -m benchmarks.gpu --workloads W1,W2 --matmul highest,tf32,bf16 --record

The roofline is the smaller of what arithmetic and memory allow when nothing is fused (`rig/work.py`), with the ceilings
that this device reached in the same process. Nothing of this has been measured yet.
"""

import argparse
import dataclasses
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.rig.ours import Lanes
from benchmarks.rig.records import arguments, finish
from benchmarks.rig.rounds import spread
from benchmarks.rig.work import copy_bandwidth, matmul_peak, work_of
from benchmarks.rig.workloads import WORKLOADS
from grokjax.reader.run import Precision, Run
from grokjax.train.program import VMAP

FORMATS = {
    "highest": ("highest", jnp.float32),
    "tf32": ("tensorfloat32", jnp.float32),
    "bf16": ("default", jnp.bfloat16),
}
"""Choices of `precision.matmul`: precision and number type of the product that gives its ceiling."""


def ceilings(size: int, megabytes: int) -> dict[str, float]:
    """FLOP/s of large products by format, and bytes per second of a copy, of one device."""
    device = jax.devices()[:1]
    products = {name: matmul_peak(device, size, *how) for name, how in FORMATS.items()}
    return products | {"copy": copy_bandwidth(device, megabytes)}


def curve(run: Run, lanes: list[int], rounds: int, seconds: float, limits: dict[str, float]) -> list[dict[str, Any]]:
    """Run-steps a second at each number of lanes of a device, up to the first that does not fit."""
    work = work_of(run)
    roofline = min(limits[run.precision.matmul] / work.flops, limits["copy"] / work.bytes)
    found = []
    for width in lanes:
        try:
            trained = Lanes(run, width, executor=VMAP)
            rates = timed_rates(trained, rounds, seconds)
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            break
        found.append(
            {
                "lanes": width,
                "rates": rates,
                "compile_seconds": trained.compile_seconds,
                "bytes_per_run": trained.executables[0].memory_bytes() / width,
                "shares_of_roofline": [rate / (roofline * len(jax.devices())) for rate in rates],
            }
        )
        trained.close()
    return found


def timed_rates(trained: Lanes, rounds: int, seconds: float) -> list[float]:
    """Run-steps a second, all devices together, in each of some rounds."""
    steps = 1
    while True:  # warm up, and find how many steps fill a round
        start = time.perf_counter()
        trained.train(steps)
        took = time.perf_counter() - start
        if took >= min(seconds, 0.2):
            break
        steps *= 2
    steps, rates = max(1, round(steps * seconds / took)), []
    for _ in range(rounds):
        start = time.perf_counter()
        trained.train(steps)
        rates.append(steps * trained.runs / (time.perf_counter() - start))
    return rates


def parse() -> argparse.Namespace:
    parser = arguments(__doc__, rounds=5, seconds=1.0, matrix=8192, megabytes=1024)
    parser.add_argument("--workloads", default="W1,W2,W3,W4,P31", help="comma-separated")
    parser.add_argument("--matmul", default="highest,tf32,bf16", help="comma-separated")
    parser.add_argument("--lanes", default="1,2,4,8,16,32,64,128,256,512,1024,2048", help="comma-separated")
    parser.add_argument("--device", default="gpu", help="cpu tries the benchmark out; its numbers say nothing of a GPU")
    return parser.parse_args()


def main() -> int:
    options = parse()
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # before JAX starts the device
    if options.device == "cpu":
        jax.config.update("jax_platforms", "cpu")
    elif jax.devices()[0].platform == "cpu":
        sys.stderr.write(
            "benchmarks.gpu: JAX sees no accelerator here; --device cpu tries the benchmark out on the CPU.\n"
        )
        return 6
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    limits = ceilings(options.matrix, options.megabytes)
    results: dict[str, Any] = {
        "device": jax.devices()[0].device_kind,
        "devices": len(jax.devices()),
        "ceilings": limits,
    }
    print(f"{results['device']}: " + ", ".join(f"{name} {limit / 1e12:.3g} T/s" for name, limit in limits.items()))
    lanes = [int(width) for width in options.lanes.split(",")]
    for workload in options.workloads.split(","):
        for matmul in options.matmul.split(","):
            with tempfile.TemporaryDirectory() as folder:
                run = WORKLOADS[workload].with_form(Path(folder), WORKLOADS[workload].forms[0])
                run = dataclasses.replace(run, precision=Precision(matmul=matmul))
                found = curve(run, lanes, options.rounds, options.seconds, limits)
            results[f"{workload}, {matmul}"] = found
            for one in found:
                print(
                    f"{workload} {matmul:<8} R = {one['lanes']:<5} {spread(one['rates']):>28} run-steps/s, "
                    f"{one['bytes_per_run'] / 2**20:8.2f} MiB a run, "
                    f"{spread(one['shares_of_roofline'], '{:.1%}')} of the roofline"
                )
    finish(options, "gpu", results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
