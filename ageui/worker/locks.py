"""Locks that the kernel keeps: held as long as a process lives that has the file open, free the moment none does.

They need no heartbeat, and neither a reused process id nor a clock that jumps can deceive them. A lock may be handed
down to a child process, and is then held until both have ended.
"""

import json
import os
from pathlib import Path
from typing import Any, Self

from engine.errors import StoreError
from engine.files import make_private_folder


class Lock:
    """An exclusive lock on a file; `Lock.take` takes it, `release` or the end of all its processes frees it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor

    @classmethod
    def take(cls, path: Path, note: dict[str, Any] | None = None) -> Self | None:
        """The lock, None where another process holds it. `note` is for those who wonder who does.

        Raises `StoreError` where there can be no lock, as in a folder that cannot be written.
        """
        try:
            make_private_folder(path.parent)
            while True:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                if not _try_lock(descriptor):
                    os.close(descriptor)
                    return None
                if _is_file(descriptor, path):
                    break
                os.close(descriptor)  # the file was removed or replaced meanwhile, and so locks nothing
        except OSError as error:
            raise StoreError(f"{path} cannot be locked: {error.strerror}; check the folder's permissions") from error
        lock = cls(path, descriptor)
        lock.write_note(note or {})
        return lock

    def write_note(self, note: dict[str, Any]) -> None:
        """Replaces the note. A full disk costs the note, not the lock."""
        try:
            os.ftruncate(self.descriptor, 0)
            os.pwrite(self.descriptor, json.dumps(note).encode(), 0)
        except OSError:
            return

    def release(self) -> None:
        os.close(self.descriptor)


def is_held(path: Path) -> bool:
    """Whether any process holds the lock; also where that cannot be told, as of another user's file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        return not _try_lock(descriptor, shared=True)
    finally:
        os.close(descriptor)


def read_note(path: Path) -> dict[str, Any]:
    """What the last holder wrote of itself; empty where there is nothing to read."""
    try:
        note = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


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
