"""Writes a folder of files that a person requests: whole or not at all."""

import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from engine.files import write_atomically


def foreign_file(folder: Path, is_own: Callable[[str], bool]) -> str | None:
    """The name of something in an existing folder that `is_own` does not know; None without one."""
    return next((name for name in sorted(os.listdir(folder)) if not is_own(name)), None)


def write_output_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes a folder with these files, private to their owner. It is complete or absent; an earlier one is replaced.

    Files of an earlier folder with other names are deleted, so callers first ask `foreign_file`. Raises `OSError`.
    """
    mark = secrets.token_hex(4)
    part, old = (folder.with_name(f".{folder.name}.{mark}.{kind}") for kind in ("part", "old"))
    try:
        part.mkdir(mode=0o700)
        for name, content in files.items():
            write_atomically(part / name, lambda stream, content=content: stream.write(content))  # type: ignore[misc]
        if folder.exists():
            os.rename(folder, old)
        try:
            os.rename(part, folder)
        except BaseException:
            if old.exists():
                os.rename(old, folder)
            raise
    finally:
        for rest in (part, old):
            shutil.rmtree(rest, ignore_errors=True)
