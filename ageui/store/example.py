"""The shipped example: a database to look at, which never changes, and its copies, which may change."""

import os
from contextlib import closing
from pathlib import Path
from typing import Final

from ageui.files.database_path import local_copy, real_path
from ageui.store.connect import copy_database, open_as_is, refuse_if_read_only, schema_lock
from ageui.store.errors import readable_errors
from ageui.store.filesystems import refuse_place
from ageui.store.other_databases import is_example
from ageui.store.sqlite import driver
from engine.errors import StoreError

_PACKAGE: Final = Path(__file__).parents[1]
_PLACES: Final = (_PACKAGE / "shipped" / "runs.db", _PACKAGE.parent / "runs.db")
"""The example in an installed package, and at the root of a clone."""


def shipped_example() -> Path:
    """The example shipped with this installation. Raises `StoreError` if it is missing."""
    found = next(filter(is_example, _PLACES), None)
    if found is None:
        raise StoreError("this installation lacks the shipped runs; install ageui again")
    return found


def opened_path(named: Path, *, to_change: bool) -> Path:
    """The database to open for `named`: for the example, its local copy if it exists or if `to_change`.

    Raises `StoreError` if the place cannot hold a database, or if the copy cannot be made.
    """
    path = real_path(named)
    refuse_place(path)
    if not is_example(path):
        return path
    local = local_copy(path)
    if to_change and not local.exists():
        _make_copy(path, local)
    return local if local.exists() else path


def copy_sentence(example: Path, local: Path) -> str:
    """A sentence that the copy is open in place of the example."""
    return f"{example.name} is a shipped example and never changes; using its copy {local.name} instead"


def _make_copy(example: Path, local: Path) -> None:
    """Makes the local copy, with its own identity, unless another process has just done so."""
    refuse_if_read_only(example)
    if not os.access(local.parent, os.W_OK):
        raise StoreError(
            f"{example} is a shipped example, and its copy for changes cannot be made because {local.parent} is not "
            "writable; copy it elsewhere with ageui db backup FOLDER/runs.db, then choose the copy with --db"
        )
    with schema_lock(local):
        if not local.exists():
            copy_example(example, local)


def copy_example(example: Path, target: Path) -> None:
    """Copies the example to a database with its own identity. Raises `StoreError`."""
    new = target.with_name(f".{target.name}.new")
    engine, _ = open_as_is(example)
    try:
        with readable_errors(target):
            with engine.connect() as connection:
                copy_database(connection.connection.driver_connection, new)
            with closing(driver().connect(str(new))) as raw:
                raw.execute("UPDATE database SET uuid = lower(hex(randomblob(16))), files = NULL, is_example = 0")
                raw.commit()
        os.replace(new, target)
    finally:
        engine.dispose()
