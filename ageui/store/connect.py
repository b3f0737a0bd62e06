"""Connections to runs.db: who may write, how long to wait, and how the schema is created and migrated."""

import glob
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.exc import DBAPIError

from ageui.files.locks import Lock, is_held
from ageui.store.errors import is_damage, primary_code, readable_errors
from ageui.store.filesystems import refuse_place
from ageui.store.migrations import MIGRATIONS, Migration, migrate, refuse_newer, schema_version
from ageui.store.other_databases import is_example
from ageui.store.own_folder import has_folder, settle
from ageui.store.sqlite import driver, has_log, reading_modes
from engine.bounded_files import other_kind
from engine.choices import OFF
from engine.errors import ConfigError, StoreError

BUSY_SECONDS = 10.0
LOCK_SECONDS = 30.0
READ_ONLY_VARIABLE = "AGEUI_READ_ONLY"
"""The environment variable that keeps this process and its children from opening a database for writing."""
SIDE_FILES = ("-wal", "-shm", "-journal")
_NO_SIDE_FILES = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL)


def open_writer(
    path: Path, *, create: bool, files: Path | None = None, migrations: tuple[Migration, ...] = MIGRATIONS
) -> Engine:
    """An engine on a database of the newest schema with its own folder, which begins each transaction with BEGIN
    IMMEDIATE. `files` is the folder for a newly created database.

    Raises `StoreError` if the file is missing (without `create`), not writable, on a network file system, or not a
    database of ageui, or if AGEUI_READ_ONLY is set, and `ConfigError` if `files` cannot be its folder. Before migrating
    a database with an older schema, copies it to a file beside it.
    """
    refuse_place(path)
    if not path.exists() and not create:
        raise missing(path)
    _refuse_unwritable(path)
    if not path.exists():
        with schema_lock(path):
            path.touch(mode=0o600)
    # secure_delete: predictions are personal data, so nothing deleted may stay in free pages.
    pragmas = ("synchronous = FULL", "secure_delete = ON")
    engine = _engine(path, "mode=rw", begin="BEGIN IMMEDIATE", pragmas=pragmas)
    try:
        with readable_errors(path):
            if files is not None or not _is_ready(path, migrations):
                with schema_lock(path):
                    _prepare(
                        engine, path, migrations, lambda opened, is_new: settle(opened, path, files, is_new=is_new)
                    )
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def open_alone(path: Path) -> Iterator[Engine]:
    """An engine on a database that no other process has open. Its folder may be missing.

    Until the block ends, processes that open the database for writing wait, and readers work. Raises `StoreError` for
    the same reasons as `open_writer`, and if another process has the database open.
    """
    refuse_place(path)
    if not path.exists():
        raise missing(path)
    _refuse_unwritable(path)
    with schema_lock(path), readable_errors(path):
        engine = _engine(path, "mode=rw", begin="BEGIN IMMEDIATE", pragmas=("synchronous = FULL",))
        try:
            _prepare(engine, path, MIGRATIONS, lambda connection, is_new: None)
            _leave_wal(engine, path)
            try:
                yield engine
            finally:
                with suppress(DBAPIError, driver().Error):  # whoever opens the database next does it, too
                    _set_journal(engine, "WAL")
        finally:
            engine.dispose()


def _leave_wal(engine: Engine, path: Path) -> None:
    """Ends the write-ahead log, which only the last process that has the database open can do."""
    try:
        journal = _set_journal(engine, "DELETE")
    except driver().OperationalError:
        journal = ""
    if journal != "delete":
        raise StoreError(
            f"another process has {path} open; close the application, end its workers with ageui worker stop, and try "
            "again"
        )


def _set_journal(engine: Engine, mode: str) -> str:
    # The journal mode cannot be changed inside a transaction.
    raw = engine.raw_connection()
    try:
        return str(raw.cursor().execute(f"PRAGMA journal_mode = {mode}").fetchone()[0])
    finally:
        raw.close()


def open_reader(path: Path) -> Engine:
    """An engine that cannot write. The file and its folder may be read-only, unless the schema is outdated.

    Raises `StoreError` for the same reasons as `open_writer`.
    """
    engine, version = open_as_is(path)
    if version < len(MIGRATIONS):
        engine.dispose()
        why_not = ""
        if _is_read_only():
            why_not = f"{READ_ONLY_VARIABLE} is set; open the database once without it"
        elif (item := _unwritable(path)) is not None:
            why_not = f"{item} cannot be written; copy the database to a writable folder, and name the copy with --db"
        if why_not:
            newest = len(MIGRATIONS)
            raise StoreError(f"the database {path} has schema {version} and needs schema {newest}, but {why_not}")
        open_writer(path, create=False).dispose()
        return open_reader(path)
    return engine


def open_as_is(path: Path) -> tuple[Engine, int]:
    """An engine that cannot write, and the schema of the database, which may be outdated.

    Raises `StoreError` for the same reasons as `open_writer`.
    """
    refuse_place(path)
    if not path.exists():
        raise missing(path)
    for mode in reading_modes(path):
        engine = _engine(path, mode, begin="BEGIN", pragmas=("query_only = ON",))
        try:
            with readable_errors(path), engine.connect() as connection:
                version = schema_version(connection, path)
                refuse_newer(version, path)
        except StoreError as error:
            engine.dispose()
            if mode == "mode=ro" and primary_code(error) in _NO_SIDE_FILES and not has_log(path):
                continue
            raise
        break
    return engine, version


