"""The folder for the files of a database's runs.

A database that is moved, renamed, or copied together with its folder keeps the folder. A copy beside the original gets
its own folder, and so does a new database beside the folder of another. `folder_move` moves the folder.
"""

import hashlib
import itertools
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, update
from sqlmodel import col, select

from ageui.store.folder_marker import Marker, contents, is_of_other_machine, mark, read_marker, take_empty
from ageui.store.other_databases import databases_beside, uuid_of
from ageui.store.tables import Checkpoint, Database, core_table
from engine.errors import ConfigError, FullError, StoreError
from engine.files import is_full


@dataclass(frozen=True)
class StoredFolder:
    """The identity and folder stored in a database; `is_settled` is False until its folder is decided."""

    uuid: str
    folder: Path
    is_settled: bool


def find_folder(connection: Connection, path: Path) -> Path:
    """The folder for the files of runs, which may not exist yet. Writes nothing."""
    stored = read_stored(connection, path)
    if is_own(connection, path, stored) or _owned_elsewhere(stored) is not None:
        return stored.folder
    return next(folder for folder in _names(path) if not folder.exists())


def has_folder(connection: Connection, path: Path) -> bool:
    """Whether the folder's marker names this database, so that `settle` would change nothing."""
    stored = read_stored(connection, path)
    return stored.is_settled and read_marker(stored.folder) == Marker.of(stored.uuid, path, stored.folder)


def settle(connection: Connection, path: Path, asked: Path | None, *, is_new: bool) -> None:
    """Marks the folder of the database as its own, or makes another, and stores the choice.

    Runs in a transaction, under the lock of the schema. `asked` is the folder requested for a new database. Raises
    `ConfigError` if it holds other files, or if an existing database has another folder, and `StoreError` if the folder
    cannot be written.
    """
    stored = read_stored(connection, path)
    asked = None if asked is None else Path(os.path.abspath(asked.expanduser()))
    if asked is not None and not is_new and asked.resolve() != stored.folder.resolve():
        raise ConfigError(
            f"--files {asked}: the files of {path} are in {stored.folder}, not there; omit --files, or move "
            f"them: ageui db files {asked}"
        )
    try:
        identity, folder = _settled(connection, path, stored, asked, is_new=is_new)
    except OSError as error:
        kind = FullError if is_full(error) else StoreError
        raise kind(f"the run folder of {path} cannot be written: {error.filename}: {error.strerror}") from error
    store_folder(connection, path, identity, folder)


def is_within(folder: Path, file: Path) -> bool:
    """Whether a file, which need not exist, is in a folder, with symbolic links resolved."""
    return file.resolve().is_relative_to(folder.resolve())


def stored_path(database: Path, file: Path) -> str:
    """A path as the database stores it: relative to the folder of the database if there, with `/`."""
    beside = database.parent
    return (file.relative_to(beside) if file.is_relative_to(beside) else file).as_posix()


def _settled(
    connection: Connection, path: Path, stored: StoredFolder, asked: Path | None, *, is_new: bool
) -> tuple[str, Path]:
    """Marks the database's folder. Returns the database's identity and folder from now on."""
    if is_new and asked is not None:
        if not take_empty(asked, stored.uuid, path):
            raise in_use(asked)
        return stored.uuid, asked
    if is_new:
        return stored.uuid, _take_free(path, stored.uuid)
    if not stored.folder.exists() and not stored.folder.is_relative_to(path.parent):
        raise missing_folder(path, stored.folder)
    marker = read_marker(stored.folder)
    if stored.folder.exists() and is_own(connection, path, stored):
        mark(stored.folder, Marker.of(stored.uuid, path, stored.folder), marker)
        return stored.uuid, stored.folder
    if (other := _owned_elsewhere(stored)) is not None:
        raise StoreError(
            f"{stored.folder} belongs to {other.sentence}; if you moved that database to {path}, take the folder "
            f"over: ageui db files {stored.folder}; if this is a copy, give it a folder of its own: ageui db files DIR"
        )
    identity = uuid.uuid4().hex if marker is not None and marker.uuid == stored.uuid else stored.uuid
    return identity, _take_free(path, identity)


def is_own(connection: Connection, path: Path, stored: StoredFolder) -> bool:
    """Whether the folder is the database's own; its marker may be missing or name an earlier path."""
    marker = read_marker(stored.folder)
    if marker is not None:
        is_taken = is_of_other_machine(marker, stored.folder) or is_another(marker.database, path, stored.uuid)
        return marker.uuid == stored.uuid and not is_taken
    if not stored.folder.exists():
        return True
    if not stored.folder.is_dir():
        return False
    if stored.is_settled:
        return not contents(stored.folder) or _holds_checkpoint(connection, path, stored.folder)
    return not _has_rival(path)


def _owned_elsewhere(stored: StoredFolder) -> Marker | None:
    """The folder's marker if it names this database on another machine."""
    marker = read_marker(stored.folder)
    is_ours = marker is not None and marker.uuid == stored.uuid and is_of_other_machine(marker, stored.folder)
    return marker if is_ours else None


def is_another(named: Path, path: Path, identity: str) -> bool:
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


def in_use(folder: Path) -> ConfigError:
    return ConfigError(f"{folder} is in use or holds other files; choose a new or empty folder")


def missing_folder(path: Path, folder: Path) -> StoreError:
    return StoreError(
        f"{folder}, the folder for the files of runs of {path}, is missing; mount its disk, move it back, name its new "
        f"place with ageui db files DIR, or continue without those files: mkdir {folder}"
    )


def store_folder(connection: Connection, path: Path, identity: str, folder: Path) -> None:
    """Stores the identity and folder of a database."""
    connection.execute(update(core_table(Database)).values(uuid=identity, files=stored_path(path, folder)))


def read_stored(connection: Connection, path: Path) -> StoredFolder:
    """The identity and folder that a database stores."""
    # Plain SQL, because building the statement would take longer than the rest of opening a database.
    identity, files = connection.exec_driver_sql("SELECT uuid, files FROM database").one()
    return StoredFolder(identity, _default(path) if files is None else path.parent / files, files is not None)


def _default(path: Path) -> Path:
    """`runs` beside `runs.db`."""
    return path.with_suffix("") if path.suffix else path.with_name(f"{path.name}-files")


def _names(path: Path) -> Iterator[Path]:
    """`runs`, `runs-2`, `runs-3`, … beside `runs.db`."""
    default = _default(path)
    yield default
    yield from (default.with_name(f"{default.name}-{number}") for number in itertools.count(2))


def _take_free(path: Path, identity: str) -> Path:
    return next(folder for folder in _names(path) if take_empty(folder, identity, path))
