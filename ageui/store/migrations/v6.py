"""Schema 6: an identity for the database and for each run, and the sweep that a run was queued with."""

import uuid

from sqlalchemy import Connection

_RUNS = uuid.UUID("5f0c7a4e-6d0b-4f3e-9a53-0f1f7c1b8a6d")
_STATEMENTS = (
    """
    CREATE TABLE database (
        id INTEGER NOT NULL PRIMARY KEY,
        uuid TEXT NOT NULL,
        files TEXT,
        is_example INTEGER NOT NULL,
        CONSTRAINT one_database CHECK (id = 1)
    )
    """,
    "ALTER TABLE run ADD COLUMN uuid TEXT",
    "ALTER TABLE run ADD COLUMN sweep TEXT",
)


def migrate(connection: Connection) -> None:
    """Adds the identities. A stored run gets the same one in every copy of its database."""
    for statement in _STATEMENTS:
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql("INSERT INTO database VALUES (1, ?, NULL, 0)", (uuid.uuid4().hex,))
    stored = connection.exec_driver_sql("SELECT id, created_at, config_hash FROM run").fetchall()
    if stored:
        connection.exec_driver_sql(
            "UPDATE run SET uuid = ? WHERE id = ?",
            [(uuid.uuid5(_RUNS, f"{run_id} {created} {config}").hex, run_id) for run_id, created, config in stored],
        )
    connection.exec_driver_sql("CREATE UNIQUE INDEX run_uuid ON run (uuid)")
    connection.exec_driver_sql("CREATE INDEX run_sweep ON run (sweep)")
