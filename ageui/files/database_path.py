"""The path of the database."""

import os
from pathlib import Path

from engine.errors import StoreError


def database_path(named: Path | None = None) -> Path:
    """The named file, else that of `AGEUI_DB`, else `runs.db` in the current folder."""
    return (named or Path(os.environ.get("AGEUI_DB") or "runs.db")).expanduser()


def real_path(path: Path) -> Path:
    """The absolute path of a database without symbolic links: all names of a file mean one database.

    Raises `StoreError` for links that lead in a circle.
    """
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError) as error:
        raise StoreError(f"the database {path} cannot be found: {error}; choose another file with --db") from error
