"""Bounds the cache: entries that were unused for longest go first.

An entry in use is never lost: on POSIX, a file that is open or mapped stays whole for its users.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from filelock import FileLock

from engine.files import make_private_folder, write_atomically
from engine.limits import limit_in_bytes

LIMIT_VARIABLE: Final = "AGEUI_CACHE_GB"
FEATURES_BYTES: Final = 10_000_000_000
PIXELS_SHARE_OF_DISK: Final = 0.25
_SECONDS_UNTIL_ABANDONED: Final = 86_400


def features_limit() -> int:
    """The most bytes of cached features. Raises `ConfigError` for an environment variable that is no limit."""
    named = limit_in_bytes(LIMIT_VARIABLE)
    return FEATURES_BYTES if named is None else named


def pixels_limit(folder: Path) -> int:
    """The most bytes of decoded pixels in `folder`, by default a share of its disk. Raises as `features_limit`."""
    named = limit_in_bytes(LIMIT_VARIABLE)
    return int(PIXELS_SHARE_OF_DISK * shutil.disk_usage(folder).total) if named is None else named


def entry_lock(folder: Path, key: str) -> FileLock:
    """A lock for the entry with this key of hex digits.

    Entries share 256 lock files, which are never removed: removing one would break it for those who wait for it.
    """
    return FileLock(folder / f"{key[:2]}.lock")


@contextmanager
def shared_entry(folder: Path, key: str) -> Iterator[None]:
    """Inside, one process at a time looks up or makes an entry; in a read-only folder, each process does."""
    with ExitStack() as held:
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(entry_lock(folder, key))
        yield


def keep_file(path: Path, content: bytes) -> None:
    """Keeps a file, whole or not at all. If the cache cannot be written, the file is made again when it is needed."""
    with suppress(OSError):
        make_private_folder(path.parent)
        write_atomically(path, lambda stream: stream.write(content))


def mark_used(entry: Path) -> None:
    """Marks an entry, a file or a folder, as used now."""
    with suppress(OSError):
        os.utime(entry)


def trim(folder: Path, limit_bytes: int, kept: Path) -> None:
    """Removes the entries of `folder` that were unused for longest until the rest takes at most `limit_bytes`.

    `kept`, which was just made, stays even if it alone is larger. Half-written files of a process that died go after a
    day. An entry that cannot be removed is left to the next time.
    """
    entries = []
    for entry in folder.iterdir():
        with suppress(OSError):
            if entry.suffix == ".part":
                if time.time() - max(path.stat().st_mtime for path in _files(entry)) > _SECONDS_UNTIL_ABANDONED:
                    _remove(entry)
            elif entry.suffix != ".lock":
                entries.append((entry.stat().st_mtime_ns, entry, sum(path.stat().st_size for path in _files(entry))))
    total = sum(size for _, _, size in entries)
    for _, entry, size in sorted(entries):
        if total <= limit_bytes:
            return
        if entry != kept and _remove(entry):
            total -= size


def _files(entry: Path) -> list[Path]:
    """An entry that is a file, or a folder and its files."""
    return [entry, *entry.iterdir()] if entry.is_dir() else [entry]


def _remove(entry: Path) -> bool:
    try:
        if entry.is_dir():
            # Moved first, so that nobody finds half an entry meanwhile.
            aside = Path(tempfile.mkdtemp(dir=entry.parent, suffix=".part"))
            os.replace(entry, aside)
            shutil.rmtree(aside, ignore_errors=True)
        else:
            entry.unlink()
    except OSError:
        return False
    return True
