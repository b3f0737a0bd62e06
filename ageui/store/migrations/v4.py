"""Schema 4: the peak memory of an attempt."""

STATEMENTS = ("ALTER TABLE attempt ADD COLUMN peak_memory_bytes INTEGER",)
