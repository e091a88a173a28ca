"""Compile a cohort's programs and check their memory against what a device has. Stores nothing."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from grokjax.plan.plan import CohortPlan
from grokjax.train.devices import Pool
from grokjax.train.executables import Executables, Traced
from grokjax.train.feed import Feed
from grokjax.train.program import MAP, VMAP, Program, Schedule, Tables, Values

SAVED_COPIES = 3
"""Times that the batched state lies in host memory while it is saved: the copy, and what orbax makes of it."""


class MemoryLimitError(RuntimeError):
    """Not even one lane fits into the memory of a device."""


def device_memory(pool: Pool) -> int | None:
    """Free bytes of one device of a pool; of the machine for a CPU; None when nobody says."""
    device = pool.devices[0]
    if device.platform == "cpu":
        return host_memory()
    statistics = device.memory_stats() or {}
    if "bytes_limit" not in statistics:
        return None
    return int(statistics["bytes_limit"] - statistics.get("bytes_in_use", 0))


def host_memory() -> int | None:
    """Free bytes of this machine, or of what this process may use of it; None when nobody says."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    available = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")]
    return min([*available, *_left_of_control_group()], default=None)


def _left_of_control_group() -> list[int]:
    """Bytes that the control group of this process still allows, cached files not counted; nothing without a limit."""
    folder = Path("/sys/fs/cgroup")
    try:
        statistics = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        cached = int(statistics.get("inactive_file", 0)) + int(statistics.get("active_file", 0))
        used = int((folder / "memory.current").read_text()) - cached
        return [int((folder / "memory.max").read_text()) - used]
    except (OSError, ValueError):  # no control group here, or its limit is "max"
        return []


def compile_cohort(
    planned: CohortPlan,
    feed: Feed,
    values: Values,
    pools: list[Pool],
    executor: str,
    lanes: int | None = None,
    known: Mapping[str, Any] | None = None,
    is_narrowed: bool = False,
    memory: int | None = None,
) -> list[Executables]:
    """Executables of a cohort, one a pool, at the widest width that fits; at `lanes` lanes a device when given.

    Args:
      known: the program that has trained some of its runs: with `vmap` its width is kept, whatever fits now,
      is_narrowed: unless the device ran out of memory with it.
      memory: bytes that one device has for the cohort; None asks the device what it has now.
    """
    size = len(pools[0].devices)

    def program(width: int) -> Program:
        return feed.program(width * size, 1 if executor == MAP else width, known)

    widths = widths_of(planned, executor, lanes, known, is_narrowed)
    alone = planned.size.device_bytes(1)
    return compile_to_fit(program, widths, pools, values, feed.tables, feed.schedule, alone, memory)


def widths_of(
    planned: CohortPlan, executor: str, lanes: int | None, known: Mapping[str, Any] | None, is_narrowed: bool
) -> list[int]:
    """Lanes of one device to try, widest first; see `compile_cohort`."""
    if known and executor == VMAP and not is_narrowed:
        return [known["block_lanes"]]
    return [lanes] if lanes else planned.narrower_widths()


def compile_to_fit(
    program: Callable[[int], Program],
    widths: Sequence[int],
    pools: Sequence[Pool],
    values: Values,
    tables: Tables,
    schedule: Schedule,
    alone_bytes: int = 0,
    memory: int | None = None,
) -> list[Executables]:
    """Executables of the widest program that fits, one a pool.

    Args:
      program: lanes of one device -> program.
      widths: lanes of one device to try, widest first; empty when shapes alone say that none fits.
      alone_bytes: of a device with one lane, by shapes.
      memory: bytes that one device has; None asks it.

    Raises:
      MemoryLimitError: none fits; the message has the numbers.
    """
    limit, refusal = device_memory(pools[0]) if memory is None else memory, ""
    if not widths:
        raise MemoryLimitError(
            f"one run needs {_mib(alone_bytes)} by its shapes alone, "
            f"but a device has {_mib(limit or 0)} free; make the model or the task smaller."
        )
    for width in widths:
        try:
            compiled = Traced(program(width), pools[0]).compile(pools, values, tables, schedule)
        except jax.errors.JaxRuntimeError as error:
            if not is_out_of_memory(error):
                raise
            continue
        refusal = _refusal(compiled, pools, limit, width)
        if not refusal:
            return compiled
    refusal = refusal or (
        f"the device has no room to compile a program of {widths[-1]} lanes, with {_mib(limit or 0)} free"
    )
    raise MemoryLimitError(f"{refusal}; make the model or the task smaller.")


def is_out_of_memory(error: Exception) -> bool:
    """Whether this is how XLA says that a device has no room."""
    return isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" in str(error)


def _refusal(compiled: Sequence[Executables], pools: Sequence[Pool], limit: int | None, width: int) -> str:
    """Why these programs do not fit; empty when they do. What is saved lies in host memory, several times over."""
    is_cpu = pools[0].devices[0].platform == "cpu"
    needed = compiled[0].memory_bytes() * (len(pools) if is_cpu else 1)
    saved = SAVED_COPIES * sum(executables.lanes_bytes() for executables in compiled)
    if limit is not None and needed > limit:
        return f"{width} lanes need {_mib(needed)} by the compiler's own account, but a device has {_mib(limit)} free"
    host, on_host = host_memory(), saved + (needed if is_cpu else 0)
    if host is not None and on_host > host:
        return f"{width} lanes need {_mib(on_host)} of host memory when they are saved, but {_mib(host)} are free"
    return ""


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"


def device_facts(pools: Sequence[Pool]) -> list[dict[str, object]]:
    """Kind and number of the devices of each pool, as stored with the results."""
    return [
        {"platform": pool.devices[0].platform, "kind": pool.kind, "devices": len(pool.devices), "jax": jax.__version__}
        for pool in pools
    ]