def missing(path: Path) -> StoreError:
    return StoreError(f"no runs yet: {path} does not exist; start a run with: ageui run, or see ageui explain start")


def _engine(path: Path, mode: str, *, begin: str, pragmas: tuple[str, ...]) -> Engine:
    uri = f"file:{quote(str(path))}?{mode}"

    def connect() -> Any:
        # isolation_level None: the driver begins no transactions, the listener below does.
        connection = driver().connect(
            uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            for pragma in ("foreign_keys = ON", *pragmas):
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine("sqlite://", module=driver(), creator=connect, poolclass=QueuePool)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _is_ready(path: Path, migrations: tuple[Migration, ...]) -> bool:
    """Whether the database needs no preparation. Takes no write lock, so running workers are not blocked."""
    engine = _engine(path, "mode=rw", begin="BEGIN", pragmas=())
    try:
        with engine.connect() as connection:
            version = schema_version(connection, path)
            refuse_newer(version, path, migrations)
            journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
            return version == len(migrations) and journal == "wal" and has_folder(connection, path)
    finally:
        engine.dispose()


def _prepare(
    engine: Engine, path: Path, migrations: tuple[Migration, ...], settle_folder: Callable[[Connection, bool], None]
) -> None:
    _set_journal(engine, "WAL")
    raw = engine.raw_connection()
    try:
        version = int(raw.cursor().execute("PRAGMA user_version").fetchone()[0])
        if 0 < version < len(migrations):
            copy_database(raw.driver_connection, _free_name(path.with_name(f"{path.name}.schema{version}")))
    finally:
        raw.close()
    with engine.begin() as connection:
        is_new = schema_version(connection, path) == 0
        migrate(connection, migrations)
        settle_folder(connection, is_new)


def copy_database(connection: Any, target: Path) -> None:
    """Copies the open database in its current state to a file readable only by its owner. Replaces an existing file.

    Several processes may copy to the same file at once: the last to finish leaves its copy. Raises `OSError` if the
    file cannot be created, and a `StoreError` that names it if its disk fails.
    """
    for left in target.parent.glob(f".{glob.escape(target.name)}.*.part*"):
        if not is_held(left.with_suffix(".part")):  # its process was killed
            left.unlink(missing_ok=True)
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    lock = Lock.take(part)
    assert lock is not None
    try:
        os.truncate(part, 0)
        with readable_errors(target), closing(driver().connect(str(part))) as copy:
            try:
                connection.backup(copy)
            except driver().DatabaseError as error:
                if is_damage(error):
                    raise StoreError(f"the copied database is damaged ({error}); see ageui db check") from error
                raise
            copy.execute("PRAGMA journal_mode = DELETE")
        # SQLite would apply the log of a replaced database to the copy.
        _remove_side_files(target)
        os.replace(part, target)
    finally:
        _remove_side_files(part)
        part.unlink(missing_ok=True)
        lock.release()


def _remove_side_files(path: Path) -> None:
    for end in SIDE_FILES:
        path.with_name(f"{path.name}{end}").unlink(missing_ok=True)


def _free_name(path: Path) -> Path:
    """The path, with a number appended if the file exists."""
    number = 1
    while (found := path if number == 1 else path.with_name(f"{path.name}-{number}")).exists():
        number += 1
    return found


def refuse_target(path: Path, target: Path) -> None:
    """Raises `ConfigError` if a copy would replace the database itself, a shipped example, or an irregular file.

    The target has no symbolic links.
    """
    if (kind := other_kind(target)) is not None:
        raise ConfigError(f"{target} is {kind}; choose another file for the copy")
    for own in (path, *(path.with_name(f"{path.name}{end}") for end in SIDE_FILES)):
        if target == own or (target.exists() and own.exists() and target.samefile(own)):
            raise ConfigError(f"{target} is the database itself, or a part of it; choose another file for the copy")
    with suppress(StoreError):  # a damaged database may be replaced
        if is_example(target):
            raise ConfigError(f"{target} is a shipped example and never changes; choose another file for the copy")


@contextmanager
def schema_lock(path: Path) -> Iterator[None]:
    """The lock of the process that creates or migrates the database. Raises `StoreError` after a long wait."""
    lock = FileLock(path.with_name(path.name + ".lock"), timeout=LOCK_SECONDS, mode=0o600)
    try:
        with lock:
            yield
    except Timeout:
        raise StoreError(
            f"another process has been preparing {path} for {LOCK_SECONDS:.0f} seconds; wait until it ends, then try "
            "again"
        ) from None
    except OSError as error:
        raise StoreError(f"the database {path} cannot be created: {error}") from error


def _is_read_only() -> bool:
    return os.environ.get(READ_ONLY_VARIABLE, "").lower() not in ("", *OFF)


def refuse_if_read_only(path: Path) -> None:
    """Raises `StoreError` if AGEUI_READ_ONLY is set."""
    if _is_read_only():
        raise StoreError(f"the database {path} stays unchanged, because {READ_ONLY_VARIABLE} is set")


def _refuse_unwritable(path: Path) -> None:
    refuse_if_read_only(path)
    if not path.parent.is_dir():
        raise StoreError(f"the folder {path.parent} does not exist; create it, or choose another file with --db")
    if (item := _unwritable(path)) is not None:
        raise StoreError(f"{item} cannot be written; change its permissions, or choose another file with --db")


def _unwritable(path: Path) -> Path | None:
    """The database's folder or file if it is not writable; None if both are writable."""
    return next((item for item in (path.parent, path) if item.exists() and not os.access(item, os.W_OK)), None)
