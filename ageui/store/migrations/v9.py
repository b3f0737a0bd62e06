"""Schema 9: where attempts run on a cluster, and the number of the next event of each."""

STATEMENTS = (
    "ALTER TABLE attempt ADD COLUMN job TEXT",
    "ALTER TABLE attempt ADD COLUMN node TEXT",
    "ALTER TABLE attempt ADD COLUMN gpu TEXT",
    "ALTER TABLE attempt ADD COLUMN waiting_for TEXT",
    "ALTER TABLE attempt ADD COLUMN next_event INTEGER NOT NULL DEFAULT 0",
)
