"""The cache's folders and files: private, checked when read, and bounded. The least recently used entries go first.

An entry in use is never lost: on POSIX, a file that is open or mapped stays whole for its users.
"""

import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from filelock import FileLock

from engine.bounded_files import read_regular
from engine.errors import DataError
from engine.files import make_private_folder, write_atomically
from engine.limits import limit_in_bytes

LIMIT_VARIABLE: Final = "AGEUI_CACHE_GB"
FEATURES_BYTES: Final = 10_000_000_000
SMALL_FILES_BYTES: Final = 100_000_000
PIXELS_SHARE_OF_DISK: Final = 0.25
_SECONDS_UNTIL_ABANDONED: Final = 3_600


def private_part(cache: Path, name: str) -> Path:
    """The folder `name` of a cache. Creates both if missing, private to their owner.

    Raises `DataError` for a folder that belongs to another user than root, or that everyone may write to: its content
    cannot be trusted. Raises `OSError` if it cannot be created.
    """
    for folder in (cache, cache / name):
        make_private_folder(folder)
        if (reason := _distrust(folder)) is not None:
            raise DataError(reason)
        found = folder.stat()
        if os.name == "posix" and found.st_uid == os.geteuid() and found.st_mode & 0o077:
            with suppress(OSError):  # such as a read-only disk
                folder.chmod(0o700)
    return cache / name


def _distrust(folder: Path) -> str | None:
    """Why the content of a folder cannot be trusted; None if it can. Raises `OSError` if it is missing."""
    found = folder.stat()
    if os.name != "posix":
        return None
    if found.st_uid not in (os.geteuid(), 0):
        return (
            f"the cache {folder} belongs to another user (id {found.st_uid}), who may change its content; "
            "set AGEUI_CACHE to a folder of your own"
        )
    if found.st_mode & stat.S_IWOTH:
        cure = "" if found.st_mode & stat.S_ISVTX else "delete it (it is rebuilt when needed), or "
        return (
            f"everyone may write to the cache {folder}, so its content is not trusted; "
            f"{cure}set AGEUI_CACHE to a folder of your own"
        )
    return None


def features_limit() -> int:
    """The limit of cached features in bytes. Raises `ConfigError` if the environment variable is not a limit."""
    named = limit_in_bytes(LIMIT_VARIABLE)
    return FEATURES_BYTES if named is None else named


def pixels_limit(folder: Path) -> int:
    """The limit of decoded pixels in bytes, by default a share of the disk of `folder`. Raises as `features_limit`."""
    named = limit_in_bytes(LIMIT_VARIABLE)
    return int(PIXELS_SHARE_OF_DISK * shutil.disk_usage(folder).total) if named is None else named


def entry_lock(folder: Path, key: str) -> FileLock:
    """The lock of the entry with this key of hex digits.

    Entries share 256 lock files, which are never removed: removing one would break it for those who wait for it.
    """
    return FileLock(folder / f"{key[:2]}.lock", mode=0o600)


@contextmanager
def shared_entry(cache: Path, part: str, key: str) -> Iterator[None]:
    """Lets one process at a time look up or make an entry; in a read-only folder, every process.

    Raises `DataError` like `private_part`.
    """
    with ExitStack() as held:
        with suppress(OSError):
            folder = private_part(cache, part)
            held.enter_context(entry_lock(folder, key))
            discard_leftovers(folder, key)
        yield


def discard_leftovers(folder: Path, key: str) -> None:
    """Removes unfinished files of an entry left behind by dead processes. Hold the entry's lock when calling it."""
    for left in folder.glob(f"*{key}*.part"):
        _remove(left)


def keep_file(path: Path, content: bytes) -> None:
    """Keeps a file in a part of the cache, atomically.

    If the cache cannot be written, the file is made again when needed.
    """
    with suppress(OSError, DataError):
        private_part(path.parent.parent, path.parent.name)
        write_atomically(path, lambda stream: stream.write(content))


def keep_json(path: Path, content: Any) -> None:
    """Keeps plain values with their checksum, like `keep_file`. The part drops its least recently used files."""
    keep_file(path, sealed_json(content))
    named = limit_in_bytes(LIMIT_VARIABLE)
    with suppress(OSError):
        trim(path.parent, SMALL_FILES_BYTES if named is None else min(named, SMALL_FILES_BYTES), kept=path)


def sealed_json(content: Any) -> bytes:
    """Plain values as JSON, after a line with its checksum. File names of any encoding survive."""
    body = json.dumps(content).encode()
    return _seal(body) + b"\n" + body


def kept_json(path: Path) -> Any:
    """The values of a file that `sealed_json` made. Raises `OSError`, and `ValueError` for a damaged file."""
    for folder in (path.parent.parent, path.parent):
        if (reason := _distrust(folder)) is not None:
            raise PermissionError(reason)
    seal, _, body = read_regular(path).partition(b"\n")
    if seal != _seal(body):
        raise ValueError(f"{path} is damaged")
    return json.loads(body)


def _seal(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16).hexdigest().encode()


def mark_used(entry: Path) -> None:
    """Marks an entry, a file or a folder, as used now."""
    with suppress(OSError):
        os.utime(entry)


def trim(folder: Path, limit_bytes: int, kept: Path) -> None:
    """Removes the least recently used entries of `folder` until the rest takes at most `limit_bytes`.

    `kept`, which was just made, stays even if it alone is larger. Half-written files of dead processes go after an
    hour. An entry that cannot be removed waits for the next call.
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
            try:
                os.replace(entry, aside)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
        else:
            entry.unlink()
    except OSError:
        return False
    return True
