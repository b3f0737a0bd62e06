"""Copies runs from another database into this one, row by row, without any change."""

import itertools
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func
from sqlalchemy import select as sql_select
from sqlmodel import Session, SQLModel, col, select

from ageui.store.batches import batches
from ageui.store.item_sets import unpack_items
from ageui.store.names import LONGEST_NAME
from ageui.store.new_runs import reserve_ids, taken_names
from ageui.store.run_rows import RUN_ID
from ageui.store.score_rows import write_item_set
from ageui.store.store_part import StorePart
from ageui.store.tables import (
    PUBLISHED,
    Attempt,
    Bias,
    Checkpoint,
    DataSet,
    Derivation,
    DerivationSource,
    EpochScore,
    FigureScore,
    GroupScore,
    ItemSet,
    Metric,
    Prediction,
    Result,
    Run,
    RunSummary,
    RunTag,
    SourcePrediction,
    core_table,
)
from engine.data.spec import DataSpec
from engine.errors import StoreError

_UNFINISHED = ("queued", "running")
_EDITED = ("name", "note", "archived_at", "priority", "position", "sweep")
_COPIED = (
    RunSummary, Attempt, Metric, EpochScore, Result, Prediction, Bias, GroupScore, FigureScore, Derivation,
    DerivationSource, SourcePrediction,
)  # fmt: skip
_ROWS_AT_ONCE = 10_000
_IDENTITIES = sql_select(RUN_ID, col(Run.uuid), col(Run.name), col(Run.status), col(Run.source)).order_by(RUN_ID)


@dataclass(frozen=True)
class ImportableRun:
    """A run in the other database. If it continued there, `replaces` is the id of its copy here."""

    id: int
    name: str
    replaces: int | None = None


@dataclass(frozen=True)
class ImportPlan:
    """The plan of an import: what would happen to the runs of the other database.

    `stored` are the names of runs that are already here, `unfinished` of runs queued or running there. `conflicts` are
    sentences about runs that continued there but cannot replace their copies here.
    """

    runs: tuple[ImportableRun, ...]
    stored: tuple[str, ...]
    unfinished: tuple[str, ...]
    conflicts: tuple[str, ...]


@dataclass(frozen=True)
class ImportedRun:
    """A run, its id here, and the new paths of its checkpoints by kind and step; other checkpoints are dropped."""

    run: ImportableRun
    target: int
    checkpoints: Mapping[tuple[str, int], str]


@dataclass(frozen=True)
class ImportOutcome:
    """The names of the imported runs here, by id. Of their data sets, `data_sets` were newly registered, and
    `other_data_sets` are registered here with another description."""

    names: Mapping[int, str]
    data_sets: tuple[DataSpec, ...]
    other_data_sets: tuple[str, ...]


class Imports(StorePart):
    """Imports into an opened store. `other` is the same part of the other store, which is only read."""

    def plan(self, other: "Imports", run_ids: Sequence[int]) -> ImportPlan:
        """Compares runs of the other database with those here, by UUID; published figures by name."""
        wanted = set(run_ids)
        new: list[ImportableRun] = []
        stored: list[str] = []
        unfinished: list[str] = []
        conflicts: list[str] = []
        with other._read() as theirs, self._read() as ours:
            own = ours.execute(_IDENTITIES).all()
            copies = {row.uuid: row for row in own if row.uuid is not None}
            published = {row.name for row in own if row.source == PUBLISHED}
            for row in theirs.execute(_IDENTITIES):
                copy = copies.get(row.uuid)
                if row.id not in wanted:
                    continue
                if row.status in _UNFINISHED:
                    unfinished.append(row.name)
                elif copy is None and not (row.source == PUBLISHED and row.name in published):
                    new.append(ImportableRun(row.id, row.name))
                elif copy is None or not (later := _attempts_since(theirs, row.id, ours, copy.id)):
                    stored.append(row.name)
                elif later == "both":
                    conflicts.append(_conflict(copy, "continued in both databases", "rm"))
                elif copy.status in _UNFINISHED:
                    conflicts.append(_conflict(copy, f"is {copy.status} here and continued there", "cancel"))
                else:
                    new.append(ImportableRun(row.id, row.name, copy.id))
        return ImportPlan(tuple(new), tuple(stored), tuple(unfinished), tuple(conflicts))

    def reserve_ids(self, count: int) -> int:
        """Reserves ids that no other run will get and whose folders are free. Returns the first."""
        with self._write() as session:
            return reserve_ids(session, self._folder, count)

    def write(self, other: "Imports", runs: Sequence[ImportedRun]) -> ImportOutcome:
        """Copies the rows of runs and the data sets they use, in one transaction.

        Raises `StoreError` if one of the runs was queued after the plan was made.
        """
        with other._read() as theirs, self._write() as ours:
            names = {imported.target: _copy_run(theirs, ours, imported) for imported in runs}
            data_sets, others = _copy_data_sets(theirs, ours, list(names))
        return ImportOutcome(names, data_sets, others)


