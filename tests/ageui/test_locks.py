"""Locks are held by living processes and by nothing else."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ageui.files import locks
from ageui.files.locks import Lock, is_held, read_note
from ageui.store import FullError
from ageui.worker.processes import Process
from engine.errors import StoreError

pytestmark = pytest.mark.process


def _sleeper(*descriptors: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], pass_fds=descriptors)


def test_a_lock_is_had_by_one_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "lock"
    assert not is_held(path)
    lock = Lock.take(path, {"run": 3})
    assert lock is not None
    assert is_held(path)
    assert Lock.take(path) is None
    assert read_note(path) == {"run": 3}
    lock.write_note({"run": 4})
    assert read_note(path) == {"run": 4}
    lock.release()
    assert not is_held(path)
    again = Lock.take(path)
    assert again is not None
    assert read_note(path) == {}
    again.release()


def test_a_child_that_inherits_a_lock_holds_it_until_it_dies(tmp_path: Path) -> None:
    lock = Lock.take(tmp_path / "lock")
    assert lock is not None
    child = _sleeper(lock.descriptor)
    lock.release()
    assert is_held(tmp_path / "lock")
    child.kill()
    child.wait()
    assert not is_held(tmp_path / "lock")


def test_a_child_that_does_not_inherit_it_does_not_hold_it(tmp_path: Path) -> None:
    lock = Lock.take(tmp_path / "lock")
    assert lock is not None
    child = _sleeper()
    lock.release()
    assert not is_held(tmp_path / "lock")
    child.kill()
    child.wait()


def test_a_lock_file_that_was_removed_does_not_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    old = Lock.take(path)
    assert old is not None
    path.unlink()
    assert not is_held(path)
    new = Lock.take(path)
    assert new is not None
    old.release()
    assert is_held(path)
    new.release()


def test_a_lock_on_storage_that_is_away_counts_as_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stale(descriptor: int, operation: int) -> None:
        raise OSError(errno.ESTALE, "Stale file handle")

    (tmp_path / "lock").touch()
    monkeypatch.setattr(fcntl, "flock", stale)
    assert is_held(tmp_path / "lock")


def test_a_note_that_is_no_note_is_empty(tmp_path: Path) -> None:
    for content in ("", "{", "[1]", '"x"'):
        (tmp_path / "lock").write_text(content)
        assert read_note(tmp_path / "lock") == {}
    assert read_note(tmp_path / "absent") == {}


def test_where_there_can_be_no_lock(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be locked"):
        Lock.take(tmp_path / "file" / "lock")


@pytest.mark.parametrize(
    ("number", "kind", "advice"),
    [
        (errno.ENOSPC, FullError, "the disk is full; free some space"),
        (errno.EDQUOT, FullError, "the disk is full; free some space"),
        (errno.EACCES, StoreError, "Permission denied; check the permissions"),
        (errno.EROFS, StoreError, "check the permissions"),
        (errno.EIO, StoreError, "Input/output error$"),
        (errno.ENOLCK, StoreError, "No locks available; its file system has no locks, .*: ageui db files DIR"),
    ],
)
def test_what_keeps_a_lock_from_being_made_is_named(
    tmp_path: Path, number: int, kind: type[StoreError], advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(folder: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(locks, "make_private_folder", broken)
    with pytest.raises(StoreError, match=advice) as raised:
        Lock.take(tmp_path / "lock")
    assert type(raised.value) is kind


def test_who_asks_whether_a_lock_is_held_keeps_nobody_from_taking_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "_SECONDS_TO_TAKE", 60.0)  # it is had long before, however busy the machine
    path = tmp_path / "lock"
    path.touch()
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            is_held(path)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(300):
            lock = Lock.take(path)
            assert lock is not None
            lock.release()
    finally:
        is_over.set()
        asking.join()


@pytest.mark.parametrize("how", [fcntl.LOCK_SH, fcntl.LOCK_EX])
def test_a_lock_that_is_about_to_be_free_is_waited_for(
    tmp_path: Path, how: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held shared by who asks, or for the last moment by who has stored that it is done."""
    path = tmp_path / "lock"
    with path.open("w") as other:
        fcntl.flock(other, how)
        pauses: list[float] = []

        def release(seconds: float) -> None:
            pauses.append(seconds)
            fcntl.flock(other, fcntl.LOCK_UN)

        monkeypatch.setattr("ageui.files.locks.time.sleep", release)
        lock = Lock.take(path)
        assert lock is not None
        assert len(pauses) == 1
        lock.release()


def test_files_are_private(tmp_path: Path) -> None:
    lock = Lock.take(tmp_path / "a" / "b" / "lock")
    assert lock is not None
    modes = [os.stat(path).st_mode & 0o777 for path in (tmp_path / "a", tmp_path / "a" / "b", lock.path)]
    assert modes == [0o700, 0o700, 0o600]
    lock.release()


def test_a_process_is_known_by_more_than_its_id() -> None:
    child = _sleeper()
    process = Process.of(child.pid)
    assert Process.from_note(process.note()) == process
    assert process.is_alive()
    # The same id in the hands of another process: one that started at another time, or before the last boot.
    for other in (Process(child.pid, (process.ticks or 0) + 1, process.boot), Process(child.pid, process.ticks, "x")):
        assert not other.is_alive()
        assert other.send(signal.SIGKILL) is False
    assert child.poll() is None
    assert process.send(signal.SIGKILL) is True
    child.wait()
    assert not process.is_alive()
    assert process.send(signal.SIGKILL) is False


@pytest.mark.parametrize("note", [None, 3, {}, {"pid": "1"}, []])
def test_what_is_no_process(note: object) -> None:
    assert Process.from_note(note) is None
