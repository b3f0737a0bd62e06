"""The path of the database."""

import os
from pathlib import Path

from ageui.files.home import from_home


def database_path(named: Path | None = None) -> Path:
    """The named file, else that of `AGEUI_DB`, else `runs.db` in the current folder."""
    return from_home(named or os.environ.get("AGEUI_DB") or "runs.db")
