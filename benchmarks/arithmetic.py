"""Which share of the machine's arithmetic does training use, and how much of it do the forms of a network save?

    python -m benchmarks.arithmetic --rounds 5 --record

Only matrix products count as useful, at two operations for each multiply-add. The peak is that of the best large
product on all cores, by XLA or NumPy, measured in turn with the training.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import jax

from benchmarks.rig.ours import Lanes
from benchmarks.rig.records import arguments, finish
from benchmarks.rig.rounds import ratios, spread
from benchmarks.rig.work import matmul_peak, numpy_peak, work_of
from benchmarks.rig.workloads import WORKLOADS
from grokjax.train.compilation_cache import use_compilation_cache
from grokjax.train.devices import prepare_host_devices


def share_of_peak(workload: str, rounds: int, seconds: float, size: int) -> dict[str, Any]:
    """Useful FLOP/s of training in the default form, and of the best large product, by round."""
    forms = WORKLOADS[workload].forms
    with tempfile.TemporaryDirectory() as name:
        runs = {form: WORKLOADS[workload].with_form(Path(name), form) for form in forms}
        flops = {form: work_of(run).flops for form, run in runs.items()}
        lanes = Lanes(runs[forms[0]], lanes=4)
    lanes.train(2)
    rates, peaks = [], []
    for _ in range(rounds):
        peaks.append(max(matmul_peak(jax.devices(), size), numpy_peak(size)))
        start, steps = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            lanes.train(10)
            steps += 10
        rates.append(steps * lanes.runs * flops[forms[0]] / (time.perf_counter() - start))
    lanes.close()
    return {"form": forms[0], "flops": flops, "flop_rates": rates, "peaks": peaks, "shares": ratios(rates, peaks)}


def main() -> None:
    parser = arguments(__doc__, rounds=2, seconds=3.0, matrix=3000)
    parser.add_argument("--workloads", default="W1,W2,W3,W4,P31", help="comma-separated")
    options = parser.parse_args()
    prepare_host_devices()
    use_compilation_cache()
    results = {}
    for workload in options.workloads.split(","):
        one = results[workload] = share_of_peak(workload, options.rounds, options.seconds, options.matrix)
        print(
            f"{workload} {one['form']}: {spread(one['shares'], '{:.0%}')} of the peak of "
            f"{spread([peak / 1e9 for peak in one['peaks']], '{:.0f}')} GFLOP/s; GFLOP of an update: "
            + ", ".join(f"{form} {flops / 1e9:.3g}" for form, flops in one["flops"].items())
        )
    finish(options, "arithmetic", results)


if __name__ == "__main__":
    main()
