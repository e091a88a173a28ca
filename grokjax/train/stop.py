"""How work is left before its end: what is raised, and where a compilation goes so that it can be left."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class Stop(BaseException):  # as KeyboardInterrupt: no `except Exception` may take it for a fault
    """Somebody asks to stop where nothing needs saving; says why."""


def aside(works: Sequence[Callable[[], Result]]) -> list[Result]:
    """Results of pieces of work, each in a thread of its own.

    XLA compiles for minutes and cannot be interrupted. Who waits here can: `Stop` leaves the threads to themselves.
    """
    threads = ThreadPoolExecutor(len(works), thread_name_prefix="aside")
    try:
        return [future.result() for future in [threads.submit(work) for work in works]]
    finally:
        threads.shutdown(wait=False)
