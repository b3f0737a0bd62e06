"""Schema 3: archived runs, which lists omit unless asked for them."""

STATEMENTS = (
    "ALTER TABLE run ADD COLUMN archived_at TEXT",
    # Whatever counts or orders thousands of runs reads this in place of their configs.
    "CREATE INDEX run_shown ON run (archived_at, status, priority, position)",
)
