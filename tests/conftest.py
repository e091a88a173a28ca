"""How all tests run: on which devices, how strictly, and for how long at most."""

import os
import time
from pathlib import Path

import hypothesis
import pytest

STARTED = time.monotonic()
COMPILED = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "grokjax-tests"
DAYS_KEPT = 14  # each edit of the source leaves compiled programs behind that nobody asks for again

# Set before anything imports JAX, and inherited by the processes that tests start.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_NUM_CPU_DEVICES", "2")  # two, so that what depends on the number of devices shows
os.environ.setdefault("JAX_NUMPY_RANK_PROMOTION", "raise")  # [run] + [run, example] is a mistake, not a broadcast
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(COMPILED))  # with a cache, a second session takes half as long
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

# The same examples each time, so that a failure can be repeated. Few, because each new shape is a compilation.
hypothesis.settings.register_profile("grokjax", deadline=None, derandomize=True, max_examples=30)
hypothesis.settings.load_profile("grokjax")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--minutes", type=float, help="stop and fail when the session takes longer than this")


def pytest_configure() -> None:
    """Remove compiled programs of long ago."""
    for file in COMPILED.glob("*"):
        try:
            if time.time() - file.stat().st_mtime > DAYS_KEPT * 24 * 3600:
                file.unlink()
        except FileNotFoundError:  # another session was first
            continue


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs an accelerator while JAX is told to use none."""
    skip = pytest.mark.skip(reason="needs an accelerator: set JAX_PLATFORMS, for example to cuda")
    for item in items:
        if item.get_closest_marker("gpu") and os.environ["JAX_PLATFORMS"] == "cpu":
            item.add_marker(skip)


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """End the session once it has used up its minutes: what grew too long is marked slow, not waited for."""
    minutes = item.config.getoption("--minutes")
    if minutes is not None and time.monotonic() - STARTED > 60 * minutes:
        item.session.shouldfail = f"these tests take more than {minutes:g} minutes: mark the longest ones slow"
