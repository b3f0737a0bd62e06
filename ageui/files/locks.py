"""File locks kept by the kernel: held while a process that has the file open lives, and free as soon as none does.

They need no heartbeat, and cannot be fooled by a reused process id or a jumping clock. A child process may inherit a
lock, which is then held until both processes have ended.
"""

import errno
import json
import os
import time
from pathlib import Path
from typing import Any, Self

from engine.errors import FullError, StoreError
from engine.files import is_full, make_private_folder

# Another process may hold the lock for a few microseconds, to test whether it is free.
_SECONDS_TO_TAKE = 0.1
_SECONDS_BETWEEN_TRIES = 0.001
_WITHOUT_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
_NOT_PERMITTED = (errno.EACCES, errno.EPERM, errno.EROFS)


class Lock:
    """An exclusive lock on a file; `Lock.take` takes it, `release` or the end of all its processes frees it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor

    @classmethod
    def take(cls, path: Path, note: dict[str, Any] | None = None) -> Self | None:
        """Takes the lock. Returns None if another process keeps holding it.

        `note` tells others who holds it. Raises `StoreError` if the file cannot be locked, as in a read-only folder,
        and `FullError` if the disk has no room for it.
        """
        end = time.monotonic() + _SECONDS_TO_TAKE
        try:
            make_private_folder(path.parent)
            while (descriptor := _open_locked(path)) is None:
                if time.monotonic() > end:
                    return None
                time.sleep(_SECONDS_BETWEEN_TRIES)
        except OSError as error:
            raise _no_lock(path, error) from error
        lock = cls(path, descriptor)
        lock.write_note(note or {})
        return lock

    def write_note(self, note: dict[str, Any]) -> None:
        """Replaces the note. A full disk loses the note, not the lock."""
        try:
            os.ftruncate(self.descriptor, 0)
            os.pwrite(self.descriptor, json.dumps(note).encode(), 0)
        except OSError:
            return

    def release(self) -> None:
        os.close(self.descriptor)


def is_held(path: Path) -> bool:
    """Whether any process holds the lock; True if unknown, for example for another user's file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        return not _try_lock(descriptor, shared=True)
    except OSError:
        return True
    finally:
        os.close(descriptor)


def read_note(path: Path) -> dict[str, Any]:
    """The last holder's note; empty if there is none or it cannot be read."""
    try:
        note = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _open_locked(path: Path) -> int | None:
    """Opens and locks the file. Returns None if another process holds it or has just removed it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if _try_lock(descriptor) and _is_file(descriptor, path):
            return descriptor
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _no_lock(path: Path, error: OSError) -> StoreError:
    if is_full(error):
        return FullError(f"{path} cannot be locked: the disk is full; free some space and try again")
    advice = ""
    if error.errno in _NOT_PERMITTED:
        advice = "; check the permissions of the file and its folder"
    if error.errno in _WITHOUT_LOCKS:
        advice = "; its file system has no locks, so move the files of runs to another one: ageui db files DIR"
    return StoreError(f"{path} cannot be locked: {error.strerror}{advice}")


def _try_lock(descriptor: int, *, shared: bool = False) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
