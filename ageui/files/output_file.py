"""Writes the files that a person requests, atomically."""

import os
from pathlib import Path

from engine.files import PRIVATE, write_atomically

_STREAMS = ("/dev/stdout", "/dev/stderr", "/dev/fd")


def is_stream(path: Path) -> bool:
    """Whether the path is a stream, such as /dev/stdout or a pipe, so that writing to it replaces no file."""
    if any(path.is_relative_to(stream) for stream in _STREAMS):
        return True
    return path.exists() and not path.is_file() and not path.is_dir()


def write_output_file(path: Path, content: bytes, *, private: bool = False) -> None:
    """Writes a file atomically. A replaced file stays intact until then, and its permissions are kept.

    A `private` file is readable only by its owner, whatever its earlier permissions and the umask. Follows a symbolic
    link, and writes to a stream. Raises `OSError`.
    """
    if is_stream(path):
        with path.open("wb") as stream:
            stream.write(content)
        return
    target = Path(os.path.realpath(path))
    if private or target.exists():
        mode = PRIVATE if private else target.stat().st_mode & 0o777
        write_atomically(target, lambda part: part.write(content), mode=mode & PRIVATE)
        target.chmod(mode)
    else:
        write_atomically(target, lambda part: part.write(content), mode=0o666)
