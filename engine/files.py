"""Writes files atomically: to a temporary file, flushed to the disk, then renamed."""

import errno
import hashlib
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from engine.bounded_files import problem_of, read_regular
from engine.errors import DataError, DiskFullError, RunFailedError

PRIVATE: Final = 0o600
"""The mode of files readable by their owner only."""


@dataclass(frozen=True)
class SavedFile:
    """A written file: its path, the SHA-256 of its content in hex, and its size in `bytes`."""

    path: Path
    sha256: str
    bytes: int


class HashingWriter:
    """A binary stream that records the SHA-256 and size of its content, and the error of a failed write."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.bytes = 0
        self.error: OSError | None = None

    def write(self, content: bytes) -> int:
        try:
            self._stream.write(content)
        except OSError as error:
            self.error = error
            raise
        self._digest.update(content)
        self.bytes += memoryview(content).nbytes
        return memoryview(content).nbytes

    def flush(self) -> None:
        self._stream.flush()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


def is_full(error: OSError) -> bool:
    """Whether the error means that a disk, or a user's share of it, is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def make_private_folder(folder: Path) -> None:
    """Creates a folder and its missing parents, private to their owner whatever the umask."""
    for one in (*reversed(folder.parents), folder):
        if not one.exists():
            with suppress(FileExistsError):  # another process created it
                one.mkdir(mode=0o700)
                one.chmod(0o700)


def write_atomically(
    path: Path, write: Callable[[HashingWriter], object], *, mode: int = PRIVATE, replaces: bool = True
) -> SavedFile:
    """Writes a file with `write`. The file is complete or absent, and on the disk when this returns.

    An earlier file stays intact until then; unless the new file `replaces` it, raises `FileExistsError`. `mode` is the
    mode of the new file, less the umask, unless the file is private. Raises the `OSError` of a full or failing disk.
    """
    name = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(name, "xb", opener=lambda file, flags: os.open(file, flags, mode)) as part:
            if os.name == "posix" and mode == PRIVATE:
                os.fchmod(part.fileno(), mode)
            stream = HashingWriter(part)
            try:
                write(stream)
            except Exception as error:
                # A library may hide the disk's error behind its own.
                if stream.error is not None and not isinstance(error, OSError):
                    raise stream.error from error
                raise
            part.flush()
            os.fsync(part.fileno())
        if replaces:
            os.replace(name, path)
        else:
            _rename_to_new(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
    flush_folder(path.parent)
    return SavedFile(path, stream.sha256, stream.bytes)


def flush_folder(folder: Path) -> None:
    """Waits until the names in a folder are on the disk."""
    if os.name == "posix":
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _rename_to_new(name: Path, path: Path) -> None:
    """Renames a file. Raises `FileExistsError` if one has that name."""
    try:
        os.link(name, path)
    except FileExistsError:
        raise
    except OSError:  # the file system has no links, such as exFAT
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        os.replace(name, path)
    else:
        os.unlink(name)


def write_for_run(path: Path, write: Callable[[HashingWriter], object], what: str) -> SavedFile:
    """Writes into a run's folder with `write_atomically`, and creates the folder if missing. `what` names the file.

    Raises `DiskFullError`, or `RunFailedError` if the disk fails in another way.
    """
    try:
        make_private_folder(path.parent)
        return write_atomically(path, write)
    except OSError as error:
        kind = DiskFullError if is_full(error) else RunFailedError
        raise kind(
            f"the {what} could not be written to {path}: {error.strerror}; earlier files are intact; "
            "free some space, or move the files of all runs with ageui db files DIR, then continue"
        ) from error


def read_verified(path: Path, sha256: str | None) -> bytes:
    """A file's content. Raises `DataError` if it is missing or its SHA-256 differs from the given one."""
    try:
        content = read_regular(path)
    except FileNotFoundError:
        raise DataError(f"{path} is missing: it was moved or deleted; train the run again") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {problem_of(error)}") from error
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise DataError(f"{path} is not the file that was written for this run (its SHA-256 differs); train it again")
    return content
