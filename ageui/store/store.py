"""Store: an open runs.db. Its parts return plain records that stay valid after the database is closed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Engine, PoolProxiedConnection
from sqlmodel import Session

from ageui.files.database_path import real_path
from ageui.files.locks import is_held
from ageui.store.attempt_writer import AttemptWriter
from ageui.store.connect import copy_database, open_reader, open_writer, refuse_target
from ageui.store.data_sets import DataSets
from ageui.store.derivations import Derivations
from ageui.store.edits import RunEdits
from ageui.store.endings import Endings
from ageui.store.errors import readable_errors
from ageui.store.example import opened_path
from ageui.store.imports import Imports
from ageui.store.listing import Listing
from ageui.store.migrations import schema_version
from ageui.store.own_folder import find_folder, stored_path
from ageui.store.peak_memory import PeakMemory
from ageui.store.queue import RunQueue
from ageui.store.records import CheckpointRow
from ageui.store.removal import Removal
from ageui.store.rescoring import Rescoring
from ageui.store.runs import Runs
from ageui.store.scores import Scores
from ageui.store.workers import Workers
from engine.errors import StoreError

_MOST_LISTED = 20


class Store:
    """A database file, opened by `Store.open` and closed by `close` or a with statement.

    Every method, here and of the parts, may raise `StoreError`. The parts:

    - `runs` adds, finds and reads runs,
    - `queue` changes the status of runs,
    - `edits` changes names, notes and tags of runs,
    - `listing` reads the parts of runs for a long table,
    - `scores` reads and writes scores,
    - `derivations` stores runs made from other runs,
    - `rescoring` scores results of earlier versions again,
    - `removal` deletes runs and predictions,
    - `peak_memory` reads the peak memory of runs,
    - `imports` copies runs from another database,
    - `endings` answers questions about runs that have just ended,
    - `data` holds the registered data sets,
    - `workers` holds the worker of each device.

    `writing` is for the process that owns a running run. `path` has no symbolic links; `folder` holds the files of runs
    and workers, and may not exist yet for a read-only database.
    """

    def __init__(self, path: Path, folder: Path, reader: Engine, writer: Engine | None) -> None:
        self.path = path
        self.folder = folder
        self._reader = reader
        self._writer = writer
        self._watching: PoolProxiedConnection | None = None
        self.is_read_only = writer is None
        self.runs = Runs(self._read, self._write, folder, self._is_abandoned if self.is_read_only else None)
        self.queue = RunQueue(self._read, self._write, folder)
        self.edits = RunEdits(self._read, self._write, folder)
        self.listing = Listing(self._read, self._write, folder)
        self.scores = Scores(self._read, self._write, folder)
        self.derivations = Derivations(self._read, self._write, folder)
        self.rescoring = Rescoring(self._read, self._write, folder)
        self.removal = Removal(self._read, self._write, folder)
        self.imports = Imports(self._read, self._write, folder)
        self.peak_memory = PeakMemory(self._read, self._write, folder)
        self.endings = Endings(self._read, self._write, folder)
        self.data = DataSets(self._read, self._write, folder)
        self.workers = Workers(self._read, self._write, folder)

    @classmethod
    def open(cls, path: Path, *, create: bool = True, read_only: bool = False, files: Path | None = None) -> Self:
        """Opens the database, creates it if `create` allows, and migrates an outdated schema.

        A shipped example is opened for reading only; for changes, its local copy is made and opened instead.

        `files` is the folder for the files of runs, fixed when the database is created; by default `runs` beside
        `runs.db`. A copy of a database gets its own folder when it is first opened for writing.

        Read-only never creates a database. It works even if the file or its folder is not writable, unless the schema
        is outdated, which must be migrated first.
        """
        path = real_path(path) if read_only else opened_path(path, to_change=True)
        writer = None if read_only else open_writer(path, create=create, files=files)
        reader = None
        try:
            reader = open_reader(path)
            with readable_errors(path), reader.connect() as connection:
                folder = find_folder(connection, path)
            return cls(path, folder, reader, writer)
        except BaseException:
            for engine in (reader, writer):
                if engine is not None:
                    engine.dispose()
            raise

    def close(self) -> None:
        if self._watching is not None:
            self._watching.close()
        self._reader.dispose()
        if self._writer is not None:
            self._writer.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def writing(self, run_id: int, attempt: int) -> Iterator[AttemptWriter]:
        """A transaction of the attempt that owns the run. Raises `LostRunError` if it has lost the run."""
        with self._write() as session, session.no_autoflush:
            yield AttemptWriter(session, run_id, attempt, self.run_folder(run_id), self.path.parent)

    @contextmanager
    def _read(self) -> Iterator[Session]:
        with readable_errors(self.path), Session(self._reader) as session:
            yield session

    @contextmanager
    def _write(self) -> Iterator[Session]:
        with readable_errors(self.path), Session(self._writable()) as session, session.begin():
            yield session

    def _writable(self) -> Engine:
        if self._writer is None:
            raise StoreError(f"the database {self.path} is opened read-only; open a writable copy with --db")
        return self._writer

    # Files beside the database

    def run_folder(self, run_id: int) -> Path:
        """The folder for a run's files: `runs/12` beside `runs.db`. It may not exist yet."""
        return self.folder / str(run_id)

    def run_lock_file(self, run_id: int) -> Path:
        """The lock held while a process trains the run."""
        return self.run_folder(run_id) / "lock"

    def _is_abandoned(self, run_id: int) -> bool:
        return not is_held(self.run_lock_file(run_id))

    def checkpoint_file(self, checkpoint: CheckpointRow) -> Path:
        """The absolute path of a checkpoint. In a copy of a database, it may be in the folder of the original."""
        return self.path.parent / checkpoint.path

    def stored_path(self, file: Path) -> str:
        """The path of a checkpoint's file in the form stored."""
        return stored_path(self.path, file)

    # The database file

    def version(self) -> int:
        """A number that changes with every commit. Reading it takes microseconds, so callers can poll it and read rows
        only after changes."""
        with readable_errors(self.path):
            if self._watching is None:
                # SQLite counts per connection, so numbers of two connections cannot be compared.
                self._watching = self._reader.raw_connection()
            return int(self._watching.cursor().execute("PRAGMA data_version").fetchone()[0])

    def schema_version(self) -> int:
        with readable_errors(self.path), self._reader.connect() as connection:
            return schema_version(connection, self.path)

    def problems(self) -> list[str]:
        """The database's problems, one per line: damage, dangling rows, missing epochs."""
        with readable_errors(self.path), self._reader.connect() as connection:
            found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check").fetchall()]
            orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            holes = connection.exec_driver_sql(
                "SELECT run_id, count(*), max(step) FROM metric WHERE key = 'epoch/train_loss' "
                "GROUP BY run_id HAVING count(*) <> max(step)"
            ).fetchall()
        lines = [] if found == ["ok"] else [f"damaged: {line}" for line in found[:_MOST_LISTED]]
        lines += [
            f"row {row[1]} of table {row[0]} points to a missing row of {row[2]}" for row in orphans[:_MOST_LISTED]
        ]
        return lines + [
            f"run {run} has {epochs} of its first {last} epochs" for run, epochs, last in holes[:_MOST_LISTED]
        ]

    def copy_to(self, target: Path) -> None:
        """Copies the database in its current state, while others may write. Replaces an existing file or the target of
        a symbolic link.

        Raises `ConfigError` if the target is the database itself or one of its side files, a shipped example, or not a
        regular file.
        """
        target = real_path(target)
        refuse_target(self.path, target)
        with readable_errors(self.path), self._reader.connect() as connection:
            copy_database(connection.connection.driver_connection, target)

    def vacuum(self) -> tuple[int, int]:
        """Rewrites the database without unused space. Returns its bytes before and after, including the log."""
        with self._write():
            pass  # fails if the store is read-only or another process is writing
        before = self._bytes()
        with readable_errors(self.path):
            raw = self._writable().raw_connection()
            try:
                raw.cursor().execute("VACUUM")
            finally:
                raw.close()
        self.truncate_log()
        return before, self._bytes()

    def truncate_log(self) -> bool:
        """Moves all commits from the write-ahead log into the database file, and empties the log.

        Returns False if another process that reads or writes prevents that.
        """
        with readable_errors(self.path):
            raw = self._writable().raw_connection()
            try:
                is_busy, _, _ = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                raw.close()
        return not is_busy

    def _bytes(self) -> int:
        files = (self.path, self.path.with_name(f"{self.path.name}-wal"))
        return sum(file.stat().st_size for file in files if file.exists())
