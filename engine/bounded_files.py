"""Reads files named by people: only regular files of bounded size, so that none hangs the program or fills memory.

All problems are `OSError`s with a message for people, see `problem_of`.
"""

import errno
import math
import os
import select
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Final

SETTINGS_BYTES: Final = 256_000
TABLE_BYTES: Final = 500_000_000
IMAGE_BYTES: Final = 200_000_000
WEIGHTS_BYTES: Final = 20_000_000_000

SECONDS_OF_SILENCE = 10.0
_HEAD_BYTES = 512
_OWN_DESCRIPTORS = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")
_OTHER_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@contextmanager
def open_regular(path: Path, most_bytes: float = math.inf) -> Iterator[BufferedReader]:
    """Opens a regular file of at most `most_bytes` for reading, without ever waiting.

    Raises `OSError` for a file that is missing, larger, or not regular, and for a loop of symbolic links.
    """
    _refuse_other_kinds(os.stat(path))  # before opening, which may already do something to a device
    with open(path, "rb", opener=_without_waiting) as stream:
        found = os.fstat(stream.fileno())
        _refuse_other_kinds(found)
        if found.st_size > most_bytes:
            raise OSError(errno.EFBIG, f"it has {_size(found.st_size)}, more than the limit of {_size(most_bytes)}")
        yield stream


def read_regular(
    path: Path, most_bytes: float = math.inf, refuse_head: Callable[[bytes], None] = lambda head: None
) -> bytes:
    """The content of a regular file of at most `most_bytes`.

    `refuse_head` is called with the first 512 bytes before the rest is read. Raises its errors, and `OSError` like
    `open_regular`.
    """
    with open_regular(path, most_bytes) as stream:
        refuse_head(stream.peek(_HEAD_BYTES)[:_HEAD_BYTES])
        size = os.fstat(stream.fileno()).st_size
        content = stream.read(size + 1)
    if len(content) > size:
        raise OSError(errno.EIO, "it grew while being read")
    return content


def read_regular_or_pipe(path: Path, most_bytes: int) -> bytes:
    """Like `read_regular`, but also reads a pipe given to this process, as in `--config <(command)`.

    Also raises `OSError` for a pipe that sends more than `most_bytes`, or nothing for ten seconds.
    """
    if not (str(path).startswith(_OWN_DESCRIPTORS) and stat.S_ISFIFO(os.stat(path).st_mode)):
        return read_regular(path, most_bytes)
    content = b""
    with open(path, "rb", buffering=0) as pipe:
        while len(content) <= most_bytes:
            if not select.select([pipe], [], [], SECONDS_OF_SILENCE)[0]:
                raise OSError(errno.ETIMEDOUT, f"it sent nothing for {SECONDS_OF_SILENCE:g} seconds")
            part = pipe.read(1 << 16)
            if not part:
                return content
            content += part
    raise OSError(errno.EFBIG, f"it sent more than the limit of {_size(most_bytes)}")


def problem_of(error: Exception) -> str:
    """The message of an error, without the error number of the system."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def other_kind(path: Path) -> str | None:
    """The kind of file at a path: `a folder`, `a named pipe` etc.; None for a regular or missing file."""
    try:
        return _other_kind(os.stat(path))
    except OSError:
        return None


def _other_kind(found: os.stat_result) -> str | None:
    return next((name for is_kind, name in _OTHER_KINDS if is_kind(found.st_mode)), None)


def _refuse_other_kinds(found: os.stat_result) -> None:
    if (name := _other_kind(found)) is not None:
        raise OSError(errno.EINVAL, f"it is {name}, not a regular file")


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _size(count: float) -> str:
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= unit:
            return f"{count / unit:,.1f} {name}".replace(".0 ", " ")
    return f"{count:g} bytes"
