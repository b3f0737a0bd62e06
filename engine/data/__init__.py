"""Data sets: where they are, what is in them, and their pixels."""
