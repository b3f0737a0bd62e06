"""Converts rows of runs and related tables to records."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Integer, Row, Select, func, literal_column, type_coerce
from sqlalchemy import select as sql_select
from sqlmodel import Session, SQLModel, col, select

from ageui.store.records import AttemptRow, CheckpointRow, RunRow, Summary, Whereabouts
from ageui.store.tables import IMPORTED, Attempt, Checkpoint, Run, RunSummary, RunTag
from engine.choices import REPORT_ATTRIBUTES
from engine.config import completed
from engine.errors import ConfigError
from engine.recipe import FIRST_REVISION

RUN_ID: ColumnElement[int] = type_coerce(col(Run.id), Integer)
QUEUE_ORDER = (col(Run.priority).desc(), col(Run.position))
# Literals, not parameters: SQLite uses the partial indexes of queued and running runs only for a constant status.
IS_QUEUED: ColumnElement[bool] = col(Run.status) == literal_column("'queued'")
IS_RUNNING: ColumnElement[bool] = col(Run.status) == literal_column("'running'")

# Lists of runs select columns, because building an object per row would take three times as long.
_RUN_FIELDS = tuple(field.name for field in fields(RunRow) if field.name not in ("tags", "summary"))
_ATTEMPT_FIELDS = tuple(field.name for field in fields(AttemptRow) if field.name != "where")
_OF_ATTRIBUTES = ("bias", "p_value", "val_bias")
_SUMMARY_FIELDS = tuple(field.name for field in fields(Summary) if field.name not in _OF_ATTRIBUTES)
_MEASURES = tuple(f"{kind}_{attribute}" for kind in ("bias", "p", "val_bias") for attribute in REPORT_ATTRIBUTES)
RUN_ROWS = sql_select(
    *(getattr(Run, name) for name in _RUN_FIELDS),
    *(getattr(RunSummary, name) for name in (*_SUMMARY_FIELDS, *_MEASURES)),
).join(RunSummary, col(RunSummary.run_id) == col(Run.id))
"""The columns that `run_rows` reads; callers add conditions and an order."""
RESOLVED = tuple(
    func.json_extract(col(Run.manifest), path) for path in ("$.dtype", "$.recipe", "$.weights.sha256", "$.derived")
)
"""The parts of a run's manifest that decide its figures, besides its config, for `resolved_manifest`."""


def existing_run(session: Session, run_id: int) -> Run:
    """The run with that id. Raises `ConfigError` without one."""
    run = session.get(Run, run_id)
    if run is None:
        raise no_run(run_id)
    return run


def no_run(run_id: int) -> ConfigError:
    return ConfigError(f"run {run_id} does not exist; list the runs with: ageui ls")


def run_rows(session: Session, chosen: Select[Any]) -> list[RunRow]:
    """The records, with tags, selected by `chosen`, which is made from `RUN_ROWS`."""
    found = session.execute(chosen).all()
    tags = _tags(session, [row[0] for row in found])
    return [_run_row(row, tags.get(row[0], ())) for row in found]


def resolved_manifest(dtype: str | None, recipe: int | None, sha256: str | None, derived: str | None) -> dict[str, Any]:
    """A manifest with only the values of `RESOLVED`."""
    return {"dtype": dtype, "recipe": recipe or FIRST_REVISION, "weights": {"sha256": sha256}, "derived": derived}


def checkpoint_row(item: Checkpoint) -> CheckpointRow:
    return CheckpointRow(**fields_of(CheckpointRow, item))


def attempt_row(item: Attempt) -> AttemptRow:
    stored = {name: getattr(item, name) for name in _ATTEMPT_FIELDS}
    return AttemptRow(**{**stored, "notes": tuple(item.notes), "where": whereabouts(item)})


def whereabouts(item: Attempt) -> Whereabouts | None:
    """Where an attempt runs on a cluster; None elsewhere."""
    return None if item.job is None else Whereabouts(item.job, item.node, item.gpu, item.waiting_for)


def fields_of(record: type[Any], row: SQLModel) -> dict[str, Any]:
    """The columns of a row that are fields of a record, by name."""
    return {field.name: getattr(row, field.name) for field in fields(record)}


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
    run["config"] = run["config"] if run["source"] == IMPORTED else completed(run["config"])
    summary = dict(zip(_SUMMARY_FIELDS, row[len(_RUN_FIELDS) :], strict=False))
    measures = row[len(_RUN_FIELDS) + len(_SUMMARY_FIELDS) :]
    count = len(REPORT_ATTRIBUTES)
    by_attribute: dict[str, Any] = {
        name: dict(zip(REPORT_ATTRIBUTES, measures[place * count :], strict=False))
        for place, name in enumerate(_OF_ATTRIBUTES)
    }
    return RunRow(**run, tags=tags, summary=Summary(**summary, **by_attribute))
