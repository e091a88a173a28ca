"""How fast is this machine at what training does most? A large product and a copy, on one core and on all of them.

python -m benchmarks.rig.rates --cores 1        float32 GFLOP/s and GB/s of so many cores, as JSON

Each is measured in a process of its own: what records may hold an accelerator, or have its threads set up already.
"""

import argparse
import json
import os
import subprocess
import sys
from typing import Any

import jax

from benchmarks.rig.processes import ROOT, cores
from benchmarks.rig.work import copy_bandwidth, matmul_peak
from grokjax.train.devices import prepare_host_devices

SIZE = 2048
MEGABYTES = 512
"""Of the arrays that are copied, all cores together: more than caches hold."""


def rates() -> dict[str, dict[str, float]]:
    """`product` in float32 GFLOP/s and `copy` in GB/s, of `one core` and of `all cores`; a few seconds."""
    counts = {"one core": 1, "all cores": cores()} if hasattr(os, "sched_setaffinity") else {"all cores": cores()}
    return {name: _of_cores(count) for name, count in counts.items()}


def _of_cores(count: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.rig.rates", "--cores", str(count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"JAX_PLATFORMS": "cpu"})
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with status {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", type=int, default=cores())
    count = parser.parse_args().cores
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])  # threads that start later keep to it
    prepare_host_devices()
    devices: list[Any] = jax.devices()
    product, copy = matmul_peak(devices, SIZE), copy_bandwidth(devices, max(1, MEGABYTES // len(devices)))
    print(json.dumps({"product": round(product / 1e9, 1), "copy": round(copy / 1e9, 1)}))


if __name__ == "__main__":
    main()
