"""Store: runs.db, opened. Sessions are short, and what comes out are plain records."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sqlalchemy import Engine, PoolProxiedConnection
from sqlmodel import Session

from ageui.store import data_sets, enqueue, maintenance, measured_runs, published, run_queries
from ageui.store.attempt_writer import AttemptWriter
from ageui.store.claims import Claim, Claimant, Hold, NotHeldError
from ageui.store.connect import copy_database, open_reader, open_writer, refuse_itself
from ageui.store.edits import RunEdits
from ageui.store.enqueue import NewRun
from ageui.store.errors import told_to_people
from ageui.store.measured_runs import MeasuredRun, SplitFigures
from ageui.store.migrations import schema_version
from ageui.store.published import PublishedRun
from ageui.store.queue import RunQueue
from ageui.store.records import CheckpointRow, Predictions, RunDetail, RunRow
from ageui.store.workers import Workers
from engine.config import RunConfig
from engine.data.spec import DataSpec
from engine.errors import StoreError

if TYPE_CHECKING:
    import pandas as pd


class Store:
    """One database file; made by `Store.open`, closed by `close` or a with statement.

    Every method may raise `StoreError`. Methods that take a name or a filter raise `ConfigError` for a wrong one.
    `queue` holds what changes the status of runs, `workers` the rows of workers, `edits` what people write on runs.
    """

    def __init__(self, path: Path, reader: Engine, writer: Engine | None) -> None:
        self.path = path
        self._reader = reader
        self._writer = writer
        self._watching: PoolProxiedConnection | None = None
        self.queue = RunQueue(self._read, self._write)
        self.workers = Workers(self._read, self._write)
        self.edits = RunEdits(self._read, self._write)

    @classmethod
    def open(cls, path: Path, *, create: bool = True, read_only: bool = False) -> Self:
        """Opens the database, makes it where `create` allows, and brings an older schema up to date.

        Read-only never makes a database, and works where the file or its folder cannot be written, unless its schema
        is an older one: that has to be brought up to date before it can be read.
        """
        path = Path(path).expanduser().absolute()
        writer = None if read_only else open_writer(path, create=create)
        try:
            return cls(path, open_reader(path), writer)
        except BaseException:
            if writer is not None:
                writer.dispose()
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
    def _read(self) -> Iterator[Session]:
        with told_to_people(self.path), Session(self._reader) as session:
            yield session

    @contextmanager
    def _write(self) -> Iterator[Session]:
        if self._writer is None:
            raise StoreError(f"the database {self.path} is open for reading only")
        with told_to_people(self.path), Session(self._writer) as session, session.begin():
            yield session

    # Files

    @property
    def folder(self) -> Path:
        """Where the files of runs and workers belong: `runs` beside `runs.db`. It need not exist."""
        return self.path.with_suffix("") if self.path.suffix else self.path.with_name(f"{self.path.name}-files")

    def run_folder(self, run_id: int) -> Path:
        """Where a run's files belong: `runs/12` beside `runs.db`. It need not exist."""
        return self.folder / str(run_id)

    def checkpoint_file(self, checkpoint: CheckpointRow) -> Path:
        """The absolute path of a run's checkpoint."""
        return self.path.parent / checkpoint.path

    # The file itself

    def version(self) -> int:
        """A number that is another one once anything was committed. Asking takes microseconds, so that who waits for a
        change can ask often and read seldom."""
        with told_to_people(self.path):
            if self._watching is None:
                # SQLite counts for each connection by itself: it has to be the same one every time.
                self._watching = self._reader.raw_connection()
            return int(self._watching.cursor().execute("PRAGMA data_version").fetchone()[0])

    def problems(self) -> list[str]:
        """What is wrong with the database: damage, rows that point nowhere, epochs that are missing."""
        with told_to_people(self.path), self._reader.connect() as connection:
            return maintenance.problems(connection)

    def copy_to(self, target: Path) -> None:
        """Copies the database as it is at this moment; others may go on writing. A file that is there is replaced.

        Raises `ConfigError` where that is the database itself, or one of the files beside it that are part of it.
        """
        refuse_itself(self.path, target)
        with told_to_people(self.path), self._reader.connect() as connection:
            copy_database(connection.connection.driver_connection, target)

    def vacuum(self) -> tuple[int, int]:
        """Rewrites the database without unused space; its bytes before and after."""
        with self._write():
            pass  # refuses a store that is open for reading only, or held by others
        assert self._writer is not None
        with told_to_people(self.path):
            return maintenance.vacuum(self._writer, self.path)

    # Data sets

    def add_data_set(self, spec: DataSpec, replace: bool = False) -> None:
        """Registers a data set; a name that is taken is refused unless `replace`."""
        with self._write() as session:
            data_sets.add_data_set(session, spec, replace)

    def data_set(self, name: str) -> DataSpec:
        """The data set of that name; `synthetic` is always there."""
        with self._read() as session:
            return data_sets.data_set(session, name)

    def data_sets(self) -> list[DataSpec]:
        """The built-in data set, then the registered ones by name."""
        with self._read() as session:
            return data_sets.data_sets(session)

    def remove_data_set(self, name: str) -> None:
        """Forgets a data set. Runs on it keep their own description of it."""
        with self._write() as session:
            data_sets.remove_data_set(session, name)

    # Writing runs

    def add_run(
        self, config: RunConfig, spec: DataSpec, *, name: str | None, tags: Sequence[str] = (), priority: int = 0
    ) -> int:
        """Queues a run and returns its id; without a name it gets one like `quiet-heron`."""
        return self.add_runs([NewRun(config, spec, name)], tags=tags, priority=priority)[0]

    def add_runs(self, runs: Sequence[NewRun], *, tags: Sequence[str] = (), priority: int = 0) -> list[int]:
        """Queues runs in their order, all or none, and returns their ids."""
        with self._write() as session:
            return enqueue.add_runs(session, runs, tags, priority)

    def add_claimed_run(self, run: NewRun, claimant: Claimant, hold: Hold, *, tags: Sequence[str] = ()) -> Claim:
        """Adds a run that is this process's from the start: no worker can take it before.

        Where `hold` refuses it, nothing is added and `StoreError` raised: a process of an earlier database is left.
        """
        try:
            with self._write() as session:
                run_id = enqueue.add_run(session, run, tags)
                return self.queue.claim_in(session, run_id, claimant, hold)
        except NotHeldError as error:
            raise StoreError(
                f"another process holds the lock in {self.run_folder(error.run_id)}, the folder of the new run: "
                "perhaps one of an earlier database of this name; wait for it to end, or choose another --db"
            ) from None

    def same_runs(self, runs: Sequence[NewRun]) -> list[tuple[int, str] | None]:
        """For each, id and status of a run of its config and data that is done or still to be done."""
        with self._read() as session:
            return enqueue.same_runs(session, runs)

    def publish(self, runs: Sequence[PublishedRun]) -> int:
        """Writes published figures as rows of their own, again in place of the same ones; how many are new."""
        with self._write() as session:
            return published.publish(session, runs)

    def taken_names(self, names: Sequence[str]) -> list[str]:
        """Those of the names that a run has already."""
        with self._read() as session:
            return enqueue.taken_names(session, names)

    @contextmanager
    def writing(self, run_id: int, attempt: int) -> Iterator[AttemptWriter]:
        """One transaction of the attempt that owns the run; raises `LostRunError` once it does not any more."""
        with self._write() as session, session.no_autoflush:
            yield AttemptWriter(session, run_id, attempt, self.run_folder(run_id), self.path.parent)

    # Reading runs

    def runs(
        self, filter: str | None = None, *, order: str = "-id", limit: int | None = None, offset: int = 0
    ) -> list[RunRow]:
        """The runs a filter finds, the newest first; `order` is a field, after `-` the largest first, or `turn`: what
        runs, what is next, what waits for a person, then what ended."""
        with self._read() as session:
            return run_queries.runs(session, filter, order, limit, offset)

    def run_count(self, filter: str | None = None) -> int:
        """How many runs a filter finds; without one, all but the archived."""
        with self._read() as session:
            return run_queries.count(session, filter)

    def status_counts(self) -> dict[str, int]:
        """How many runs there are of each status, archived ones left out."""
        with self._read() as session:
            return run_queries.status_counts(session)

    def varying_fields(self, filter: str | None = None) -> tuple[str, ...]:
        """The config fields that are not the same in all runs that a filter finds."""
        with self._read() as session:
            return run_queries.varying(session, filter)

    def schema_version(self) -> int:
        with told_to_people(self.path), self._reader.connect() as connection:
            return schema_version(connection, self.path)

    def find(self, reference: str) -> list[int]:
        """The ids that a RUN means: an id, else an exact name, else those that a filter finds, oldest first."""
        with self._read() as session:
            return run_queries.find(session, reference)

    def ids(self, filter: str | None = None) -> list[int]:
        """The ids of the runs a filter finds, oldest first; without one, of all but the archived."""
        with self._read() as session:
            return run_queries.ids(session, filter or "")

    def one(self, reference: str) -> int:
        """The id of the one run that is meant; `ConfigError` lists the candidates where there are several."""
        with self._read() as session:
            return run_queries.one(session, reference)

    def row(self, run_id: int) -> RunRow:
        with self._read() as session:
            return run_queries.row(session, run_id)

    def rows(self, run_ids: Sequence[int]) -> dict[int, RunRow]:
        """The runs of these that are there, by id, in two statements."""
        with self._read() as session:
            return run_queries.rows(session, run_ids)

    def detail(self, run_id: int) -> RunDetail:
        with self._read() as session:
            return run_queries.detail(session, run_id)

    def measured_runs(self) -> list[MeasuredRun]:
        """All runs but archived and published ones, oldest first, with what tables over many of them need."""
        with self._read() as session:
            return measured_runs.measured_runs(session)

    def measured_statuses(self) -> dict[int, str]:
        """The status of each of those runs by id, in a few milliseconds: whether they have to be read again."""
        with self._read() as session:
            return measured_runs.measured_statuses(session)

    def split_figures(self, run_ids: Sequence[int]) -> list[SplitFigures]:
        """The figures of these runs on every split they were scored on."""
        with self._read() as session:
            return measured_runs.split_figures(session, run_ids)

    def checkpoints(self, run_id: int | None = None) -> list[tuple[CheckpointRow, str, int]]:
        """Every checkpoint of a run, or of every one, with the run's status and id."""
        with self._read() as session:
            return run_queries.checkpoints(session, run_id)

    def metric(self, run_id: int, key: str, after: int = -1) -> list[tuple[int, float]]:
        """The points (step, value) of one curve with steps above `after`, in order."""
        with self._read() as session:
            return run_queries.metric(session, run_id, key, after)

    def split_predictions(self, run_id: int, split: str) -> Predictions | None:
        """The predictions of a run on one split, None where it was not scored."""
        with self._read() as session:
            return run_queries.predictions(session, run_id, split)

    def predictions(self, run_id: int) -> "pd.DataFrame":
        """Columns split, image, age, predicted and one per attribute; no row where nothing was scored."""
        import pandas as pd

        found = [self.split_predictions(run_id, scores.split) for scores in self.detail(run_id).results]
        frames = [predictions.frame() for predictions in found if predictions is not None]
        return (
            pd.concat(frames, ignore_index=True)
            if frames
            else pd.DataFrame(columns=["split", "image", "age", "predicted"])
        )
