"""Another database, opened for import. It is never changed, even if its schema is outdated."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ageui.store.connect import copy_database, open_as_is
from ageui.store.errors import readable_errors
from ageui.store.migrations import MIGRATIONS
from ageui.store.records import CheckpointRow
from ageui.store.store import Store
from engine.errors import StoreError


@dataclass(frozen=True)
class ImportSource:
    """An open source. `store`, which may be an upgraded copy, has the rows; the database at `path` has the files."""

    path: Path
    store: Store

    def checkpoint_file(self, checkpoint: CheckpointRow) -> Path:
        """The absolute path of a checkpoint."""
        return self.path.parent / checkpoint.path


@contextmanager
def open_source(path: Path) -> Iterator[ImportSource]:
    """Opens another database for reading; if its schema is outdated, an upgraded copy in a temporary folder.

    Raises `StoreError` if the file is missing, empty, of a newer schema or not a database of ageui, or if the copy does
    not fit on the disk.
    """
    engine, version = open_as_is(path)
    try:
        if version == 0:
            raise StoreError(f"the database {path} is empty; choose another file")
        if version == len(MIGRATIONS):
            with Store.open(path, read_only=True) as store:
                yield ImportSource(path, store)
            return
        with TemporaryDirectory(prefix="ageui-") as folder:
            copy = Path(folder) / path.name
            with readable_errors(path), engine.connect() as connection:
                copy_database(connection.connection.driver_connection, copy)
            with Store.open(copy, create=False) as store:
                yield ImportSource(path, store)
    finally:
        engine.dispose()
