"""Schema 7: the scores of epochs on the validation split, and how often those of a run are computed.

Runs without an end continue with scores. Where they train on cached features, an epoch in ten is scored.
"""

_ATTRIBUTES = ("gender", "expression", "ethnicity", "age")

STATEMENTS = (
    """
    CREATE TABLE epoch_scores (
        run_id INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        n INTEGER NOT NULL,
        mae REAL NOT NULL,
        bias TEXT NOT NULL,
        groups TEXT NOT NULL,
        PRIMARY KEY (run_id, epoch),
        FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
    """,
    "ALTER TABLE run ADD COLUMN scoring_interval INTEGER NOT NULL DEFAULT 10",
    *(f"ALTER TABLE summary ADD COLUMN val_bias_{attribute} REAL" for attribute in _ATTRIBUTES),
)
