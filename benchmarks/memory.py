"""How well is the memory of a run predicted, against the compiler's own account?

python -m benchmarks.memory --workloads W1,W2,W3,W4,P31 --lanes 1,4,16 --record
"""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.overhead import sweep_of
from benchmarks.refill import Cohort
from benchmarks.rig.records import arguments, finish
from grokjax.orders.order import grid_orders
from grokjax.plan.plan import make_plan
from grokjax.train.devices import choose_pools, prepare_host_devices


def measure(workload: str, executor: str, lanes: int, steps: int) -> dict[str, Any]:
    """Predicted and compiled bytes of one program on one device."""
    with tempfile.TemporaryDirectory() as folder:
        sweep = sweep_of(workload, Path(folder), 2, steps)
        devices = sum(len(pool.devices) for pool in choose_pools(None, executor))
        (planned,) = make_plan(sweep, grid_orders(sweep), devices, executor == "map", None, lanes).cohorts
        compiled = Cohort(sweep, executor, lanes).compiled[0].memory_bytes()
    predicted = planned.size.device_bytes(lanes)
    return {"executor": executor, "lanes": lanes, "predicted": predicted, "compiled": compiled}


def main() -> None:
    parser = arguments(__doc__, steps=10_000)
    parser.add_argument("--workloads", default="P31,W2", help="comma-separated")
    parser.add_argument("--lanes", default="4", help="of a device, comma-separated")
    parser.add_argument("--executors", default="map,vmap", help="comma-separated")
    options = parser.parse_args()
    prepare_host_devices()
    results: dict[str, list[dict[str, Any]]] = {}
    print(f"{'':<6}{'executor':<10}{'lanes':>6}{'predicted/run':>16}{'compiled/run':>16}{'predicted too low by':>22}")
    for workload in options.workloads.split(","):
        results[workload] = []
        for executor in options.executors.split(","):
            for lanes in map(int, options.lanes.split(",")):
                one = measure(workload, executor, lanes, options.steps)
                results[workload].append(one)
                predicted, compiled = (f"{one[key] / lanes / 2**20:,.2f} MiB" for key in ("predicted", "compiled"))
                off = 1 - one["predicted"] / one["compiled"]
                print(f"{workload:<6}{executor:<10}{lanes:>6}{predicted:>16}{compiled:>16}{off:>22.1%}")
    finish(options, "memory", results)


if __name__ == "__main__":
    main()
