"""Errors of SQLite, translated for people."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from ageui.store.sqlite import driver
from engine.errors import FullError, StoreError


class LostRunError(StoreError):
    """An attempt wrote for a run that it has lost: the run was ended, requeued or claimed again."""


class BusyError(StoreError):
    """Another process held the database longer than the timeout."""


_CLASSES = {sqlite3.SQLITE_BUSY: BusyError, sqlite3.SQLITE_LOCKED: BusyError, sqlite3.SQLITE_FULL: FullError}
_ADVICE = {
    sqlite3.SQLITE_BUSY: "another process holds it; wait for it to end and try again",
    sqlite3.SQLITE_LOCKED: "another process holds it; wait for it to end and try again",
    sqlite3.SQLITE_FULL: "the disk is full; free some space and try again (earlier data is intact)",
    sqlite3.SQLITE_READONLY: "it cannot be written; make the file and its folder writable, or choose another --db",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check the file, its folder and their permissions",
    sqlite3.SQLITE_PERM: "it cannot be opened; check the file, its folder and their permissions",
    sqlite3.SQLITE_NOTADB: "it is not a database; choose another file with --db",
    sqlite3.SQLITE_CORRUPT: "it is damaged; restore it from a backup, or choose another file with --db",
    sqlite3.SQLITE_IOERR: "the disk failed to read or write it; check the disk and its free space",
}


@contextmanager
def readable_errors(path: Path) -> Iterator[None]:
    """Turns every database error into a `StoreError` that names the file and gives advice."""
    try:
        yield
    except DBAPIError as error:
        raise _explain(path, error.orig) from error.orig
    except (sqlite3.Error, driver().Error) as error:
        raise _explain(path, error) from error


def primary_code(error: StoreError) -> int | None:
    """The primary result code of the SQLite error behind a `StoreError`; None for another cause."""
    return _code(error.__cause__)


def is_damage(error: BaseException) -> bool:
    """Whether an SQLite error means that the file is damaged or not a database."""
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _explain(path: Path, error: BaseException | None) -> StoreError:
    code = _code(error) or 0
    advice = f"{_ADVICE[code]} ({error})" if code in _ADVICE else str(error)
    return _CLASSES.get(code, StoreError)(f"the database {path}: {advice}")


def _code(error: BaseException | None) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None
