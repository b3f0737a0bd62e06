"""The path of the database."""

import os
from pathlib import Path


def database_path(named: Path | None = None) -> Path:
    """The named file, else that of `AGEUI_DB`, else `runs.db` in the current folder."""
    return (named or Path(os.environ.get("AGEUI_DB") or "runs.db")).expanduser()
