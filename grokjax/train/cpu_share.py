"""Which part of the CPU cores that it asks for does this process get? Other work on the machine takes the rest."""

import time
from pathlib import Path

_THREADS = Path("/proc/self/task")


class CpuShare:
    """Of the time since it was made."""

    def __init__(self, cores: int):
        """`cores` that would keep all work of this process running."""
        self._cores, self._began, self._times = cores, time.perf_counter(), thread_times()

    def now(self) -> float | None:
        """Up to 1, running over running and waiting for a core; None where nobody says, as outside of Linux.

        A thread that asks for nothing, as one that waits for another, counts for nothing. Where all cores that are
        asked for were had, threads that wait are more than can run, and wait for one another.
        """
        wall, times = time.perf_counter() - self._began, thread_times()
        began = {thread: self._times.get(thread, (0, 0)) for thread in times}
        ran = 1e-9 * sum(times[thread][0] - began[thread][0] for thread in times)
        waited = 1e-9 * sum(times[thread][1] - began[thread][1] for thread in times)
        return min(1.0, max(ran / (ran + waited), ran / (wall * self._cores))) if ran > 0 else None


def thread_times() -> dict[str, tuple[int, int]]:
    """Nanoseconds that each thread of this process has run and has waited for a core; empty where nobody says."""
    times = {}
    for path in _THREADS.glob("*/schedstat"):
        try:
            ran, waited, _ = path.read_text().split()
        except (OSError, ValueError):  # the thread has ended
            continue
        times[path.parent.name] = int(ran), int(waited)
    return times
