"""Which SQLite to use: Python's own, or a newer one if Python's can lose commits."""

import sqlite3
from functools import cache
from types import ModuleType
from typing import Any


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
