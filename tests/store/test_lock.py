"""One writer per folder, and the one that is refused can say who writes."""

import errno
import fcntl
import os
import socket
import threading
from pathlib import Path

import pytest

from grokjax.store.files import write_atomically
from grokjax.store.layout import LockedError, NoLocksError
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


@pytest.fixture
def no_locks(monkeypatch):
    """A file system without a lock service, as Lustre is by default."""

    def refuse(file, operation):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", refuse)


def test_a_file_system_without_locks_is_not_taken_for_a_folder_in_use(tmp_path, no_locks) -> None:
    with pytest.raises(NoLocksError, match="no locks .* GROKJAX_LOCK=none"), exclusive(tmp_path / "LOCK"):
        raise AssertionError("it goes on without a lock that nobody waived")
    assert not is_locked(tmp_path / "LOCK")


def test_whoever_waives_the_lock_goes_on_without_one(tmp_path, no_locks, monkeypatch) -> None:
    monkeypatch.setenv("GROKJAX_LOCK", "none")
    with exclusive(tmp_path / "LOCK"):
        assert not is_locked(tmp_path / "LOCK")


def test_another_word_than_none_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GROKJAX_LOCK", "off")
    with pytest.raises(NoLocksError, match="the only value is none"), exclusive(tmp_path / "LOCK"):
        raise AssertionError("a word that nobody knows was taken")


def test_processes_of_one_number_on_two_machines_write_under_different_names(tmp_path, monkeypatch) -> None:
    names = []
    monkeypatch.setattr(os, "replace", lambda temporary, path: names.append(temporary.name))
    for host in ("node01", "node02"):
        monkeypatch.setattr(socket, "gethostname", lambda host=host: host)
        write_atomically(tmp_path / "HEAD", b"{}")
    assert len(set(names)) == 2
    assert not any("node" in name for name in names)
