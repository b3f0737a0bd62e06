"""The path of the database."""

import os
from pathlib import Path

from ageui.files.home import from_home
from engine.errors import StoreError

_DEFAULT = Path("runs.db")


def database_path(named: Path | None = None) -> Path:
    """The given file, else `AGEUI_DB`, else `runs.local.db` in this folder if it exists, else `runs.db`."""
    if name := named or os.environ.get("AGEUI_DB"):
        return from_home(name)
    local = local_copy(_DEFAULT)
    return local if local.exists() else _DEFAULT


def local_copy(path: Path) -> Path:
    """`runs.local.db` beside `runs.db`, which receives changes to a shipped example."""
    return path.with_stem(f"{path.stem}.local")


def real_path(path: Path) -> Path:
    """The absolute path of a database without symbolic links, so that all names of a file mean the same database.

    Raises `StoreError` for a loop of links.
    """
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError) as error:
        raise StoreError(f"the database {path} cannot be found: {error}; choose another file with --db") from error
