"""How long does a real map take, from the command to the classified runs, against the best peers?

    python -m benchmarks.whole_map --sample 0 --rounds 3 --record

Ours is the command line with an empty compilation cache: start, compilation, training, looks, store and checkpoints
included. The peers train the same runs from the same initial parameters with the same looks and, but for `jit(vmap)`
and hyperoptax, the same stop rule; they store nothing. With `--sample N` they train N runs drawn at random; the rest is
extrapolated.
"""

import json
import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.rig.map_file import write_map
from benchmarks.rig.processes import Engine, cores, run_to_the_end
from benchmarks.rig.records import arguments, finish
from benchmarks.rig.rounds import largest_difference, ratios, spread
from grokjax import load_sweep, open_results

OURS, VMAP, GRID = "grokjax", "jit(vmap), every run to the last step", "hyperoptax, every run to the last step"
CHECKED = 10
"""Looks at which losses of each run are compared: the first ones, one update apart."""


def peers(map_file: Path, outcome: Path, together: int, device: str) -> list[Engine]:
    """Engines that train the runs of a map file."""
    files = [str(map_file), str(outcome)]
    pool = ["--processes", str(cores()), "--device", device]
    devices = {"JAX_NUM_CPU_DEVICES": str(cores())}
    side_by_side = ["--together", str(together)]
    return [
        Engine("PyTorch eager, process per core", "benchmarks.peers.torch_pool", [*files, *pool], is_peer=True),
        Engine(
            "PyTorch compiled, process per core",
            "benchmarks.peers.torch_pool",
            [*files, *pool, "--compiled"],
            is_peer=True,
        ),
        Engine("Ray Tune, PyTorch eager", "benchmarks.peers.ray_map", [*files, *pool], is_peer=True),
        Engine(VMAP, "benchmarks.peers.jax_map", [*files, *side_by_side], environment=devices),
        Engine(GRID, "benchmarks.peers.hyperoptax_map", [*files, *side_by_side], is_peer=True),
    ]


def train_ours(spec: Path, folder: Path, device: str) -> tuple[float, Any]:
    """Seconds of the whole command, and its results."""
    root = folder / "results"
    command = ["run", str(spec), "--out", str(root), *(["--device", "gpu"] if device == "cuda" else [])]
    engine = Engine(
        OURS, "grokjax", command, environment={"XDG_CACHE_HOME": str(folder), "JAX_COMPILATION_CACHE_DIR": ""}
    )
    return run_to_the_end(engine), open_results(root)


def whole_seconds(engine: Engine, outcomes: list[dict[str, Any]], wall: float, work: float) -> float:
    """Seconds of the whole map: what is not training, and `work` times the training of the sample.

    A pool is taken to be never idle, which is to its favour: the end of a small sample keeps one process waiting.
    """
    spans = {(one["began"], one["ended"]) for one in outcomes}  # runs of a group share theirs
    training = max(end for _, end in spans) - min(begin for begin, _ in spans)
    busy = sum(end - begin for begin, end in spans) / (1 if engine.name in (VMAP, GRID) else cores())
    return wall if work == 1 else wall - training + work * busy


def check(engine: Engine, outcomes: list[dict[str, Any]], ours: np.ndarray) -> float:
    """Largest relative difference of the first losses of any run from ours [run, look]."""
    return max(
        largest_difference(engine.name, one["losses"][:CHECKED], losses)
        for one, losses in zip(outcomes, ours[:, :CHECKED], strict=True)
    )


def one_round(spec: Path, sample: int, together: int, device: str) -> dict[str, dict[str, Any]]:
    """Every engine once."""
    with tempfile.TemporaryDirectory() as name:
        folder, sweep = Path(name), load_sweep(spec)
        drawn = random.Random(0).sample(range(sweep.num_runs), sample or sweep.num_runs)
        seconds, results = train_ours(spec, folder, device)
        steps = results.runs["final_step"].to_numpy()
        losses = results.looks.column("train/loss")[drawn]
        found = {OURS: {"seconds": seconds, "run_steps": int(steps.sum()), "grokked": _grokked(results, drawn)}}
        write_map(folder / "map.npz", sweep, drawn)
        for engine in peers(folder / "map.npz", folder / "outcome.json", together, device):
            wall = run_to_the_end(engine)
            outcomes = json.loads((folder / "outcome.json").read_text())
            is_whole = engine.name in (VMAP, GRID)
            work = sweep.num_runs / len(drawn) if is_whole else steps.sum() / steps[drawn].sum()
            found[engine.name] = {
                "seconds": whole_seconds(engine, outcomes, wall, work),
                "is_extrapolated": len(drawn) < sweep.num_runs,
                "sample_seconds": wall,
                "sample_run_steps": sum(one["final_step"] for one in outcomes),
                "sample_run_steps_of_ours": int(steps[drawn].sum()),
                "grokked": sum(one["accuracy"] >= 0.99 for one in outcomes),
                "largest_difference": check(engine, outcomes, losses),
            }
        return found


def _grokked(results: Any, drawn: list[int]) -> int:
    accuracy = results.runs["test/accuracy"].to_numpy()[drawn]
    return int(np.sum(accuracy >= 0.99))


def main() -> None:
    parser = arguments(__doc__, rounds=1, sample=16, together=16)
    parser.add_argument("--spec", default="benchmarks/specs/m1.yaml", help="a sweep of one cohort, full batch")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="as PyTorch calls it")
    options = parser.parse_args()
    rounds = [
        one_round(Path(options.spec), options.sample, options.together, options.device) for _ in range(options.rounds)
    ]
    results: dict[str, Any] = {name: [one[name] for one in rounds] for name in rounds[0]}
    ours = [one["seconds"] for one in results[OURS]]
    for name, repeats in results.items():
        seconds = [one["seconds"] for one in repeats]
        word = " (extrapolated)" if repeats[0].get("is_extrapolated") else ""
        print(
            f"{name:<40}{spread(seconds, '{:.0f}'):>20} s{word:<16}{spread(ratios(seconds, ours), '{:.1f}'):>18} x ours"
        )
    finish(options, "whole_map", results)


if __name__ == "__main__":
    main()
