"""Schema 5: stores all intervals and tests, and which split chose the scored weights.

Results keep their figures. `statistics` 0 marks those whose intervals and tests are still to be computed.
"""

from sqlalchemy import Connection

_ATTRIBUTES = ("gender", "expression", "ethnicity", "age")
_KNOWN_SPLITS = "CONSTRAINT split_known CHECK (split IN ('train', 'valid', 'test')),"
_OF_BIAS = (
    "p_value REAL", "detectable REAL", "untested TEXT", "gap_low REAL", "gap_high REAL", "worst_low REAL",
    "worst_high REAL", "signed REAL", "signed_low REAL", "signed_high REAL", "signed_p_value REAL",
    "signed_detectable REAL", "signed_untested TEXT",
)  # fmt: skip
_STATEMENTS = (
    "ALTER TABLE result ADD COLUMN selected_on TEXT",
    "ALTER TABLE result ADD COLUMN statistics INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX result_statistics ON result (statistics)",
    """
    UPDATE result SET selected_on = 'valid'
    FROM run
    WHERE run.id = result.run_id
        AND (
            coalesce(json_extract(run.config, '$.keep'), 'best') = 'best'
            OR json_extract(run.config, '$.patience') IS NOT NULL
        )
        AND EXISTS (SELECT 1 FROM metric WHERE metric.run_id = run.id AND metric.key = 'epoch/val_loss')
    """,
    # Without predictions there is nothing to compute them from.
    """
    UPDATE result SET statistics = 2
    WHERE NOT EXISTS (
        SELECT 1 FROM prediction WHERE prediction.run_id = result.run_id AND prediction.split = result.split
    )
    """,
    # P-values replace the bias that chance alone gives.
    "ALTER TABLE bias DROP COLUMN noise_mean",
    "ALTER TABLE bias DROP COLUMN noise_p95",
    *(f"ALTER TABLE bias ADD COLUMN {column}" for column in _OF_BIAS),
    "ALTER TABLE group_result ADD COLUMN low REAL",
    "ALTER TABLE group_result ADD COLUMN high REAL",
    *(f"ALTER TABLE summary DROP COLUMN noise_{attribute}" for attribute in _ATTRIBUTES),
    *(f"ALTER TABLE summary ADD COLUMN p_{attribute} REAL" for attribute in _ATTRIBUTES),
    """
    CREATE TABLE figure (
        run_id INTEGER NOT NULL,
        split TEXT NOT NULL,
        name TEXT NOT NULL,
        value REAL,
        low REAL,
        high REAL,
        note TEXT,
        PRIMARY KEY (run_id, split, name),
        FOREIGN KEY(run_id, split) REFERENCES result (run_id, split) ON DELETE CASCADE
    ) WITHOUT ROWID
    """,
)


def migrate(connection: Connection) -> None:
    """Adds the columns, and lets `split` name a split of another data set."""
    for statement in _STATEMENTS:
        connection.exec_driver_sql(statement)
    # SQLite has no statement that drops a check, and predictions refer to the table, so that a new one would copy them.
    version = int(connection.exec_driver_sql("PRAGMA schema_version").scalar_one())
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, '') WHERE type = 'table' AND name = 'result'", (_KNOWN_SPLITS,)
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")
