"""Schema 3: runs that are put away, which lists leave out unless they are asked for."""

STATEMENTS = ("ALTER TABLE run ADD COLUMN archived_at TEXT",)
