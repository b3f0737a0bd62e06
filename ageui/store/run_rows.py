"""Runs and what belongs to them, from rows of tables to records."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Integer, Row, Select, literal_column, type_coerce
from sqlalchemy import select as sql_select
from sqlmodel import Session, SQLModel, col, select

from ageui.store.records import AttemptRow, CheckpointRow, RunRow, Summary
from ageui.store.tables import Attempt, Checkpoint, Metric, Run, RunSummary, RunTag
from engine.choices import REPORT_ATTRIBUTES
from engine.config import completed
from engine.errors import ConfigError
from engine.events import Epoch

RUN_ID: ColumnElement[int] = type_coerce(col(Run.id), Integer)
QUEUE_ORDER = (col(Run.priority).desc(), col(Run.position))
# Literals, not parameters: SQLite uses the partial indexes of queued and running runs only for a constant status.
IS_QUEUED: ColumnElement[bool] = col(Run.status) == literal_column("'queued'")
IS_RUNNING: ColumnElement[bool] = col(Run.status) == literal_column("'running'")

# Lists of runs select columns: building one object per row would take three times as long.
_RUN_FIELDS = tuple(field.name for field in fields(RunRow) if field.name not in ("tags", "summary"))
_SUMMARY_FIELDS = tuple(field.name for field in fields(Summary) if field.name not in ("bias", "p_value", "val_bias"))
_MEASURES = tuple(f"{kind}_{attribute}" for kind in ("bias", "p") for attribute in REPORT_ATTRIBUTES)
RUN_ROWS = sql_select(
    *(getattr(Run, name) for name in _RUN_FIELDS),
    *(getattr(RunSummary, name) for name in (*_SUMMARY_FIELDS, *_MEASURES)),
).join(RunSummary, col(RunSummary.run_id) == col(Run.id))
"""The columns that `run_rows` reads; callers add conditions and an order."""
_EPOCH = TypeAdapter(Epoch)
_NO_VALIDATION = {"val_loss": None, "val_mae": None}


def existing_run(session: Session, run_id: int) -> Run:
    """The run of that id. Raises `ConfigError` if there is none."""
    run = session.get(Run, run_id)
    if run is None:
        raise no_run(run_id)
    return run


def no_run(run_id: int) -> ConfigError:
    return ConfigError(f"there is no run {run_id}; see ageui ls for those there are")


def run_rows(session: Session, chosen: Select[Any]) -> list[RunRow]:
    """The records that `chosen`, made from `RUN_ROWS`, selects, with their tags."""
    found = session.execute(chosen).all()
    tags = _tags(session, [row[0] for row in found])
    return [_run_row(row, tags.get(row[0], ())) for row in found]


def checkpoint_row(item: Checkpoint) -> CheckpointRow:
    return CheckpointRow(**fields_of(CheckpointRow, item))


def attempt_row(item: Attempt) -> AttemptRow:
    return AttemptRow(**{**fields_of(AttemptRow, item), "notes": tuple(item.notes)})


def fields_of(record: type[Any], row: SQLModel) -> dict[str, Any]:
    """The columns of a row that are fields of a record, by name."""
    return {field.name: getattr(row, field.name) for field in fields(record)}


def history(session: Session, run_id: int) -> tuple[Epoch, ...]:
    """The ended epochs of a run, in order. Each field but `epoch` is a point of the curve `epoch/FIELD`."""
    # A range of keys, which the table is sorted by: a prefix would read the points of every step too.
    points = select(Metric.key, Metric.step, Metric.value).where(
        Metric.run_id == run_id, col(Metric.key) >= "epoch/", col(Metric.key) < "epoch0"
    )
    epochs: dict[int, dict[str, Any]] = {}
    for key, epoch, value in session.exec(points).all():
        epochs.setdefault(epoch, {"epoch": epoch, **_NO_VALIDATION})[key.removeprefix("epoch/")] = value
    return tuple(_EPOCH.validate_python(values) for _, values in sorted(epochs.items()))


def _tags(session: Session, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    if not ids:
        return {}
    found: dict[int, list[str]] = {}
    within = select(RunTag).where(col(RunTag.run_id).between(min(ids), max(ids)))
    for tag in session.exec(within.order_by(RunTag.tag)).all():
        found.setdefault(tag.run_id, []).append(tag.tag)
    return {run_id: tuple(tags) for run_id, tags in found.items()}


def _run_row(row: Row[Any], tags: tuple[str, ...]) -> RunRow:
    run = dict(zip(_RUN_FIELDS, row, strict=False))
    run["config"] = completed(run["config"])
    summary = dict(zip(_SUMMARY_FIELDS, row[len(_RUN_FIELDS) :], strict=False))
    measures = row[len(_RUN_FIELDS) + len(_SUMMARY_FIELDS) :]
    half = len(REPORT_ATTRIBUTES)
    bias = dict(zip(REPORT_ATTRIBUTES, measures[:half], strict=True))
    p_value = dict(zip(REPORT_ATTRIBUTES, measures[half:], strict=True))
    return RunRow(**run, tags=tags, summary=Summary(**summary, bias=bias, p_value=p_value))
