"""One writer per folder: the system frees the lock when its process dies, however it dies.

Some shared file systems have no locks (Lustre without `-o flock`, some NFS). There a folder is refused, unless the
environment says `GROKJAX_LOCK=none`: then whoever starts processes sees to it that one of them writes.
"""

import contextlib
import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from grokjax.store.layout import LockedError, NoLocksError

_NAMED_WITHIN = 2.0  # seconds; the holder writes its name right after it has locked
_HELD = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}
VARIABLE, NO_LOCK = "GROKJAX_LOCK", "none"


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`.

    Raises:
      LockedError: another living process holds it; the message names it.
      NoLocksError: the file system has no locks, or the environment asks for something else than `none`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+") as file:
        try:
            if not _is_waived():
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _HELD:
                raise LockedError(f"{path.parent} is in use by another process ({_holder(path)}).") from error
            raise NoLocksError(
                f"{path.parent}: its file system has no locks ({error.strerror}), so two processes could write there "
                f"at once. Use a folder elsewhere, or set {VARIABLE}={NO_LOCK} where you start one process a folder."
            ) from error
        file.seek(0)
        file.truncate()
        started = time.strftime("%Y-%m-%d %H:%M:%S")
        file.write(json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "started": started}))
        file.flush()
        yield


def _is_waived() -> bool:
    """Whether the environment says that no lock is to be held."""
    asked = os.environ.get(VARIABLE, "")
    if asked not in ("", NO_LOCK):
        raise NoLocksError(f"{VARIABLE}={asked}: the only value is {NO_LOCK}; leave it out to lock folders.")
    return asked == NO_LOCK


def _holder(path: Path) -> str:
    """What the holder of the lock file says of itself; asked again while it has said nothing yet."""
    asked_until = time.monotonic() + _NAMED_WITHIN
    while not (holder := path.read_text().strip()) and time.monotonic() < asked_until:
        time.sleep(0.01)
    return holder or "unknown"


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock file at `path`; False where locks are waived or there are none."""
    if not path.exists():
        return False
    with open(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno in _HELD
        return False
