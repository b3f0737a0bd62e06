"""Queries of databases that are not open, such as copies: their identity, and the files they need."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ageui.store.errors import primary_code, readable_errors
from ageui.store.migrations import APPLICATION_ID
from ageui.store.queue import ENDED
from ageui.store.sqlite import driver, reading_modes
from engine.errors import StoreError

_NO_SUCH_TABLE = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_NOTADB)
_NEEDED = (
    "SELECT path FROM checkpoint JOIN run ON run.id = run_id "
    f"WHERE kind = 'best' OR status NOT IN ({', '.join('?' * len(ENDED))})"
)


def uuid_of(path: Path) -> str | None:
    """The identity of a database; None if the file is missing or not a database. Raises `StoreError` if unreadable."""
    found = _ask(path, "SELECT uuid FROM database") if path.is_file() else []
    return found[0][0] if found else None


def is_example(path: Path) -> bool:
    """Whether a database is marked as a shipped example. Raises `StoreError` if it is unreadable."""
    return path.is_file() and _ask(path, "SELECT is_example FROM database") == [(1,)]


def databases_beside(path: Path) -> list[Path]:
    """The other databases of ageui in the same folder."""
    return [other for other in sorted(path.parent.iterdir()) if other != path and _is_database(other)]


def files_needed_beside(path: Path) -> set[Path]:
    """The files that other databases in the same folder need: kept weights, and states of runs that can continue."""
    return {
        (other.parent / file).resolve() for other in databases_beside(path) for (file,) in _ask(other, _NEEDED, ENDED)
    }


def _is_database(path: Path) -> bool:
    try:
        if not path.is_file() or path.stat().st_size == 0:
            return False
        return _ask(path, "PRAGMA application_id") == [(APPLICATION_ID,)]
    except (OSError, StoreError):
        return False


def _ask(path: Path, statement: str, values: tuple[str, ...] = ()) -> list[Any]:
    """The rows found by a statement; none if the file is not a database or lacks the table."""
    for mode in reading_modes(path):
        try:
            with (
                readable_errors(path),
                closing(driver().connect(f"file:{quote(str(path))}?{mode}", uri=True)) as connection,
            ):
                return list(connection.execute(statement, values).fetchall())
        except StoreError as error:
            if primary_code(error) in _NO_SUCH_TABLE:
                return []
            if mode != "mode=ro":
                raise
    return []
