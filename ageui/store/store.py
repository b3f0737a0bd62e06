"""Store: runs.db, opened. Sessions are short, and what comes out are plain records."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Engine, func
from sqlmodel import Session, col, select

from ageui.store import data_sets, reading, recording
from ageui.store.connect import open_reader, open_writer
from ageui.store.errors import told_to_people
from ageui.store.migrations import schema_version
from ageui.store.records import CheckpointRow, Predictions, RunDetail, RunRow
from ageui.store.tables import Run
from engine.config import RunConfig
from engine.data.spec import DataSpec
from engine.errors import StoreError

if TYPE_CHECKING:
    import pandas as pd

    from engine.events import CheckpointWritten, EpochEnded, Evaluated


class Store:
    """One database file; made by `Store.open`, closed by `close` or a with statement.

    Every method may raise `StoreError`. Methods that take a name or a filter raise `ConfigError` for a wrong one.
    Methods that take `attempt` raise `StoreError` once that attempt no longer owns its run.
    """

    def __init__(self, path: Path, reader: Engine, writer: Engine | None) -> None:
        self.path = path
        self._reader = reader
        self._writer = writer

    @classmethod
    def open(cls, path: Path, *, create: bool = True, read_only: bool = False) -> Self:
        """Opens the database, makes it where `create` allows, and brings an older schema up to date.

        Read-only never makes a file, and works where the file or its folder cannot be written.
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

    def run_folder(self, run_id: int) -> Path:
        """Where a run's files belong: `runs/12` beside `runs.db`. It need not exist."""
        folder = self.path.with_suffix("") if self.path.suffix else self.path.with_name(f"{self.path.name}-files")
        return folder / str(run_id)

    def checkpoint_file(self, checkpoint: CheckpointRow) -> Path:
        """The absolute path of a run's checkpoint."""
        return self.path.parent / checkpoint.path

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

    def add_run(self, config: RunConfig, spec: DataSpec, *, name: str | None, tags: Sequence[str] = ()) -> int:
        """Queues a run and returns its id; without a name it gets one like `quiet-heron`."""
        with self._write() as session:
            return recording.add_run(session, config, spec, name, tags)

    def claim(self, run_id: int) -> int | None:
        """Makes this process the owner of a queued run: the number of its attempt, None where it is not queued."""
        with self._write() as session:
            return recording.claim(session, run_id)

    def record_started(self, run_id: int, attempt: int, manifest: dict[str, Any]) -> None:
        """Stores the manifest; its `data` names the `hash` and `splits` of the data."""
        with self._write() as session:
            recording.record_started(session, recording.owned_run(session, run_id, attempt), manifest)

    def record_metrics(
        self, run_id: int, attempt: int, epoch: "EpochEnded | None", points: Sequence[tuple[str, int, float]] = ()
    ) -> None:
        """Stores an epoch and points (key, step, value) in one transaction; a point that is there is replaced."""
        with self._write() as session:
            recording.record_metrics(session, recording.owned_run(session, run_id, attempt), epoch, points)

    def record_evaluated(
        self, run_id: int, attempt: int, scored: "Evaluated", target: str, data_name: str | None = None
    ) -> None:
        """Stores the scores and predictions of one split. `data_name` is the config's unless it is given."""
        with self._write() as session:
            run = recording.owned_run(session, run_id, attempt)
            recording.record_evaluated(session, run, scored, target, data_name or run.config["data"])

    def record_checkpoint(self, run_id: int, attempt: int, written: "CheckpointWritten", kind: str = "best") -> None:
        """Stores where a checkpoint is; a relative path is one in the run's folder."""
        with self._write() as session:
            run = recording.owned_run(session, run_id, attempt)
            folders = self.run_folder(run_id), self.path.parent
            recording.record_checkpoint(session, run, written, kind, *folders)

    def finish(self, run_id: int, attempt: int, status: str, reason: str) -> None:
        """Ends an attempt and its run as `status`; no later write of the attempt is accepted."""
        with self._write() as session:
            recording.finish(session, recording.owned_run(session, run_id, attempt), status, reason)

    # Reading runs

    def runs(
        self, filter: str | None = None, *, order: str = "-id", limit: int | None = None, offset: int = 0
    ) -> list[RunRow]:
        """The runs a filter finds, the newest first; `order` is a field, after `-` the largest first."""
        with self._read() as session:
            return reading.runs(session, filter, order, limit, offset)

    def run_count(self) -> int:
        with self._read() as session:
            return session.exec(select(func.count(col(Run.id)))).one()

    def schema_version(self) -> int:
        with told_to_people(self.path), self._reader.connect() as connection:
            return schema_version(connection, self.path)

    def find(self, reference: str) -> list[int]:
        """The ids that a RUN means: an id, else an exact name, else those that a filter finds, oldest first."""
        with self._read() as session:
            return reading.find(session, reference)

    def one(self, reference: str) -> int:
        """The id of the one run that is meant; `ConfigError` lists the candidates where there are several."""
        with self._read() as session:
            return reading.one(session, reference)

    def row(self, run_id: int) -> RunRow:
        with self._read() as session:
            return reading.row(session, run_id)

    def detail(self, run_id: int) -> RunDetail:
        with self._read() as session:
            return reading.detail(session, run_id)

    def metric(self, run_id: int, key: str, after: int = -1) -> list[tuple[int, float]]:
        """The points (step, value) of one curve with steps above `after`, in order."""
        with self._read() as session:
            return reading.metric(session, run_id, key, after)

    def split_predictions(self, run_id: int, split: str) -> Predictions | None:
        """The predictions of a run on one split, None where it was not scored."""
        with self._read() as session:
            return reading.predictions(session, run_id, split)

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
