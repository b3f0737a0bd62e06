"""Where the database is."""

import os
from pathlib import Path


def database_path(named: Path | None = None) -> Path:
    """The file that was named, else that of `AGEUI_DB`, else `runs.db` in the current folder."""
    return named or Path(os.environ.get("AGEUI_DB") or "runs.db")
