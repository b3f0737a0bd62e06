"""Schema 4: the most memory that an attempt had at once."""

STATEMENTS = ("ALTER TABLE attempt ADD COLUMN peak_memory_bytes INTEGER",)
