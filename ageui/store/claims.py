"""Claims: who works on which run."""

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ColumnElement, func, literal, update
from sqlmodel import Session, col, select

from ageui.store import run_queries
from ageui.store.clock import now
from ageui.store.column_types import UtcTime
from ageui.store.records import CheckpointRow
from ageui.store.tables import Attempt, Checkpoint, Run, Worker
from engine.config import RunConfig, build_config
from engine.data.spec import DataSpec
from engine.errors import ConfigError

Hold = Callable[[int], bool]


@dataclass(frozen=True)
class Claim:
    """A run that is this process's to work on. `checkpoints` are all that it has, the newest first."""

    run_id: int
    attempt: int
    name: str
    config: dict[str, Any]
    data_spec: dict[str, Any]
    checkpoints: tuple[CheckpointRow, ...]
    manifest: dict[str, Any] | None

    @property
    def states(self) -> tuple[CheckpointRow, ...]:
        """The training states that it may go on from, the newest first."""
        return tuple(checkpoint for checkpoint in self.checkpoints if checkpoint.kind == "state")

    def run_config(self) -> RunConfig:
        """The config, validated. Raises `ConfigError` for one that this ageui cannot run."""
        return build_config(self.config)

    def run_data(self) -> DataSpec:
        """The description of the data, validated. Raises `ConfigError` for one that this ageui cannot read."""
        try:
            return DataSpec.model_validate(self.data_spec)
        except ValidationError as error:
            raise ConfigError(
                f"the data of run {self.run_id} is described in a way this ageui cannot read: {error}"
            ) from None


@dataclass(frozen=True)
class Claimant:
    """Who works on a run: the worker of a device, or None for a command in the foreground, and the device."""

    worker: str | None
    device: str


class NotHeldError(Exception):
    """The run that was about to be claimed cannot be had now."""

    def __init__(self, run_id: int) -> None:
        super().__init__(run_id)
        self.run_id = run_id


def claim_run(session: Session, which: ColumnElement[bool], claimant: Claimant, hold: Hold) -> Claim | None:
    """Claims the queued run that `which` names; None where there is none, `NotHeldError` where `hold` refuses it.

    The row of the claimant's worker says so in the same transaction: nothing has to be written between a claim and its
    attempt, and so nothing can fail there.
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
    if not hold(claimed):
        raise NotHeldError(claimed)
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
        )
    )
    if claimant.worker is not None:
        mine = (col(Worker.device) == claimant.worker, col(Worker.pid) == os.getpid())
        session.execute(update(Worker).where(*mine).values(run_id=claimed, waiting_for=None))
    checkpoints = select(Checkpoint).where(Checkpoint.run_id == claimed).order_by(col(Checkpoint.step).desc())
    return Claim(
        run_id=claimed,
        attempt=run.attempt,
        name=run.name,
        config=run.config,
        data_spec=run.data_spec,
        checkpoints=tuple(run_queries.checkpoint_row(item) for item in session.exec(checkpoints).all()),
        manifest=run.manifest,
    )


def next_run(devices: Sequence[str], skipped: Sequence[int]) -> ColumnElement[bool]:
    """The queued run that is next of those whose config names one of `devices`, without those that were skipped."""
    device = func.json_extract(col(Run.config), "$.device")
    first = (
        select(Run.id)
        .where(run_queries.IS_QUEUED, device.in_(devices), col(Run.id).not_in(skipped))
        .order_by(*run_queries.QUEUE_ORDER)
        .limit(1)
    )
    return col(Run.id) == first.scalar_subquery()
