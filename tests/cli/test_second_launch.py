"""What was compiled once is never compiled again: a second launch of a sweep finds everything in the cache."""

from pathlib import Path

from tests.store.sweeps import TWO_COHORTS, finish, write_sweep


def compiled(cache: Path) -> set[str]:
    return {path.name for path in cache.rglob("*-cache")}


def test_a_second_launch_adds_nothing_to_the_persistent_cache(tmp_path: Path) -> None:
    short = (
        TWO_COHORTS.replace("steps: 3000", "steps: 40")
        .replace("  model.width: [16, 24]\n", "")
        .replace("seeds: 2", "seeds: 1")
    )
    sweep, cache = write_sweep(tmp_path, short), tmp_path / "cache"
    variables = {"JAX_COMPILATION_CACHE_DIR": str(cache), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    first = finish("run", sweep, "--out", tmp_path / "first", **variables)
    known = compiled(cache)
    assert first.returncode == 0 and len(known) >= 4, first.stderr
    second = finish("run", sweep, "--out", tmp_path / "second", **variables)
    assert second.returncode == 0 and compiled(cache) == known
