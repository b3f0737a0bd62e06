"""The queue: every change of a run's status but those that its attempt writes itself.

queued ──claim──▶ running ──▶ done · diverged · failed · interrupted (in the foreground)
  ▲  ▲               │ └──▶ queued again: its worker was stopped, or its process died
  │  └──resume── paused ◀── pause, which a running run obeys after its step
  └──retry── failed · cancelled · interrupted · diverged (from the start)
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CursorResult, and_, bindparam, delete, update
from sqlmodel import Session, col, select

from ageui.store import run_queries
from ageui.store.attempt_writer import crash, request_of
from ageui.store.claims import Claim, Claimant, Hold, NotHeldError, claim_run, next_run
from ageui.store.clock import now
from ageui.store.enqueue import valid_priority
from ageui.store.records import RunRow
from ageui.store.tables import MEASURED, Attempt, Checkpoint, Metric, QueueHold, Result, Run, Summary, core_table
from engine.errors import ConfigError

Sessions = Callable[[], AbstractContextManager[Session]]
Place = Literal["first", "last", "before", "after"]

ENDED = ("done", "diverged", "failed", "cancelled")


@dataclass(frozen=True)
class RunningRun:
    """A run that is said to run. `worker` is None for one in the foreground."""

    run_id: int
    attempt: int
    worker: str | None


@dataclass(frozen=True)
class Held:
    """Why and since when no queued run is taken."""

    reason: str
    since: datetime


class RunQueue:
    """The queue of an opened store. Every method may raise `StoreError`.

    Commands for a run that is in no state for them raise `ConfigError`, which says what it is in.
    """

    def __init__(self, read: Sessions, write: Sessions) -> None:
        self._read = read
        self._write = write

    # Claims

    def claim_next(self, claimant: Claimant, devices: Sequence[str], hold: Hold) -> Claim | None:
        """The next queued run whose config names one of `devices`; None where there is none or the queue is paused.

        `hold` is called with a run's id before the claim is committed, so that nobody sees a running run that nobody
        holds; where it returns False the run is passed over.
        """
        skipped: list[int] = []
        while True:
            try:
                with self._write() as session:
                    if session.get(QueueHold, 1) is not None:
                        return None
                    return claim_run(session, next_run(devices, skipped), claimant, hold)
            except NotHeldError as skip:
                skipped.append(skip.run_id)

    def claim(self, run_id: int, claimant: Claimant, hold: Hold) -> Claim | None:
        """The queued run of that id; None where it is not queued, or `hold` returns False. A paused queue is no bar."""
        try:
            with self._write() as session:
                return claim_run(session, col(Run.id) == run_id, claimant, hold)
        except NotHeldError:
            return None

    def claim_in(self, session: Session, run_id: int, claimant: Claimant, hold: Hold) -> Claim:
        """Claims a run inside the transaction that adds it. Raises `NotHeldError` where `hold` refuses it."""
        claim = claim_run(session, col(Run.id) == run_id, claimant, hold)
        assert claim is not None
        return claim

    def next_run(self, devices: Sequence[str]) -> int | None:
        """The run that `claim_next` would find now, None where there is none. Takes no lock."""
        with self._read() as session:
            if session.get(QueueHold, 1) is not None:
                return None
            return session.exec(select(Run.id).where(next_run(devices, []))).first()

    def has_work(self, devices: Sequence[str]) -> bool:
        """Whether `claim_next` would find a run. Takes no lock."""
        return self.next_run(devices) is not None

    def request(self, run_id: int, attempt: int) -> str | None:
        """What a running attempt is asked to do: `pause`, `cancel`, `kill`, None, or `lost` where it lost its run."""
        with self._read() as session:
            return request_of(session, run_id, attempt)

    # Reading

    def waiting(self) -> list[RunRow]:
        """The queued runs in the order in which they are taken."""
        with self._read() as session:
            return run_queries.queued(session)

    def running(self) -> list[RunningRun]:
        with self._read() as session:
            return _running(session)

    def held(self) -> Held | None:
        """Why the queue is paused; None where it is not."""
        with self._read() as session:
            row = session.get(QueueHold, 1)
            return Held(row.reason, row.held_at) if row is not None else None

    # Commands

    def hold(self, reason: str) -> None:
        """Pauses the queue: no queued run is taken until `release`. Runs that are running go on."""
        with self._write() as session:
            session.merge(QueueHold(id=1, reason=reason, held_at=now()))

    def release(self) -> bool:
        """Lets the queue go on; False where it was not paused."""
        with self._write() as session:
            return _rows(session.execute(delete(QueueHold))) > 0

    def cancel(self, run_id: int, *, at_once: bool = False) -> str:
        """Ends a run that is not finished. Returns its status: a running one is only asked to stop, or killed."""
        with self._write() as session:
            run = _run(session, run_id)
            if run.status == "running":
                run.request = "kill" if at_once or run.request == "kill" else "cancel"
            elif run.status in ("queued", "paused", "interrupted"):
                run.status, run.ended_at, run.error = "cancelled", now(), "cancelled by the user"
            else:
                raise ConfigError(f"run {run_id} ({run.name}) is {run.status} already: there is nothing to cancel")
            return run.status

    def pause(self, run_id: int) -> str:
        """Keeps a queued run from being taken, or has a running one write a checkpoint and stop; its status."""
        with self._write() as session:
            run = _run(session, run_id)
            if run.status == "running":
                if run.request in ("cancel", "kill"):
                    raise ConfigError(f"run {run_id} ({run.name}) is being cancelled; wait for that to end")
                run.request = "pause"
            elif run.status == "queued":
                run.status = "paused"
            else:
                raise ConfigError(
                    f"run {run_id} ({run.name}) is {run.status}; only queued and running runs can be paused"
                )
            return run.status

    def withdraw(self, run_id: int) -> bool:
        """Takes back that a running run is to be paused or cancelled; False where that is not asked of it.

        One that is stopping already is queued again once it has; in the foreground it is interrupted.
        """
        with self._write() as session:
            run = _run(session, run_id)
            if run.status != "running" or run.request not in ("pause", "cancel"):
                return False
            run.request = None
            return True

    def resume(self, run_id: int) -> None:
        """Queues a paused or interrupted run again, at its place; it goes on from its newest checkpoint."""
        with self._write() as session:
            run = _run(session, run_id)
            if run.status == "running" and run.request == "pause":
                raise ConfigError(f"run {run_id} ({run.name}) is being paused; wait for that to end, then resume it")
            if run.status not in ("paused", "interrupted"):
                raise ConfigError(
                    f"run {run_id} ({run.name}) is {run.status}; only paused and interrupted runs can be resumed"
                    + (f"; try: ageui retry {run_id}" if run.status in ("failed", "cancelled") else "")
                )
            _requeue(run)

    def retry(self, run_id: int, *, from_start: bool = False) -> list[str]:
        """Queues a run again that failed, was cancelled or interrupted, or with `from_start` one that diverged.

        It goes on from its newest checkpoint. From the start, all that it measured is forgotten: the paths of its
        checkpoints are returned, to be removed.
        """
        with self._write() as session:
            run = _run(session, run_id)
            if run.status == "diverged" and not from_start:
                raise ConfigError(
                    f"run {run_id} ({run.name}) diverged and would do so again: the same config gives the same losses; "
                    "start one with a lower --lr, or repeat it with --from-start"
                )
            if run.status not in ("failed", "cancelled", "interrupted", "diverged"):
                raise ConfigError(
                    f"run {run_id} ({run.name}) is {run.status}; only failed, cancelled, interrupted and diverged runs "
                    "can be tried again"
                )
            _requeue(run)
            return _forget(session, run) if from_start else []

    def move(self, run_id: int, place: Place, other: int | None = None) -> dict[int, tuple[int, float]]:
        """Gives a queued run another place: the first or last of all, or next to `other`, with that one's priority.

        Returns the priority and position that the runs it touched had before, for `move_back`.
        """
        with self._write() as session:
            _queued(session, run_id)
            order = list(
                session.exec(
                    select(run_queries.RUN_ID, Run.priority, Run.position)
                    .where(run_queries.IS_QUEUED)
                    .order_by(*run_queries.QUEUE_ORDER)
                ).all()
            )
            own = next(row for row in order if row[0] == run_id)
            order.remove(own)
            if place in ("first", "last"):
                beside = next(iter(order if place == "first" else reversed(order)), own)
            elif (found := next((row for row in order if row[0] == other), None)) is not None:
                beside = found
            else:
                raise ConfigError(f"run {other} is not another queued run; see ageui queue")
            if beside == own:
                return {}
            priority = beside[1]
            alike = [row for row in order if row[1] == priority]
            # The same positions in another order: those of runs that come back to the queue still mean what they did.
            positions = sorted(row[2] for row in (*alike, own))
            alike.insert(alike.index(beside) + (place in ("last", "after")), own)
            changed = [
                {"run": row[0], "to": position}
                for row, position in zip(alike, positions, strict=True)
                if (priority, position) != row[1:]
            ]
            if changed:
                places = update(core_table(Run)).where(col(Run.id) == bindparam("run"))
                session.execute(places.values(priority=priority, position=bindparam("to")), changed)
            touched = {change["run"] for change in changed}
            return {row[0]: (row[1], row[2]) for row in (own, *order) if row[0] in touched}

    def move_back(self, places: Mapping[int, tuple[int, float]]) -> None:
        """Gives runs that are still queued the priorities and positions that they had, as `move` told them."""
        with self._write() as session:
            for run in session.exec(select(Run).where(run_queries.IS_QUEUED, col(Run.id).in_(places))).all():
                run.priority, run.position = places[run.id or 0]

    def prioritise(self, run_id: int, priority: int) -> None:
        """Gives a queued run another priority; among those of the same it keeps its place by age."""
        with self._write() as session:
            _queued(session, run_id).priority = valid_priority(priority)

    def forget_states(self, run_id: int) -> list[str]:
        """Forgets the training states of a run that ended; returns their paths. A retry then begins from the start."""
        with self._write() as session:
            run = _run(session, run_id)
            if run.status not in ENDED:
                raise ConfigError(f"run {run_id} ({run.name}) is {run.status}: it goes on from its checkpoints")
            states = select(Checkpoint).where(Checkpoint.run_id == run_id, Checkpoint.kind == "state")
            found = session.exec(states).all()
            for state in found:
                session.delete(state)
            return [state.path for state in found]

    # Runs whose process is gone

    def lost(self, run: RunningRun, reason: str) -> str | None:
        """Requeues or explains a run whose processes are all gone; its new status, None where that changed already.

        Only for one whose lock was found free: the caller holds it.
        """
        with self._write() as session:
            found = session.get(Run, run.run_id)
            if found is None or found.attempt != run.attempt or found.status != "running":
                return None
            crash(session, found, "lost", reason)
            return found.status


def _running(session: Session) -> list[RunningRun]:
    found = session.exec(
        select(Run.id, Run.attempt, Attempt.worker)
        .join(Attempt, and_(col(Attempt.run_id) == col(Run.id), col(Attempt.number) == col(Run.attempt)))
        .where(run_queries.IS_RUNNING)
    ).all()
    return [RunningRun(run_id or 0, attempt, worker) for run_id, attempt, worker in found]


def _run(session: Session, run_id: int) -> Run:
    run = session.get(Run, run_id)
    if run is None:
        raise ConfigError(f"there is no run {run_id}; see ageui ls for those there are")
    if run.source != MEASURED:
        raise ConfigError(f"run {run_id} ({run.name}) holds figures out of the report: there is nothing to run")
    return run


def _queued(session: Session, run_id: int) -> Run:
    run = _run(session, run_id)
    if run.status != "queued":
        raise ConfigError(f"run {run_id} ({run.name}) is {run.status}; only queued runs have a place in the queue")
    return run


def _requeue(run: Run) -> None:
    run.status, run.request, run.strikes = "queued", None, 0
    run.error = run.failure = run.ended_at = run.archived_at = None


def _forget(session: Session, run: Run) -> list[str]:
    files = select(Checkpoint.path).where(Checkpoint.run_id == run.id)
    paths = list(session.exec(files).all())
    for table in (Metric, Result, Checkpoint):
        session.execute(delete(table).where(col(table.run_id) == run.id))
    summary = session.get_one(Summary, run.id)
    session.delete(summary)
    session.flush()
    session.add(Summary(run_id=run.id or 0, epochs=summary.epochs))
    run.manifest = run.data_hash = run.splits = run.started_at = None
    return paths


def _rows(result: Any) -> int:
    return result.rowcount if isinstance(result, CursorResult) else 0
