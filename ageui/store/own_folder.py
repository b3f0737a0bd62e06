"""The folder for the files of a database's runs, and the marker in it that names the database.

A database that is moved, renamed, or copied together with its folder keeps the folder. A copy beside the original gets
its own folder, and so does a new database beside the folder of another.
"""

import fnmatch
import hashlib
import itertools
import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, update
from sqlmodel import col, select

from ageui.store.other_databases import databases_beside, uuid_of
from ageui.store.tables import Checkpoint, Database, core_table
from engine.errors import ConfigError, FullError, StoreError
from engine.files import is_full, make_private_folder, write_atomically

MARKER = "database.json"
_UNFINISHED = f".{MARKER}.*.part"


@dataclass(frozen=True)
class _Marker:
    """The content of a folder's marker: facts about its database."""

    uuid: str
    database: Path


@dataclass(frozen=True)
class _Stored:
    """The identity and folder stored in a database; `is_settled` is False until its folder is decided."""

    uuid: str
    folder: Path
    is_settled: bool


def find_folder(connection: Connection, path: Path) -> Path:
    """The folder for the files of runs, which may not exist yet. Writes nothing."""
    stored = _read_stored(connection, path)
    if _is_own(connection, path, stored):
        return stored.folder
    return next(folder for folder in _names(path) if not folder.exists())


def has_folder(connection: Connection, path: Path) -> bool:
    """Whether the folder's marker names this database, so that `settle` would change nothing."""
    stored = _read_stored(connection, path)
    return stored.is_settled and _read_marker(stored.folder) == _Marker(stored.uuid, path)


def settle(connection: Connection, path: Path, asked: Path | None, *, is_new: bool) -> None:
    """Marks the folder of the database as its own, or makes another, and stores the choice.

    Runs in a transaction, under the lock of the schema. `asked` is the folder requested for a new database. Raises
    `ConfigError` if it holds other files, or if an existing database has another folder, and `StoreError` if the folder
    cannot be written.
    """
    stored = _read_stored(connection, path)
    asked = None if asked is None else Path(os.path.abspath(asked.expanduser()))
    if asked is not None and not is_new and asked.resolve() != stored.folder.resolve():
        raise ConfigError(
            f"--files {asked}: the files of {path} are in {stored.folder}, chosen when it was created; omit --files, "
            "or start another database with --db"
        )
    try:
        identity, folder = _settled(connection, path, stored, asked, is_new=is_new)
    except OSError as error:
        kind = FullError if is_full(error) else StoreError
        raise kind(f"the run folder of {path} cannot be written: {error.filename}: {error.strerror}") from error
    files = folder.relative_to(path.parent) if folder.is_relative_to(path.parent) else folder
    connection.execute(update(core_table(Database)).values(uuid=identity, files=files.as_posix()))


def is_within(folder: Path, file: Path) -> bool:
    """Whether a file, which need not exist, is in a folder, with symbolic links resolved."""
    return file.resolve().is_relative_to(folder.resolve())


def _settled(
    connection: Connection, path: Path, stored: _Stored, asked: Path | None, *, is_new: bool
) -> tuple[str, Path]:
    """Marks the database's folder. Returns the database's identity and folder from now on."""
    if is_new and asked is not None:
        if not _take_empty(asked, _Marker(stored.uuid, path)):
            raise ConfigError(f"--files {asked}: it is in use or holds other files; choose a new or empty folder")
        return stored.uuid, asked
    if is_new:
        return stored.uuid, _take_free(path, stored.uuid)
    if not stored.folder.exists() and not stored.folder.is_relative_to(path.parent):
        raise StoreError(
            f"{stored.folder}, the folder for the files of runs of {path}, is missing; mount its disk, move it back, "
            f"or continue without those files: mkdir {stored.folder}"
        )
    marker = _read_marker(stored.folder)
    if stored.folder.exists() and _is_own(connection, path, stored):
        _mark(stored.folder, _Marker(stored.uuid, path), marker)
        return stored.uuid, stored.folder
    identity = uuid.uuid4().hex if marker is not None and marker.uuid == stored.uuid else stored.uuid
    return identity, _take_free(path, identity)


