"""One writer per folder: the system frees the lock when its process dies, however it dies."""

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from grokjax.store.layout import LockedError

_NAMED_WITHIN = 2.0  # seconds; the holder writes its name right after it has locked


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`.

    Raises:
      LockedError: another living process holds it; the message names it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LockedError(f"{path.parent} is in use by another process ({_holder(path)}).") from error
        file.seek(0)
        file.truncate()
        started = time.strftime("%Y-%m-%d %H:%M:%S")
        file.write(json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "started": started}))
        file.flush()
        yield


def _holder(path: Path) -> str:
    """What the holder of the lock file says of itself; asked again while it has said nothing yet."""
    asked_until = time.monotonic() + _NAMED_WITHIN
    while not (said := path.read_text().strip()) and time.monotonic() < asked_until:
        time.sleep(0.01)
    return said or "unknown"


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock file at `path`."""
    if not path.exists():
        return False
    with open(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        return False
