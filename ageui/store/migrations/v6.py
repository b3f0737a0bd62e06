"""Schema 6: an identity for the database and for each run, the sweep of a run, the counts and images of a data set."""

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
    "ALTER TABLE data_set ADD COLUMN counts TEXT",
    "ALTER TABLE data_set ADD COLUMN images BLOB",
    "ALTER TABLE result ADD COLUMN in_train BLOB",
)


def migrate(connection: Connection) -> None:
    """Adds the identities. A database and its runs get the same ones in every copy, also if they are upgraded again."""
    for statement in _STATEMENTS:
        connection.exec_driver_sql(statement)
    rows = connection.exec_driver_sql("SELECT id, created_at, config_hash FROM run ORDER BY id").fetchall()
    runs = [(uuid.uuid5(_RUNS, f"{run_id} {created} {config}"), run_id) for run_id, created, config in rows]
    identity = uuid.uuid5(runs[0][0], "database") if runs else uuid.uuid4()
    connection.exec_driver_sql("INSERT INTO database VALUES (1, ?, NULL, 0)", (identity.hex,))
    if runs:
        connection.exec_driver_sql("UPDATE run SET uuid = ? WHERE id = ?", [(run.hex, run_id) for run, run_id in runs])
    connection.exec_driver_sql("CREATE UNIQUE INDEX run_uuid ON run (uuid)")
    connection.exec_driver_sql("CREATE INDEX run_sweep ON run (sweep)")
