"""Claims a queued run, which one process then owns."""

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ColumnElement, func, literal, update
from sqlmodel import Session, col, select

from ageui.store.clock import now
from ageui.store.column_types import UtcTime
from ageui.store.records import CheckpointRow
from ageui.store.run_rows import IS_QUEUED, QUEUE_ORDER, checkpoint_row
from ageui.store.tables import Attempt, Checkpoint, Run, Worker
from engine.config import RunConfig, build_config
from engine.data.spec import DataSpec
from engine.errors import ConfigError

TakeLock = Callable[[int], bool]
"""Takes the lock of the run with this id; returns False if another process holds it."""


@dataclass(frozen=True)
class Claim:
    """A run that this process owns. `checkpoints` are all of the run's, newest first.

    `is_adopted` if an earlier process began the attempt on a cluster; its events below `next_event` are stored.
    """

    run_id: int
    attempt: int
    name: str
    config: dict[str, Any]
    data_spec: dict[str, Any]
    checkpoints: tuple[CheckpointRow, ...]
    manifest: dict[str, Any] | None
    scoring_interval: int
    next_event: int = 0
    is_on_cluster: bool = False
    is_adopted: bool = False

    @property
    def states(self) -> tuple[CheckpointRow, ...]:
        """The training states to resume from, newest first."""
        return tuple(checkpoint for checkpoint in self.checkpoints if checkpoint.kind == "state")

    def run_config(self) -> RunConfig:
        """The validated config. Raises `ConfigError` if this ageui cannot run it."""
        return build_config(self.config)

    def run_data(self) -> DataSpec:
        """The validated description of the data. Raises `ConfigError` if this ageui cannot read it."""
        try:
            return DataSpec.model_validate(self.data_spec)
        except ValidationError as error:
            raise ConfigError(
                f"this ageui cannot read the description of the data of run {self.run_id}: {error}"
            ) from None


@dataclass(frozen=True)
class Claimant:
    """The owner of a run: the device, and the name of its worker, None for a command in the foreground.

    An attempt that `is_on_cluster` survives its worker.
    """

    worker: str | None
    device: str
    is_on_cluster: bool = False


class RunLockedError(Exception):
    """Another process holds the lock of the run to claim."""

    def __init__(self, run_id: int) -> None:
        super().__init__(run_id)
        self.run_id = run_id


def claim_run(session: Session, which: ColumnElement[bool], claimant: Claimant, take_lock: TakeLock) -> Claim | None:
    """Claims the queued run that `which` selects; None if there is none. Raises `RunLockedError` if `take_lock` fails.

    The same transaction updates the row of the claimant's worker. Nothing is written between a claim and its attempt,
    so nothing can fail there.
    """
    started = now()
    claimed = session.execute(
        update(Run)
        .where(which, col(Run.status) == "queued")
        .values(
            status="running",
            attempt=Run.attempt + 1,
            started_at=func.coalesce(Run.started_at, literal(started, UtcTime)),
            ended_at=None,
            error=None,
            failure=None,
            request=None,
        )
        .returning(col(Run.id))
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if claimed is None:
        return None
    if not take_lock(claimed):
        raise RunLockedError(claimed)
    run = session.get_one(Run, claimed)
    session.add(
        Attempt(
            run_id=claimed,
            number=run.attempt,
            started_at=started,
            pid=os.getpid(),
            host=socket.gethostname(),
            worker=claimant.worker,
            device=claimant.device,
            job="" if claimant.is_on_cluster else None,
        )
    )
    if claimant.worker is not None:
        mine = (col(Worker.device) == claimant.worker, col(Worker.pid) == os.getpid())
        session.execute(update(Worker).where(*mine).values(run_id=claimed, waiting_for=None))
    return _claim_of(session, run, is_on_cluster=claimant.is_on_cluster)


def adopt_run(session: Session, run_id: int, number: int, worker: str, take_lock: TakeLock) -> Claim | None:
    """Claims a running attempt on a cluster whose process has died; None if it has ended. Raises `RunLockedError` if
    `take_lock` fails.

    The attempt becomes that of `worker`, even if a worker on another partition began it.
    """
    run = session.get(Run, run_id)
    if run is None or run.attempt != number or run.status != "running":
        return None
    if not take_lock(run_id):
        raise RunLockedError(run_id)
    attempt = session.get_one(Attempt, (run_id, number))
    attempt.pid, attempt.host, attempt.worker = os.getpid(), socket.gethostname(), worker
    return _claim_of(session, run, is_on_cluster=True, is_adopted=True, next_event=attempt.next_event)


def _claim_of(session: Session, run: Run, **facts: Any) -> Claim:
    run_id = run.id or 0
    checkpoints = select(Checkpoint).where(Checkpoint.run_id == run_id).order_by(col(Checkpoint.step).desc())
    return Claim(
        run_id=run_id,
        attempt=run.attempt,
        name=run.name,
        config=run.config,
        data_spec=run.data_spec,
        checkpoints=tuple(checkpoint_row(item) for item in session.exec(checkpoints).all()),
        manifest=run.manifest,
        scoring_interval=run.scoring_interval,
        **facts,
    )


def is_next(devices: Sequence[str], skipped: Sequence[int] = ()) -> ColumnElement[bool]:
    """Selects the next queued run whose config names one of `devices`, except those skipped."""
    device = func.json_extract(col(Run.config), "$.device")
    first = (
        select(Run.id)
        .where(IS_QUEUED, device.in_(devices), col(Run.id).not_in(skipped))
        .order_by(*QUEUE_ORDER)
        .limit(1)
    )
    return col(Run.id) == first.scalar_subquery()
