"""Schema 3: runs that are put away, which lists leave out unless they are asked for."""

STATEMENTS = (
    "ALTER TABLE run ADD COLUMN archived_at TEXT",
    # Whatever counts or orders thousands of runs reads this in place of their configs.
    "CREATE INDEX run_shown ON run (archived_at, status, priority, position)",
)
