"""One writer per folder, and the one that is refused can say who writes."""

import fcntl
import threading
from pathlib import Path

import pytest

from grokjax.store.layout import LockedError
from grokjax.store.lock import exclusive, is_locked


def test_a_folder_is_locked_while_held_and_free_afterwards(tmp_path: Path) -> None:
    lock = tmp_path / "LOCK"
    with exclusive(lock):
        assert is_locked(lock)
        with pytest.raises(LockedError, match='"pid": '), exclusive(lock):
            raise AssertionError("two hold it")
    assert not is_locked(lock)


def test_who_comes_before_the_holder_has_said_its_name_waits_for_it(tmp_path: Path) -> None:
    lock = tmp_path / "LOCK"
    with open(lock, "a+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        late = threading.Timer(0.2, lambda: lock.write_text("the one that was late"))
        late.start()
        with pytest.raises(LockedError, match=r"in use by another process \(the one that was late\)"), exclusive(lock):
            raise AssertionError("two hold it")
        late.join()
