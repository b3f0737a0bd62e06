"""Deletes runs, or only their predictions, permanently."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, func, update
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from ageui.store.batches import batches
from ageui.store.derivations import refuse_sources
from ageui.store.own_folder import is_within
from ageui.store.queue import ENDED
from ageui.store.run_rows import RUN_ID, no_run
from ageui.store.store_part import StorePart
from ageui.store.tables import PUBLISHED, ItemSet, Prediction, Result, Run, SourcePrediction
from engine.choices import INITS
from engine.errors import ConfigError


@dataclass(frozen=True)
class RemovableRun:
    """A run that can be deleted, and the number (one per split) and bytes of its stored predictions."""

    id: int
    name: str
    is_published: bool
    predictions: int
    prediction_bytes: int


class Removal(StorePart):
    """Deletes runs of an opened store, all or none. Deleted ids are never reused.

    SQLite overwrites deleted data; `Store.truncate_log` then removes it from the write-ahead log, too. Every method
    raises `ConfigError` if a run is missing or running, or not archived despite `only_archived`.
    """

    def find(self, run_ids: Sequence[int], *, only_archived: bool = False) -> list[RemovableRun]:
        """The runs with these ids, oldest first."""
        with self._read() as session:
            _refuse(session, run_ids, only_archived)
            return [run for batch in batches(sorted(run_ids)) for run in _removable(session, batch)]

    def remove(self, run_ids: Sequence[int], *, only_archived: bool = False, sources: bool = False) -> None:
        """Deletes runs with everything stored about them. The caller then deletes their folders.

        Also raises `ConfigError` if an unfinished run starts from the weights of one of them, or, unless `sources` may
        be deleted, if a derived run is made from one of them.
        """
        with self._write() as session:
            _refuse(session, run_ids, only_archived)
            self._refuse_needed(session, run_ids)
            if not sources:
                refuse_sources(session, run_ids)
            for batch in batches(run_ids):
                session.execute(delete(Run).where(col(Run.id).in_(batch)))
            _remove_unused_items(session)

    def remove_predictions(self, run_ids: Sequence[int]) -> None:
        """Deletes the predictions of runs, and the names and labels of images without any. The scores stay."""
        with self._write() as session:
            _refuse(session, run_ids, only_archived=False)
            for batch in batches(run_ids):
                for table in (Prediction, SourcePrediction):
                    session.execute(delete(table).where(col(table.run_id).in_(batch)))
            _remove_unused_items(session)

    def _refuse_needed(self, session: Session, run_ids: Sequence[int]) -> None:
        init = func.json_extract(col(Run.config), "$.init")
        started = session.execute(
            sql_select(RUN_ID, col(Run.name), init)
            .where(col(Run.status).not_in(ENDED), init.not_in(INITS))
            .order_by(RUN_ID)
        ).all()
        gone = set(run_ids)
        checked: dict[str, int | None] = {}
        for run_id, name, file in started:
            if file not in checked:
                checked[file] = self._run_of(Path(file))
            if (needed := checked[file]) in gone and run_id not in gone:
                raise ConfigError(
                    f"run {run_id} ({name}) starts from the weights of run {needed}; cancel it first with: "
                    f"ageui cancel {run_id}"
                )

    def _run_of(self, file: Path) -> int | None:
        """The run in whose folder a file lies; None for other files."""
        if not is_within(self._folder, file):
            return None
        run = file.resolve().relative_to(self._folder.resolve()).parts[0]
        return int(run) if run.isdecimal() else None


def _refuse(session: Session, run_ids: Sequence[int], only_archived: bool) -> None:
    missing = set(run_ids)
    for batch in batches(run_ids):
        found = session.exec(select(RUN_ID, Run.name, Run.status, Run.archived_at).where(col(Run.id).in_(batch)))
        for run_id, name, status, archived_at in found:
            missing.discard(run_id)
            if status == "running":
                raise ConfigError(f"run {run_id} ({name}) is running; cancel it first with: ageui cancel {run_id}")
            if only_archived and archived_at is None:
                raise ConfigError(
                    f"run {run_id} ({name}) is not archived; only archived runs can be deleted here: "
                    "archive it with z, then list it with the filter archived=true"
                )
    if missing:
        raise no_run(min(missing))


def _removable(session: Session, run_ids: Sequence[int]) -> list[RemovableRun]:
    stored = func.length(col(Prediction.predicted))
    found = session.execute(
        sql_select(RUN_ID, col(Run.name), col(Run.source), func.count(stored), func.coalesce(func.sum(stored), 0))
        .outerjoin(Prediction, col(Prediction.run_id) == RUN_ID)
        .where(col(Run.id).in_(run_ids))
        .group_by(RUN_ID)
        .order_by(RUN_ID)
    )
    return [RemovableRun(run_id, name, source == PUBLISHED, count, size) for run_id, name, source, count, size in found]


def _remove_unused_items(session: Session) -> None:
    """Deletes image lists without results, and empties those without predictions, since scores need no image names."""
    session.execute(delete(ItemSet).where(col(ItemSet.hash).not_in(select(Result.item_set))))
    joined = (col(Prediction.run_id) == col(Result.run_id)) & (col(Prediction.split) == col(Result.split))
    predicted = select(Result.item_set).join(Prediction, joined)
    session.execute(
        update(ItemSet)
        .where(col(ItemSet.hash).not_in(predicted), func.length(col(ItemSet.items)) > 0)
        .values(items=b"")
    )
