"""Chooses SQLite, Python's own or a newer one if Python's can lose commits, and how to open files for reading."""

import shutil
import sqlite3
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

_BYTES_OF_SIDE_FILES = 1 << 16


@cache
def driver() -> Any:
    """The DB-API module: `sqlite3`, or `pysqlite3` if it is installed and only `sqlite3` has the WAL-reset bug."""
    if is_safe(sqlite3.sqlite_version_info):
        return sqlite3
    newer = _pysqlite3()
    return newer if newer is not None and is_safe(newer.sqlite_version_info) else sqlite3


def is_safe(version: tuple[int, int, int]) -> bool:
    """Whether an SQLite version is free of the WAL-reset bug.

    Since 3.7.0, two connections that write at the same moment can damage a database in WAL mode. Fixed in 3.51.3, and
    in the older release lines in 3.50.7 and 3.44.6 (https://sqlite.org/wal.html).
    """
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)


def _pysqlite3() -> ModuleType | None:
    try:
        from pysqlite3 import dbapi2
    except ImportError:
        return None
    module: ModuleType = dbapi2
    return module


def reading_modes(path: Path) -> tuple[str, ...]:
    """The modes in which to try to open a database for reading.

    A database in WAL mode needs side files. If they cannot be created, nothing can change the database, so with an
    empty log it is read without them. On a full disk, this is the only mode, because an attempt to create them would
    leave half a file.
    """
    is_full = shutil.disk_usage(path.parent).free < _BYTES_OF_SIDE_FILES
    only_read = "mode=ro&immutable=1"
    return (only_read,) if is_full and not has_log(path) else ("mode=ro", only_read)


def has_log(path: Path) -> bool:
    """Whether commits may be only in the database's write-ahead log."""
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0
