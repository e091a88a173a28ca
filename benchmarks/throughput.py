"""How many run-steps a second do grokjax and its peers train, on the same networks from the same initial parameters?

    python -m benchmarks.throughput --workloads W2,P31 --engines all --rounds 5 --seconds 3 --record

Nothing is looked at or stored while the clock runs. An engine is timed only after its first losses agreed with ours.
"""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.peers.start import reference_of
from benchmarks.rig.processes import Engine, cores, run_to_the_end
from benchmarks.rig.records import arguments, finish
from benchmarks.rig.rounds import ratios, spread, take_turns
from benchmarks.rig.workloads import WORKLOADS

OURS, TORCH = "tables", ("eager, all threads", "eager, process per core", "compiled, process per core")
QUICK = (OURS, *TORCH)
"""Engines unless others are named: ours in its default form, and the three fastest ways of PyTorch on a CPU."""
TOGETHER = 4 * cores()
"""Runs that an ensemble trains together, as many as ours by default."""


def engines_of(workload: str, start: Path) -> dict[str, Engine]:
    """Every way to train a workload, the default form of ours first."""

    def ours(name: str, *options: str) -> Engine:
        return Engine(name, "benchmarks.rig.ours", [workload, *options])

    def torch(name: str, module: str, *options: str, processes: int = 1) -> Engine:
        return Engine(name, f"benchmarks.peers.{module}", [str(start), *options], processes, is_peer=True)

    def jax(name: str, module: str, *options: str, devices: int = 1) -> Engine:
        environment = {"JAX_NUM_CPU_DEVICES": str(devices)}
        return Engine(name, f"benchmarks.peers.{module}", [str(start), *options], environment=environment)

    everywhere, ensemble = ("--threads", str(cores())), ("--runs", str(TOGETHER))
    engines = [
        *(ours(form, "--form", form) for form in WORKLOADS[workload].forms),
        ours("one run alone", "--form", WORKLOADS[workload].forms[0], "--lanes", "1", "--pools", "1"),
        torch("eager, all threads", "torch_loop", *everywhere),
        torch("eager, process per core", "torch_loop", processes=cores()),
        torch("compiled, all threads", "torch_loop", *everywhere, "--compiled"),
        torch("compiled, process per core", "torch_loop", "--compiled", processes=cores()),
        torch("torch.func ensemble", "torch_ensemble", *everywhere, *ensemble, "--compiled"),
        torch("ModelBatch", "modelbatch_loop", *everywhere, *ensemble),
        jax("JAX loop", "jax_loop"),
        jax("jit(vmap)", "jax_vmap", *ensemble),
        jax("jit(vmap), device per core", "jax_vmap", *ensemble, devices=cores()),
    ]
    return {engine.name: engine for engine in engines}


def measure(workload: str, wanted: list[str], rounds: int, seconds: float) -> dict[str, Any]:
    """Time the wanted engines of one workload; all of them when `wanted` is empty."""
    with tempfile.TemporaryDirectory() as folder:
        start = Path(folder, "start.npz")
        run_to_the_end(Engine("reference", "benchmarks.rig.ours", [workload, "--form", "plain", "--write", str(start)]))
        engines = engines_of(workload, start)
        chosen = [engines[name] for name in engines if not wanted or name in wanted or name == default_form(workload)]
        return take_turns(chosen, reference_of(start), rounds, seconds)


def default_form(workload: str) -> str:
    """Ours as a user gets it."""
    return WORKLOADS[workload].forms[0]


def show(workload: str, results: dict[str, dict[str, Any]]) -> None:
    """Print a table: rates, how often ours is faster, set-up apart."""
    ours = results[default_form(workload)]["rates"]
    print(f"\n{workload}: {WORKLOADS[workload].about}")
    print(f"  {'engine':<28}{'run-steps/s':>28}{'ours is faster by':>24}{'set-up':>9}{'losses off by':>15}")
    for name, one in results.items():
        faster = spread(ratios(ours, one["rates"]), "{:.2f}")
        off = f"{one['largest_difference']:.0e}"
        print(f"  {name:<28}{spread(one['rates']):>28}{faster:>24}{one['setup_seconds']:>7.1f} s{off:>15}")


def main() -> None:
    parser = arguments(__doc__, rounds=2, seconds=1.5)
    parser.add_argument("--workloads", default="W1,W2,W3,W4,P31", help="comma-separated")
    parser.add_argument("--engines", default=";".join(QUICK), help="separated by semicolons, or all")
    options = parser.parse_args()
    wanted = [] if options.engines == "all" else options.engines.split(";")
    results = {}
    for workload in options.workloads.split(","):
        results[workload] = measure(workload, wanted, options.rounds, options.seconds)
        show(workload, results[workload])
    finish(options, "throughput", results)


if __name__ == "__main__":
    main()
