"""The schema of runs.db: an ordered list of steps, counted by `PRAGMA user_version`.

A released step never changes. A step is a tuple of SQL statements or a function of the connection. All pending steps
run in one transaction.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Connection

import ageui
from ageui.store.migrations import v1, v2, v3, v4, v5, v6, v7, v8, v9
from engine.errors import StoreError

Migration = Sequence[str] | Callable[[Connection], None]

MIGRATIONS: tuple[Migration, ...] = (
    v1.STATEMENTS, v2.STATEMENTS, v3.STATEMENTS, v4.STATEMENTS, v5.migrate, v6.migrate, v7.STATEMENTS,
    v8.STATEMENTS, v9.STATEMENTS,
)  # fmt: skip
APPLICATION_ID = 0x41474555
"""`AGEU` in ASCII: distinguishes runs.db from databases of other programs."""


def schema_version(connection: Connection, path: Path) -> int:
    """The schema of the open database; 0 for an empty one. Raises `StoreError` for another program's database."""
    version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    application = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
    empty = not connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
    if application != APPLICATION_ID and not empty:
        raise StoreError(f"{path} is a database, but not one of ageui; choose another file with --db")
    return 0 if empty else version


def refuse_newer(version: int, path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Raises `StoreError` if the schema is newer than this program knows."""
    if version > len(migrations):
        raise StoreError(
            f"{path} has schema {version}, but ageui {ageui.__version__} knows schemas up to {len(migrations)}; "
            "upgrade ageui (see ageui explain questions), or choose another file with --db"
        )


def migrate(connection: Connection, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Migrates the database to the newest schema, in a transaction that the caller commits."""
    version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    for migration in migrations[version:]:
        if callable(migration):
            migration(connection)
        else:
            for statement in migration:
                connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {len(migrations)}")
