"""Writes the files that a person asks for, each whole or not at all."""

import os
from pathlib import Path

from engine.files import PRIVATE, write_atomically

_STREAMS = ("/dev/stdout", "/dev/stderr", "/dev/fd")


def is_stream(path: Path) -> bool:
    """Whether the path is a stream, such as /dev/stdout or a pipe: writing to it replaces no file."""
    if any(path.is_relative_to(stream) for stream in _STREAMS):
        return True
    return path.exists() and not path.is_file() and not path.is_dir()


def write_output_file(path: Path, content: bytes, *, private: bool = False) -> None:
    """Writes a file, whole or not at all. A replaced file stays whole until then, and its permissions are kept.

    A `private` file is readable only for its owner, whatever its permissions were and whatever the umask. A symbolic
    link is followed, a stream is written to. Raises `OSError`.
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