def _is_own(connection: Connection, path: Path, stored: _Stored) -> bool:
    """Whether the folder is the database's own; its marker may be missing or name an earlier path."""
    marker = _read_marker(stored.folder)
    if marker is not None:
        return marker.uuid == stored.uuid and not _is_another(marker.database, path, stored.uuid)
    if not stored.folder.exists():
        return True
    if not stored.folder.is_dir():
        return False
    if stored.is_settled:
        return not _contents(stored.folder) or _holds_checkpoint(connection, path, stored.folder)
    return not _has_rival(path)


def _is_another(named: Path, path: Path, identity: str) -> bool:
    """Whether a marker names another file that is still the database of that identity."""
    if named == path or not named.exists() or named.samefile(path):
        return False
    return uuid_of(named) == identity


def _holds_checkpoint(connection: Connection, path: Path, folder: Path) -> bool:
    """Whether the first checkpoint found in the folder has the SHA-256 stored in the database."""
    rows = connection.execute(select(col(Checkpoint.path), col(Checkpoint.sha256))).all()
    found = ((file, sha256) for name, sha256 in rows if is_within(folder, file := path.parent / name))
    for file, sha256 in found:
        if file.exists():
            with file.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest() == sha256
    return False


def _has_rival(path: Path) -> bool:
    """Whether another database may have used the folder in an earlier version: `runs.db`, for `runs.bak`."""
    return path.suffix != ".db" and any(_default(other) == _default(path) for other in databases_beside(path))


def _read_stored(connection: Connection, path: Path) -> _Stored:
    # Plain SQL, because building the statement would take longer than the rest of opening a database.
    identity, files = connection.exec_driver_sql("SELECT uuid, files FROM database").one()
    return _Stored(identity, _default(path) if files is None else path.parent / files, files is not None)


def _default(path: Path) -> Path:
    """`runs` beside `runs.db`."""
    return path.with_suffix("") if path.suffix else path.with_name(f"{path.name}-files")


def _names(path: Path) -> Iterator[Path]:
    """`runs`, `runs-2`, `runs-3`, … beside `runs.db`."""
    default = _default(path)
    yield default
    yield from (default.with_name(f"{default.name}-{number}") for number in itertools.count(2))


def _take_free(path: Path, identity: str) -> Path:
    return next(folder for folder in _names(path) if _take_empty(folder, _Marker(identity, path)))


def _take_empty(folder: Path, marker: _Marker) -> bool:
    """Makes and marks a folder. Returns False if it holds anything but a leftover marker for the same path."""
    try:
        make_private_folder(folder)
        holds = _contents(folder)
    except (FileExistsError, NotADirectoryError):
        return False
    found = _read_marker(folder)
    if holds or (found is not None and found.database != marker.database):
        return False
    try:
        _mark(folder, marker, found)
    except (FileExistsError, FileNotFoundError):
        return False  # another database has just taken it
    return True


def _read_marker(folder: Path) -> _Marker | None:
    """The folder's marker; None without one. An unreadable marker belongs to nobody."""
    try:
        content = json.loads((folder / MARKER).read_bytes())
        return _Marker(str(content["uuid"]), (folder.resolve().parent / content["database"]).resolve())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return _Marker("", folder)


def _mark(folder: Path, marker: _Marker, found: _Marker | None) -> None:
    """Replaces the marker `found`. Raises `FileExistsError` if none was found but one exists now."""
    if found == marker:
        return
    beside = folder.resolve().parent
    database = marker.database.name if marker.database.parent == beside else str(marker.database)
    content = json.dumps({"uuid": marker.uuid, "database": database}).encode()
    write_atomically(folder / MARKER, lambda stream: stream.write(content), replaces=found is not None)
    for left in folder.glob(_UNFINISHED):
        left.unlink(missing_ok=True)


def _contents(folder: Path) -> list[str]:
    """The names in the folder, without its marker and the partial files of a killed process."""
    return [name for name in os.listdir(folder) if name != MARKER and not fnmatch.fnmatch(name, _UNFINISHED)]
