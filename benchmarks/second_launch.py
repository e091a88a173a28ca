"""What does a second launch of the same sweep compile, and how much sooner is its first row there?

    python -m benchmarks.second_launch --record

Two launches of the command line into new folders, with a compilation cache that is empty at first.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.rig.processes import ROOT
from benchmarks.rig.records import arguments, finish

LAUNCH = """
import json, sys, time
began = time.perf_counter()
import jax.monitoring
from grokjax.cli import main
counted = {}
jax.monitoring.register_event_listener(lambda event, **_: counted.update({event: counted.get(event, 0) + 1}))
status = main(sys.argv[1:])
name = "/jax/compilation_cache/cache_"
print(json.dumps({"seconds": time.perf_counter() - began, "status": status,
                  "hits": counted.get(name + "hits", 0), "misses": counted.get(name + "misses", 0)}))
"""


def launch(spec: str, steps: int, folder: Path, number: int) -> dict[str, Any]:
    """One launch: seconds to the end of a short sweep, hits and misses of the persistent cache."""
    arguments_ = ["run", spec, "--set", f"train.steps={steps}", "--out", str(folder / str(number))]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JAX_COMPILATION_CACHE")}
    done = subprocess.run(
        [sys.executable, "-c", LAUNCH, *arguments_],
        cwd=ROOT,
        env={**environment, "XDG_CACHE_HOME": str(folder)},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"a launch ended with status {done.returncode}: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = arguments(__doc__, steps=20, rounds=1)
    parser.add_argument("--spec", default="benchmarks/specs/m1.yaml")
    options = parser.parse_args()
    results: dict[str, list[Any]] = {"first": [], "second": []}
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            for number, which in enumerate(results):
                results[which].append(launch(options.spec, options.steps, Path(folder), number))
    for which, launches in results.items():
        for one in launches:
            print(f"{which} launch: {one['seconds']:.1f} s, {one['misses']} cache misses, {one['hits']} hits")
    finish(options, "second_launch", results)


if __name__ == "__main__":
    main()
