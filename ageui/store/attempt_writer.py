"""Writing runs and what they say. Every write of an attempt is fenced: it is refused once the attempt lost its run."""

import os
import socket
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Table, delete, update
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Session, SQLModel, col, select

from ageui.store.clock import now
from ageui.store.item_sets import pack_items
from ageui.store.names import friendly_name, valid_name, valid_tag
from ageui.store.tables import (
    STATUSES,
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
from engine.choices import REPORT_ATTRIBUTES, SPLITS
from engine.config import RunConfig
from engine.data.spec import DataSpec
from engine.errors import ConfigError, StoreError
from engine.fairness import SplitResult

if TYPE_CHECKING:
    from engine.events import CheckpointWritten, EpochEnded, Evaluated

EPOCH_FIELDS = ("stage", "step", "train_loss", "val_loss", "val_mae", "lr", "seconds", "images_per_second", "is_best")


def add_run(session: Session, config: RunConfig, spec: DataSpec, name: str | None, tags: Sequence[str]) -> int:
    """Inserts a queued run and returns its id."""

    def is_taken(text: str) -> bool:
        return session.exec(select(Run.id).where(Run.name == text)).first() is not None

    chosen = None if name is None else valid_name(name)
    if chosen is not None and is_taken(chosen):
        raise ConfigError(f"there is a run named {chosen!r} already; choose another --name")
    labels = {valid_tag(tag) for tag in tags}
    run = Run(
        name=chosen or uuid.uuid4().hex,
        config=config.model_dump(mode="json"),
        config_hash=config.hash,
        created_at=now(),
        data_spec=spec.model_dump(mode="json"),
    )
    session.add(run)
    session.flush()
    assert run.id is not None
    run.name = chosen or friendly_name(run.id, is_taken)
    session.add(Summary(run_id=run.id, epochs=sum(config.epochs)))
    session.add_all(RunTag(run_id=run.id, tag=tag) for tag in labels)
    return run.id


def claim(session: Session, run_id: int) -> int | None:
    """Makes this process the owner of a queued run: the number of its attempt, None where it is not queued."""
    started = now()
    number = session.execute(
        update(Run)
        .where(col(Run.id) == run_id, col(Run.status) == "queued")
        .values(status="running", attempt=Run.attempt + 1, started_at=started, ended_at=None, error=None)
        .returning(col(Run.attempt))
    ).scalar_one_or_none()
    if number is None:
        return None
    session.add(Attempt(run_id=run_id, number=number, started_at=started, pid=os.getpid(), host=socket.gethostname()))
    return int(number)


def owned_run(session: Session, run_id: int, attempt: int) -> Run:
    """The run, if this attempt still owns it. Raises `StoreError` where it was ended, requeued or claimed anew."""
    owned = select(Run).where(Run.id == run_id, Run.attempt == attempt, Run.status == "running")
    run = session.exec(owned).one_or_none()
    if run is None:
        raise StoreError(
            f"run {run_id} is no longer owned by attempt {attempt}: it was stopped, or another process took it over; "
            f"nothing more is stored for this attempt, see ageui show {run_id}"
        )
    return run


def record_started(session: Session, run: Run, manifest: dict[str, Any]) -> None:
    data = manifest.get("data", {})
    run.manifest, run.data_hash, run.splits = manifest, data.get("hash"), data.get("splits")
    attempt = session.get_one(Attempt, (run.id, run.attempt))
    attempt.manifest = manifest


def record_metrics(
    session: Session, run: Run, epoch: "EpochEnded | None", points: Iterable[tuple[str, int, float]]
) -> None:
    rows: list[dict[str, Any]] = [
        {"run_id": run.id, "key": key, "step": step, "value": value} for key, step, value in points
    ]
    summary = session.get_one(Summary, run.id)
    if rows:
        summary.step = max(summary.step or 0, *(row["step"] for row in rows))
    if epoch is not None:
        values = {name: getattr(epoch, name) for name in EPOCH_FIELDS}
        rows += [
            {"run_id": run.id, "key": f"epoch/{name}", "step": epoch.epoch, "value": float(value)}
            for name, value in values.items()
            if value is not None
        ]
        summary.stage, summary.epoch, summary.step = epoch.stage, epoch.epoch, epoch.step
        summary.train_loss, summary.val_loss, summary.val_mae = epoch.train_loss, epoch.val_loss, epoch.val_mae
        if epoch.is_best:
            summary.best_epoch, summary.best_val_loss = epoch.epoch, epoch.val_loss
    if rows:
        points_upsert = insert(_table(Metric))
        session.execute(
            points_upsert.on_conflict_do_update(
                index_elements=["run_id", "key", "step"], set_={"value": points_upsert.excluded.value}
            ),
            rows,
        )


def record_evaluated(session: Session, run: Run, scored: "Evaluated", target: str, data_name: str) -> None:
    """Stores the scores of one split in place of any earlier ones."""
    split, result = scored.split, scored.result
    digest, blob = pack_items(scored.items, split, target)
    item_set = {
        "hash": digest, "n": result.n, "split": split, "target": target, "data_name": data_name, "items": blob,
    }  # fmt: skip
    session.execute(insert(_table(ItemSet)).on_conflict_do_nothing(), item_set)
    session.execute(delete(Result).where(col(Result.run_id) == run.id, col(Result.split) == split))
    key = {"run_id": run.id, "split": split}
    interval, baseline = result.mae_interval, result.baseline
    scores = {
        "n": result.n,
        "mae": result.mae,
        "mae_low": interval and interval.low,
        "mae_high": interval and interval.high,
        "signed": result.signed,
        "baseline_age": baseline and baseline.age,
        "baseline_mae": baseline and baseline.mae,
        "item_set": digest,
    }
    session.execute(insert(_table(Result)), {**key, **scores})
    predicted = np.ascontiguousarray(scored.predicted, dtype="<f4").tobytes()
    session.execute(insert(_table(Prediction)), {**key, "predicted": predicted})
    biases, groups = _bias_rows(result, key), _group_rows(result, key)
    if biases:
        session.execute(insert(_table(Bias)), biases)
    if groups:
        session.execute(insert(_table(GroupScore)), groups)
    _summarise(session.get_one(Summary, run.id), split, result)


def record_checkpoint(
    session: Session, run: Run, written: "CheckpointWritten", kind: str, run_folder: Path, folder: Path
) -> None:
    path = run_folder / written.path
    stored = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix()
    checkpoint = Checkpoint(
        run_id=run.id or 0,
        kind=kind,
        step=written.step,
        epoch=written.epoch,
        path=stored,
        sha256=written.sha256,
        bytes=written.bytes,
    )
    session.merge(checkpoint)


def finish(session: Session, run: Run, status: str, reason: str) -> None:
    if status not in STATUSES:
        raise ValueError(f"{status!r} is none of {', '.join(STATUSES)}")
    attempt = session.get_one(Attempt, (run.id, run.attempt))
    run.status, run.ended_at, run.error = status, now(), None if status == "done" else _storable(reason)
    attempt.outcome, attempt.ended_at, attempt.reason = status, run.ended_at, _storable(reason)


def _bias_rows(result: SplitResult, key: dict[str, Any]) -> list[dict[str, Any]]:
    baseline = result.baseline.bias if result.baseline else {}
    return [
        {
            **key,
            "attribute": bias.attribute,
            "position": position,
            "value": bias.value,
            "reason": bias.reason,
            "low": bias.interval and bias.interval.low,
            "high": bias.interval and bias.interval.high,
            "noise_mean": bias.noise and bias.noise.mean,
            "noise_p95": bias.noise and bias.noise.p95,
            "baseline": baseline.get(bias.attribute),
            "missing": bias.missing,
        }
        for position, bias in enumerate(result.biases)
    ]


def _group_rows(result: SplitResult, key: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            **key,
            "attribute": bias.attribute,
            "position": position,
            "group_name": group.group,
            "n": group.n,
            "mae": group.mae,
            "signed": group.signed,
        }
        for bias in result.biases
        for position, group in enumerate(bias.groups)
    ]


def _summarise(summary: Summary, split: str, result: SplitResult) -> None:
    """Takes the scores of `split` into the summary unless a split that says more is there: test, then valid."""
    if summary.split is not None and SPLITS.index(split) < SPLITS.index(summary.split):
        return
    interval = result.mae_interval
    summary.split, summary.mae = split, result.mae
    summary.mae_low, summary.mae_high = (interval.low, interval.high) if interval else (None, None)
    summary.baseline_mae = result.baseline.mae if result.baseline else None
    for attribute in REPORT_ATTRIBUTES:
        bias = result.bias(attribute)
        setattr(summary, f"bias_{attribute}", bias.value if bias else None)
        setattr(summary, f"noise_{attribute}", bias.noise.p95 if bias and bias.noise else None)


def _storable(text: str) -> str:
    """Lone surrogates, as in file names that are not UTF-8, cannot be stored as text."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _table(model: type[SQLModel]) -> Table:
    table: Table = model.__table__  # type: ignore[attr-defined]
    return table
