"""Which share of a sweep is not training?

    python -m benchmarks.overhead --steps 4000 --save 30 --rounds 5 --record

The same runs three times in turn, compiled before the clock runs: trained only; looked at and measured as by default;
and as a sweep, with history, weights, checkpoints and the final table. Looks change no bit of training.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.refill import Cohort
from benchmarks.rig.records import arguments, finish
from benchmarks.rig.rounds import ratios, spread
from benchmarks.rig.workloads import WORKLOADS
from grokjax.drive.progress import Progress
from grokjax.drive.run_sweep import Options, run_sweep
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.plans import SeedPlan
from grokjax.reader.sweep import Sweep
from grokjax.train.compilation_cache import use_compilation_cache
from grokjax.train.devices import prepare_host_devices
from grokjax.train.program import MAP

_NEVER = Cadence("every", 1_000_000_000)


def sweep_of(workload: str, folder: Path, seeds: int, steps: int, **changes: Any) -> Sweep:
    """A sweep over seeds with the defaults for everything else."""
    run = WORKLOADS[workload].run(folder)
    return Sweep(name="overhead", base=run, steps=steps, seeds=SeedPlan(tuple(range(seeds))), **changes)


def stored_seconds(sweep: Sweep, root: Path, save_seconds: float) -> float:
    """Seconds from the first segment until the folder is complete."""
    reached: dict[str, float] = {}

    def watch(progress: Progress) -> None:
        reached.setdefault(progress.stage, time.perf_counter())

    run_sweep(sweep, root, Options(save_seconds=save_seconds, watch=watch))
    return reached["done"] - reached["training"]


def shares(workload: str, seeds: int, steps: int, save_seconds: float, rounds: int) -> dict[str, Any]:
    """Seconds by round of the three ways, and the shares that follow."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        looked = sweep_of(workload, folder, seeds, steps)
        bare = sweep_of(workload, folder, seeds, steps, measure=MeasurePlan(_NEVER, _NEVER, ()))
        cohorts = {"trained": Cohort(bare, MAP, None), "looked at": Cohort(looked, MAP, None)}
        stored_seconds(looked, folder / "warm", save_seconds)
        seconds: dict[str, list[float]] = {"trained": [], "looked at": [], "stored": []}
        for index in range(rounds):
            for way, cohort in cohorts.items():
                seconds[way].append(cohort.train([cohort.queue]).seconds)
            seconds["stored"].append(stored_seconds(looked, folder / str(index), save_seconds))
    trained, looked_at, stored = seconds.values()
    return {
        "seconds": seconds,
        "measuring": [1 - ratio for ratio in ratios(trained, looked_at)],
        "measuring_and_storing": [1 - ratio for ratio in ratios(trained, stored)],
    }


def main() -> None:
    parser = arguments(__doc__, rounds=2, seeds=16, steps=1500, save=5.0)
    parser.add_argument("--workload", default="P31", help="of the sweep that is stored")
    options = parser.parse_args()
    prepare_host_devices()
    use_compilation_cache()
    results = shares(options.workload, options.seeds, options.steps, options.save, options.rounds)
    print(f"measuring: {spread(results['measuring'], '{:.1%}')} of a sweep")
    print(f"measuring, store and checkpoints: {spread(results['measuring_and_storing'], '{:.1%}')} of a sweep")
    finish(options, "overhead", results)


if __name__ == "__main__":
    main()
