"""Does other work take the cores that this process asks for, so that wall time says little of what its own takes?"""

from pathlib import Path

BUSY = 0.8
"""Part of the cores asked for; where a process gets less, it is said that the machine is busy."""
_THREADS = Path("/proc/self/task")

Times = dict[str, tuple[int, int]]
"""Thread -> nanoseconds that it has run and has waited for a core."""


def is_busy(cpu_share: float | None) -> bool:
    """Whether other work took cores; `cpu_share` as of `share_since`."""
    return cpu_share is not None and cpu_share < BUSY


def thread_times() -> Times:
    """Of every thread of this process, by Linux; empty elsewhere."""
    times: Times = {}
    for path in _THREADS.glob("*/schedstat"):
        try:
            ran, waited, _ = path.read_text().split()
        except (OSError, ValueError):  # the thread has ended
            continue
        times[path.parent.name] = int(ran), int(waited)
    return times


def share_since(before: Times) -> float | None:
    """Part of the cores asked for that this process got: running over running and waiting; None where nobody says.

    A thread that asks for nothing, as one that waits for another, counts for nothing.
    """
    after = thread_times()
    began = {thread: before.get(thread, (0, 0)) for thread in after}
    ran = sum(after[thread][0] - began[thread][0] for thread in after)
    waited = sum(after[thread][1] - began[thread][1] for thread in after)
    return ran / (ran + waited) if ran > 0 else None
