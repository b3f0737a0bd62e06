"""The files that a person asks for: each whole or not there."""

import os
from pathlib import Path

from engine.files import write_atomically

_STREAMS = ("/dev/stdout", "/dev/stderr", "/dev/fd")


def is_stream(path: Path) -> bool:
    """Whether what is written there goes on to something, and so replaces nothing: /dev/stdout, a pipe, a terminal."""
    if any(path.is_relative_to(stream) for stream in _STREAMS):
        return True
    return path.exists() and not path.is_file() and not path.is_dir()


def write_output_file(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Writes a file that is whole or not there; one that it replaces stays whole until then, and keeps its rights.

    A new one has those of `mode`, less the umask. A link stays one, and a stream is written to. Raises `OSError`.
    """
    if is_stream(path):
        with path.open("wb") as stream:
            stream.write(content)
        return
    target = Path(os.path.realpath(path))
    if target.exists():
        mode = target.stat().st_mode & 0o777
    write_atomically(target, lambda part: part.write(content), mode=mode)
