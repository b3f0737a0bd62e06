"""Reading runs into plain records."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Integer, Row, Select, distinct, func, literal_column, type_coerce
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from ageui.store import records
from ageui.store.fields import config_value
from ageui.store.filters import ordering, where
from ageui.store.item_sets import unpack_items
from ageui.store.tables import (
    Attempt,
    Bias,
    Checkpoint,
    GroupScore,
    ItemSet,
    Metric,
    Prediction,
    Result,
    Run,
    RunTag,
    Summary,
)
from ageui.text.clean import clean
from engine.choices import REPORT_ATTRIBUTES, SPLITS
from engine.config import RunConfig, completed
from engine.errors import ConfigError
from engine.fairness import Baseline, BiasResult, GroupResult, Interval, Noise, SplitResult

QUEUE_ORDER = (col(Run.priority).desc(), col(Run.position))
# Written out: SQLite uses the indexes of queued and running runs only where the status is no parameter.
IS_QUEUED: ColumnElement[bool] = col(Run.status) == literal_column("'queued'")
IS_RUNNING: ColumnElement[bool] = col(Run.status) == literal_column("'running'")

# Lists of runs read columns: an object each would take three times as long.
_RUN_FIELDS = tuple(name for name in records.RunRow.__dataclass_fields__ if name not in ("tags", "summary"))
_SUMMARY_FIELDS = tuple(name for name in records.Summary.__dataclass_fields__ if name not in ("bias", "noise"))
_MEASURES = tuple(f"{kind}_{attribute}" for kind in ("bias", "noise") for attribute in REPORT_ATTRIBUTES)
_ROWS = sql_select(
    *(getattr(Run, name) for name in _RUN_FIELDS), *(getattr(Summary, name) for name in (*_SUMMARY_FIELDS, *_MEASURES))
).join(Summary, col(Summary.run_id) == col(Run.id))
_CANDIDATES_SHOWN = 8
RUN_ID: ColumnElement[int] = type_coerce(col(Run.id), Integer)


def runs(
    session: Session, filter: str | None, order: str = "-id", limit: int | None = None, offset: int = 0
) -> list[records.RunRow]:
    by = ordering(order)
    if limit is None:
        return _run_rows(session, _ROWS.where(where(filter or "")).order_by(*by).offset(offset))
    # Which runs are on a page is found out by their ids alone: whole rows are much slower to sort.
    page = _filtered(RUN_ID, filter).order_by(*by).limit(limit).offset(offset)
    return _run_rows(session, _ROWS.where(col(Run.id).in_(page)).order_by(*by))


def count(session: Session, filter: str | None) -> int:
    return int(session.execute(_filtered(func.count(col(Run.id)), filter)).scalar_one())


def status_counts(session: Session) -> dict[str, int]:
    """How many runs there are of each status, archived ones left out."""
    shown = select(Run.status, func.count()).where(col(Run.archived_at).is_(None))
    return dict(session.exec(shown.group_by(Run.status)).all())


def varying(session: Session, filter: str | None) -> tuple[str, ...]:
    """The config fields that are not the same in all runs that a filter finds, in the order of a config."""
    names = list(RunConfig.model_fields)
    kinds = [func.count(distinct(config_value(name))) for name in names]
    found = session.execute(
        sql_select(*kinds).join(Summary, col(Summary.run_id) == col(Run.id)).where(where(filter or ""))
    ).one()
    return tuple(name for name, different in zip(names, found, strict=True) if different > 1)


def queued(session: Session) -> list[records.RunRow]:
    """The queued runs in the order in which they are taken."""
    return _run_rows(session, _ROWS.where(IS_QUEUED).order_by(*QUEUE_ORDER))


def find(session: Session, reference: str) -> list[int]:
    """The ids that a RUN means: an id, else an exact name, else those that a filter finds, oldest first."""
    if not reference.strip():
        raise ConfigError("no run is named; give an id, a name or a filter")
    if reference.isdecimal():
        number = int(reference) if len(reference) < 19 else -1
        return list(session.exec(select(RUN_ID).where(Run.id == number)).all())
    named = select(RUN_ID).where(Run.name == reference)
    if not _has_surrogate(reference) and (found := list(session.exec(named).all())):
        return found
    return ids(session, reference)


def ids(session: Session, filter: str) -> list[int]:
    """The ids of the runs that a filter finds, oldest first."""
    return list(session.scalars(_filtered(RUN_ID, filter).order_by(col(Run.id))).all())


def one(session: Session, reference: str) -> int:
    ids = find(session, reference)
    if len(ids) == 1:
        return ids[0]
    shown = clean(reference)
    if not ids:
        raise ConfigError(f"there is no run {shown!r}; see ageui ls for those there are")
    names = session.exec(select(Run.id, Run.name).where(col(Run.id).in_(ids[:_CANDIDATES_SHOWN]))).all()
    listed = ", ".join(f"{number} {clean(name)}" for number, name in names)
    more = f" and {len(ids) - len(names)} more" if len(ids) > len(names) else ""
    raise ConfigError(f"{shown!r} means {len(ids)} runs: {listed}{more}; give one's id or whole name")


def rows(session: Session, run_ids: Sequence[int]) -> dict[int, records.RunRow]:
    """The runs of these that are there, by id."""
    return {found.id: found for found in _run_rows(session, _ROWS.where(col(Run.id).in_(run_ids)))}


def row(session: Session, run_id: int) -> records.RunRow:
    found = _run_rows(session, _ROWS.where(col(Run.id) == run_id))
    if not found:
        raise _no_run(run_id)
    return found[0]


def detail(session: Session, run_id: int) -> records.RunDetail:
    run = _run(session, run_id)
    checkpoints = select(Checkpoint).where(Checkpoint.run_id == run_id).order_by(col(Checkpoint.step), Checkpoint.kind)
    attempts = select(Attempt).where(Attempt.run_id == run_id).order_by(col(Attempt.number))
    return records.RunDetail(
        row=row(session, run_id),
        data_spec=run.data_spec,
        data_hash=run.data_hash,
        splits=run.splits,
        manifest=run.manifest,
        history=_history(session, run_id),
        results=_results(session, run_id),
        checkpoints=tuple(checkpoint_row(item) for item in session.exec(checkpoints).all()),
        attempts=tuple(_attempt_row(item) for item in session.exec(attempts).all()),
    )


def checkpoints(session: Session, run_id: int | None) -> list[tuple[records.CheckpointRow, str, int]]:
    found = select(Checkpoint, Run.status).join(Run, col(Run.id) == col(Checkpoint.run_id))
    if run_id is not None:
        found = found.where(col(Checkpoint.run_id) == run_id)
    ordered = found.order_by(col(Checkpoint.run_id), col(Checkpoint.step))
    return [(checkpoint_row(item), status, item.run_id) for item, status in session.exec(ordered).all()]


def metric(session: Session, run_id: int, key: str, after: int) -> list[tuple[int, float]]:
    points = select(Metric.step, Metric.value).where(
        Metric.run_id == run_id, Metric.key == key, col(Metric.step) > after
    )
    return [(step, value) for step, value in session.exec(points.order_by(col(Metric.step))).all()]


def predictions(session: Session, run_id: int, split: str) -> records.Predictions | None:
    found = session.exec(
        select(ItemSet, Prediction)
        .join(Result, col(Result.item_set) == col(ItemSet.hash))
        .join(Prediction, (col(Prediction.run_id) == Result.run_id) & (col(Prediction.split) == Result.split))
        .where(Result.run_id == run_id, Result.split == split)
    ).one_or_none()
    if found is None:
        return None
    item_set, prediction = found
    items = unpack_items(item_set.items)
    predicted = np.frombuffer(prediction.predicted, dtype="<f4").astype(np.float32)
    return records.Predictions(split, item_set.hash, items.names, items.ages, items.attributes, predicted)


def _filtered(what: ColumnElement[Any], filter: str | None) -> Select[Any]:
    return sql_select(what).join(Summary, col(Summary.run_id) == col(Run.id)).where(where(filter or ""))


def _run(session: Session, run_id: int) -> Run:
    run = session.get(Run, run_id)
    if run is None:
        raise _no_run(run_id)
    return run


def _no_run(run_id: int) -> ConfigError:
    return ConfigError(f"there is no run {run_id}; see ageui ls for those there are")


def _tags(session: Session, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    if not ids:
        return {}
    found: dict[int, list[str]] = {}
    within = select(RunTag).where(col(RunTag.run_id).between(min(ids), max(ids)))
    for tag in session.exec(within.order_by(RunTag.tag)).all():
        found.setdefault(tag.run_id, []).append(tag.tag)
    return {run_id: tuple(tags) for run_id, tags in found.items()}


def _run_rows(session: Session, chosen: Select[Any]) -> list[records.RunRow]:
    found = session.execute(chosen).all()
    tags = _tags(session, [row[0] for row in found])
    return [_run_row(row, tags.get(row[0], ())) for row in found]


def _run_row(row: Row[Any], tags: tuple[str, ...]) -> records.RunRow:
    run = dict(zip(_RUN_FIELDS, row, strict=False))
    run["config"] = completed(run["config"])
    summary = dict(zip(_SUMMARY_FIELDS, row[len(_RUN_FIELDS) :], strict=False))
    measures = row[len(_RUN_FIELDS) + len(_SUMMARY_FIELDS) :]
    half = len(REPORT_ATTRIBUTES)
    bias = dict(zip(REPORT_ATTRIBUTES, measures[:half], strict=True))
    noise = dict(zip(REPORT_ATTRIBUTES, measures[half:], strict=True))
    return records.RunRow(**run, tags=tags, summary=records.Summary(**summary, bias=bias, noise=noise))


def checkpoint_row(item: Checkpoint) -> records.CheckpointRow:
    return records.CheckpointRow(item.kind, item.path, item.epoch, item.step, item.sha256, item.bytes)


def _attempt_row(item: Attempt) -> records.AttemptRow:
    return records.AttemptRow(
        **{name: getattr(item, name) for name in records.AttemptRow.__dataclass_fields__ if name != "notes"},
        notes=tuple(item.notes),
    )


def _history(session: Session, run_id: int) -> tuple[records.Epoch, ...]:
    points = select(Metric.key, Metric.step, Metric.value).where(
        Metric.run_id == run_id, col(Metric.key).startswith("epoch/")
    )
    epochs: dict[int, dict[str, Any]] = {}
    for key, epoch, value in session.exec(points).all():
        epochs.setdefault(epoch, {})[key.removeprefix("epoch/")] = value
    return tuple(
        records.Epoch(
            stage=int(values["stage"]),
            epoch=epoch,
            step=int(values["step"]),
            train_loss=values["train_loss"],
            val_loss=values.get("val_loss"),
            val_mae=values.get("val_mae"),
            lr=values["lr"],
            seconds=values["seconds"],
            images_per_second=values["images_per_second"],
            is_best=bool(values["is_best"]),
        )
        for epoch, values in sorted(epochs.items())
    )


def _results(session: Session, run_id: int) -> tuple[records.SplitScores, ...]:
    """The scored splits of a run in the order train, valid, test."""
    found = session.exec(
        select(Result, ItemSet.target, ItemSet.data_name)
        .join(ItemSet, col(ItemSet.hash) == col(Result.item_set))
        .where(Result.run_id == run_id)
    ).all()
    biases = session.exec(select(Bias).where(Bias.run_id == run_id).order_by(col(Bias.position))).all()
    groups = session.exec(
        select(GroupScore).where(GroupScore.run_id == run_id).order_by(col(GroupScore.position))
    ).all()
    scores = [
        records.SplitScores(
            result.split,
            result.item_set,
            target,
            data_name,
            _split_result(result, [bias for bias in biases if bias.split == result.split], groups),
        )
        for result, target, data_name in found
    ]
    return tuple(sorted(scores, key=lambda item: SPLITS.index(item.split)))


def _split_result(result: Result, biases: Sequence[Bias], groups: Sequence[GroupScore]) -> SplitResult:
    baseline = None
    if result.baseline_age is not None and result.baseline_mae is not None:
        constant_bias = {bias.attribute: bias.baseline for bias in biases}
        baseline = Baseline(result.baseline_age, result.baseline_mae, constant_bias)
    return SplitResult(
        n=result.n,
        mae=result.mae,
        mae_interval=_interval(result.mae_low, result.mae_high),
        signed=result.signed,
        biases=tuple(_bias_result(bias, groups) for bias in biases),
        baseline=baseline,
    )


def _bias_result(bias: Bias, groups: Sequence[GroupScore]) -> BiasResult:
    own = [group for group in groups if (group.split, group.attribute) == (bias.split, bias.attribute)]
    noise = None
    if bias.noise_mean is not None and bias.noise_p95 is not None:
        noise = Noise(bias.noise_mean, bias.noise_p95)
    return BiasResult(
        attribute=bias.attribute,
        value=bias.value,
        reason=bias.reason,
        interval=_interval(bias.low, bias.high),
        noise=noise,
        groups=tuple(GroupResult(group.group_name, group.n, group.mae, group.signed) for group in own),
        missing=bias.missing,
    )


def _interval(low: float | None, high: float | None) -> Interval | None:
    return None if low is None or high is None else Interval(low, high)


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
