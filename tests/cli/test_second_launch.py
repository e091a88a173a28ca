"""What was compiled once is never compiled again: a second launch of a sweep finds everything in the cache."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.store.sweeps import TWO_COHORTS, write_sweep

SHORT = (
    TWO_COHORTS.replace("steps: 3000", "steps: 40")
    .replace("  model.width: [16, 24]\n", "")
    .replace("seeds: 2", "seeds: 1")
)


def launched(home: Path, sweep: Path, out: Path) -> dict[str, int]:
    """Hits and misses of the cache in a process that finds it where a user's would lie."""
    ours = ("JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS")
    variables = {name: value for name, value in os.environ.items() if name not in ours}
    command = [sys.executable, "-m", "tests.cli.counted_launch", "run", str(sweep), "--out", str(out)]
    done = subprocess.run(
        command, env=variables | {"XDG_CACHE_HOME": str(home)}, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_second_launch_compiles_nothing(tmp_path: Path) -> None:
    home, sweep = tmp_path / "cache", write_sweep(tmp_path, SHORT)
    first = launched(home, sweep, tmp_path / "first")
    assert first["misses"] >= 4 and list((home / "grokjax" / "compiled").glob("jit_grokjax_segment-*"))
    second = launched(home, sweep, tmp_path / "second")
    assert second == {"hits": first["hits"] + first["misses"], "misses": 0}
