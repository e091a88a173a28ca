"""How far off is the forecast of time, for sweeps of five kinds?

    python -m benchmarks.forecast --record

Each sweep is planned twice, so that programs are kept as `run` will find them, then trained. True is the time from the
first program until the last run has ended; the whole begins with the sweep, and is held against training and compiling
together. With several cohorts only the whole can be compared: the next programs are made while a cohort trains, which
holds it up. `run`'s own probe, a second at most, is in both.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.rig.processes import ROOT
from benchmarks.rig.records import arguments, finish

GROKJAX = [sys.executable, "-m", "grokjax"]
SWEEPS = {
    "small network": """
        model: {kind: mlp, activation: square, width: 32}
        task: {kind: modular_arithmetic, operation: x+y, modulus: 11}
        axes: {task.train_fraction: [0.2, 0.5, 0.8]}""",
    "minibatches": """
        model: {kind: mlp, width: 128}
        task: {kind: modular_arithmetic, operation: x+y, modulus: 31}
        train: {minibatch: 64}""",
    "many looks": """
        model: {kind: mlp, activation: square, width: 64}
        task: {kind: modular_arithmetic, operation: x+y, modulus: 23}
        measure: {every: 10, what: [fit, weight_norm]}""",
    "few looks": """
        model: {kind: mlp, activation: square, width: 200}
        task: {kind: modular_arithmetic, operation: x+y, modulus: 31}
        measure: {every: {linear: 2}, looks: {linear: 2}, what: [fit]}""",
    "transformers of two widths": """
        model: {kind: transformer, width: 32, heads: 2}
        task: {kind: modular_arithmetic, operation: x+y, modulus: 13}
        axes: {model.width: [16, 32]}""",
}
STEPS = {"small network": 60_000, "minibatches": 15_000, "many looks": 30_000, "few looks": 8_000}
OTHER_STEPS = 3_000
TIMED = ("started", "compiled", "ended")


def write_sweep(name: str, share: float, folder: Path) -> Path:
    """The file of a sweep with a share of its steps."""
    lines = "\n".join(line.strip() for line in SWEEPS[name].splitlines())
    steps = max(10, int(share * STEPS.get(name, OTHER_STEPS)))
    minibatch = re.search(r"train: \{(.*)\}", lines)
    lines = re.sub(r"train: .*\n?", "", lines)
    train = f"train: {{steps: {steps}{', ' + minibatch[1] if minibatch else ''}}}"
    path = folder / f"{name.replace(' ', '_')}.yaml"
    optimizer = "optimizer: {kind: adamw, learning_rate: 1.0e-3, weight_decay: 1.0}"
    path.write_text(f"name: {path.stem}\n{lines}\n{optimizer}\n{train}\nseeds: 6\n")
    return path


def ask(*words: str | Path) -> str:
    """What a command writes."""
    done = subprocess.run([*GROKJAX, *map(str, words)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))} ended with status {done.returncode}: {done.stderr}")
    return done.stdout


def compare(name: str, share: float, folder: Path) -> dict[str, Any]:
    """Forecast and true seconds of one sweep."""
    path, root = write_sweep(name, share, folder), folder / name
    ask("plan", path)
    plan = json.loads(ask("plan", path, "--json"))
    ask("run", path, "--out", root)
    events = [json.loads(line) for line in (root / "events.jsonl").read_text().splitlines()]
    times = {kind: [event["time"] for event in events if event["event"] == kind] for kind in TIMED}
    return {
        "forecast": plan["forecast_seconds"],
        "compile": plan["compile_seconds"],
        "true": times["ended"][-1] - times["compiled"][0],
        "whole": times["ended"][-1] - times["started"][0],
        "cohorts": len(plan["cohorts"]),
        "cpu_share": plan["cpu_share"],
    }


def main() -> None:
    parser = arguments(__doc__, share=1.0, rounds=1)
    parser.add_argument("--sweeps", default=",".join(SWEEPS), help="comma-separated")
    options = parser.parse_args()
    results: dict[str, list[dict[str, Any]]] = {}
    heads = ("forecast s", "compile s", "true s", "whole s", "of true", "of whole", "cores free")
    print(f"{'':<28}" + "".join(f"{head:>12}" for head in heads))
    for name in options.sweeps.split(","):
        results[name] = []
        for _ in range(options.rounds):
            with tempfile.TemporaryDirectory() as folder:
                told = compare(name, options.share, Path(folder))
            results[name].append(told)
            print(f"{name:<28}" + "".join(f"{cell:>12}" for cell in _cells(told)), flush=True)
    finish(options, "forecast", results)


def _cells(told: dict[str, Any]) -> list[str]:
    """One sweep's numbers, and the forecast over what was true, with compiling over the whole."""
    training = f"{told['forecast'] / told['true']:.2f}" if told["cohorts"] == 1 else "-"
    whole = f"{(told['forecast'] + told['compile']) / told['whole']:.2f}"
    free = "-" if told["cpu_share"] is None else f"{told['cpu_share']:.0%}"
    seconds = [f"{told[name]:.1f}" for name in ("forecast", "compile", "true", "whole")]
    return [*seconds, training, whole, free]


if __name__ == "__main__":
    main()