def _attempts_since(theirs: Session, their_id: int, ours: Session, own_id: int) -> str:
    """The copies of a run with attempts that the other lacks: "" if not theirs, else "theirs" or "both"."""
    before, after = _attempts(ours, own_id), _attempts(theirs, their_id)
    if after == before[: len(after)]:
        return ""
    return "theirs" if before == after[: len(before)] else "both"


def _attempts(session: Session, run_id: int) -> list[Any]:
    found = select(Attempt.number, Attempt.started_at, Attempt.host).where(Attempt.run_id == run_id)
    return [tuple(row) for row in session.exec(found.order_by(col(Attempt.number))).all()]


def _conflict(copy: Any, what: str, command: str) -> str:
    return f"run {copy.id} ({copy.name}) {what}; to import that copy: ageui {command} {copy.id}, then import again"


def _copy_run(theirs: Session, ours: Session, imported: ImportedRun) -> str:
    """Copies a run. Returns its name here."""
    source, target = imported.run.id, imported.target
    row = next(_rows(theirs, Run, "id", source), None)
    if row is None or row["status"] in _UNFINISHED:
        raise StoreError(f"run {imported.run.name} changed in the other database during the import; import again")
    row |= {"id": target, "request": None, "position": float(target), "uuid": row["uuid"] or uuid.uuid4().hex}
    tags = list(_rows(theirs, RunTag, "run_id", source))
    if imported.run.replaces is None:
        row["name"] = _free_name(ours, row["name"])
    else:
        before = next(_rows(ours, Run, "id", target), None)
        if before is None or before["status"] in _UNFINISHED:
            raise StoreError(f"run {target} ({imported.run.name}) changed here during the import; import again")
        row |= {name: before[name] for name in _EDITED}
        tags = list(_rows(ours, RunTag, "run_id", target))
        ours.execute(delete(Run).where(col(Run.id) == target))
    _insert(ours, Run, [row])
    _insert(ours, RunTag, tags, run_id=target)
    _copy_item_sets(theirs, ours, source)
    for table in _COPIED:
        _insert(ours, table, _rows(theirs, table, "run_id", source), run_id=target)
    for checkpoint in _rows(theirs, Checkpoint, "run_id", source):
        path = imported.checkpoints.get((checkpoint["kind"], checkpoint["step"]))
        if path is not None:
            _insert(ours, Checkpoint, [checkpoint], run_id=target, path=path)
    return str(row["name"])


def _free_name(session: Session, name: str) -> str:
    """The name, with `-2`, `-3`, … appended if a run here has it."""
    number, free = 1, name
    while taken_names(session, [free]):
        number += 1
        ending = f"-{number}"
        free = name[: LONGEST_NAME - len(ending)] + ending
    return free


def _copy_item_sets(theirs: Session, ours: Session, run_id: int) -> None:
    for used in theirs.exec(select(Result.item_set).where(Result.run_id == run_id).distinct()).all():
        (item_set,) = _rows(theirs, ItemSet, "hash", used)
        stored = ours.exec(select(ItemSet.items).where(ItemSet.hash == used)).one_or_none()
        if stored != item_set["items"]:
            names_persons = stored is not None and item_set["items"] and unpack_items(item_set["items"]).subjects
            write_item_set(ours, item_set, has_subjects=bool(names_persons))


def _copy_data_sets(
    theirs: Session, ours: Session, run_ids: Sequence[int]
) -> tuple[tuple[DataSpec, ...], tuple[str, ...]]:
    """Registers the data sets of runs here. Returns also those registered with another description."""
    used: set[str] = set()
    for batch in batches(run_ids):
        name = func.json_extract(col(Run.data_spec), "$.name")
        used.update(ours.scalars(sql_select(name).where(col(Run.id).in_(batch)).distinct()))
    own = dict(ours.exec(select(DataSet.name, DataSet.spec)).all())
    added, others = [], []
    for row in theirs.exec(select(DataSet).where(col(DataSet.name).in_(used)).order_by(DataSet.name)).all():
        if row.name not in own:
            ours.add(DataSet(name=row.name, spec=row.spec, added_at=row.added_at, counts=row.counts, images=row.images))
            added.append(DataSpec.model_validate(row.spec))
        elif own[row.name] != row.spec:
            others.append(row.name)
    return tuple(added), tuple(others)


def _rows(session: Session, table: type[SQLModel], key: str, value: object) -> Iterator[dict[str, Any]]:
    """Rows by column, exactly as stored."""
    names = ", ".join(f'"{name}"' for name in _columns(table))
    statement = f'SELECT {names} FROM "{table.__tablename__}" WHERE "{key}" = ?'
    for row in session.connection().exec_driver_sql(statement, (value,)).mappings():
        yield dict(row)


def _insert(session: Session, table: type[SQLModel], rows: Iterable[dict[str, Any]], **changes: Any) -> None:
    names = _columns(table)
    into = f'"{table.__tablename__}" ({", ".join(names)})'
    statement = f"INSERT INTO {into} VALUES ({', '.join('?' * len(names))})"
    left = iter(rows)
    while batch := [tuple({**row, **changes}.values()) for row in itertools.islice(left, _ROWS_AT_ONCE)]:
        session.connection().exec_driver_sql(statement, batch)


def _columns(table: type[SQLModel]) -> list[str]:
    return [column.name for column in core_table(table).columns]
