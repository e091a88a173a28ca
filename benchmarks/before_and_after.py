"""Does this checkout of grokjax train slower than another commit of it did?

    python -m benchmarks.before_and_after --commit HEAD~20 --workloads W2,P31 --rounds 5 --seconds 2 --record

Both train the same networks from the same initial parameters; their first losses must agree.
"""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.peers.start import reference_of
from benchmarks.rig.processes import ROOT, Engine, run_to_the_end
from benchmarks.rig.records import arguments, finish
from benchmarks.rig.rounds import take_turns
from benchmarks.throughput import default_form, show


@contextlib.contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """A commit's files in a folder that goes when the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", folder, commit], cwd=ROOT, check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", folder], cwd=ROOT, check=True)


def measure(workload: str, before: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """Time one workload in both checkouts, in turns."""
    settings = [workload, "--form", default_form(workload)]
    after = Engine(default_form(workload), "benchmarks.rig.ours", settings)
    with tempfile.TemporaryDirectory() as folder:
        start = Path(folder, "start.npz")
        run_to_the_end(Engine("reference", "benchmarks.rig.ours", [workload, "--form", "plain", "--write", str(start)]))
        engines = [after, Engine("before", "benchmarks.rig.ours", settings, root=before)]
        return take_turns(engines, reference_of(start), rounds, seconds)


def main() -> None:
    parser = arguments(__doc__, rounds=5, seconds=2.0)
    parser.add_argument("--commit", required=True, help="the other one")
    parser.add_argument("--workloads", default="W1,W2,W3,W4,P31", help="comma-separated")
    options = parser.parse_args()
    results = {}
    with checkout(options.commit) as before:
        for workload in options.workloads.split(","):
            results[workload] = measure(workload, before, options.rounds, options.seconds)
            show(workload, results[workload])
    finish(options, "before_and_after", results)


if __name__ == "__main__":
    main()
