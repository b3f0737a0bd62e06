"""Schema 8: runs that are made from other runs, with what repeats their fits."""

STATEMENTS = (
    """
    CREATE TABLE derivation (
        run_id INTEGER NOT NULL,
        operation TEXT NOT NULL,
        options TEXT NOT NULL,
        parameters TEXT NOT NULL,
        fitted_on TEXT,
        folds BLOB,
        PRIMARY KEY (run_id),
        FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE derivation_source (
        run_id INTEGER NOT NULL,
        position INTEGER NOT NULL,
        uuid TEXT NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (run_id, position),
        FOREIGN KEY(run_id) REFERENCES derivation (run_id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX derivation_source_uuid ON derivation_source (uuid)",
    """
    CREATE TABLE source_prediction (
        run_id INTEGER NOT NULL,
        position INTEGER NOT NULL,
        split TEXT NOT NULL,
        predicted BLOB NOT NULL,
        PRIMARY KEY (run_id, position, split),
        FOREIGN KEY(run_id, position) REFERENCES derivation_source (run_id, position) ON DELETE CASCADE,
        FOREIGN KEY(run_id, split) REFERENCES result (run_id, split) ON DELETE CASCADE
    )
    """,
)
