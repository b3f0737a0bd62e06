"""The queue of an opened store: every change of a run's status except those that its attempt writes itself.

queued ──claim──▶ running ──▶ done · diverged · failed · interrupted (in the foreground)
  ▲  ▲               │ └──▶ queued again: its worker was stopped, or its process died
  │  └──resume── paused ◀── pause, which a running run obeys after its current step
  └──retry── failed · cancelled · interrupted · diverged (from the start)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import and_, bindparam, delete, update
from sqlmodel import Session, col, select

from ageui.store.attempt_writer import end_crashed, pause_queue, request_of
from ageui.store.claims import Claim, Claimant, RunLockedError, TakeLock, claim_run, is_next
from ageui.store.clock import now
from ageui.store.names import valid_priority
from ageui.store.records import RunRow
from ageui.store.run_rows import IS_QUEUED, IS_RUNNING, QUEUE_ORDER, RUN_ID, RUN_ROWS, existing_run, run_rows
from ageui.store.store_part import StorePart
from ageui.store.tables import MEASURED, Attempt, Checkpoint, Metric, PausedQueue, Result, Run, RunSummary, core_table
from engine.errors import ConfigError

Place = Literal["first", "last", "before", "after"]

ENDED = ("done", "diverged", "failed", "cancelled")


@dataclass(frozen=True)
class RunningRun:
    """A run with the status `running`. `worker` is None in the foreground."""

    run_id: int
    attempt: int
    worker: str | None


@dataclass(frozen=True)
class QueuePause:
    """Why and since when the queue is paused: no worker claims a queued run."""

    reason: str
    since: datetime


class RunQueue(StorePart):
    """The queue of an opened store. A command raises `ConfigError` if the status of its run does not allow it."""

    # Claims

    def claim_next(self, claimant: Claimant, devices: Sequence[str], take_lock: TakeLock) -> Claim | None:
        """Claims the next queued run whose config names one of `devices`; None if there is none or the queue is paused.

        `take_lock` is called before the claim is committed, so that a run seen running is always locked. A run whose
        lock is taken is skipped.
        """
        skipped: list[int] = []
        while True:
            try:
                with self._write() as session:
                    if session.get(PausedQueue, 1) is not None:
                        return None
                    return claim_run(session, is_next(devices, skipped), claimant, take_lock)
            except RunLockedError as locked:
                skipped.append(locked.run_id)

    def claim(self, run_id: int, claimant: Claimant, take_lock: TakeLock) -> Claim | None:
        """Claims a run, even if the queue is paused; None if it is not queued or another process holds its lock."""
        try:
            with self._write() as session:
                return claim_run(session, col(Run.id) == run_id, claimant, take_lock)
        except RunLockedError:
            return None

    def next_run(self, devices: Sequence[str]) -> int | None:
        """The run that `claim_next` would claim now, None if there is none. Takes no lock."""
        with self._read() as session:
            if session.get(PausedQueue, 1) is not None:
                return None
            return session.exec(select(Run.id).where(is_next(devices))).first()

    def has_work(self, devices: Sequence[str]) -> bool:
        """Whether `claim_next` would claim a run now. Takes no lock."""
        return self.next_run(devices) is not None

    def request(self, run_id: int, attempt: int) -> str | None:
        """The request to a running attempt: `pause`, `cancel`, `kill` or None; `lost` if it no longer owns its run."""
        with self._read() as session:
            return request_of(session, run_id, attempt)

    # Reading

    def waiting(self) -> list[RunRow]:
        """The queued runs in the order in which workers claim them."""
        with self._read() as session:
            return run_rows(session, RUN_ROWS.where(IS_QUEUED).order_by(*QUEUE_ORDER))

    def running(self) -> list[RunningRun]:
        newest = and_(col(Attempt.run_id) == col(Run.id), col(Attempt.number) == col(Run.attempt))
        with self._read() as session:
            found = select(RUN_ID, Run.attempt, Attempt.worker).join(Attempt, newest).where(IS_RUNNING)
            return [RunningRun(*row) for row in session.exec(found).all()]

    def current_pause(self) -> QueuePause | None:
        """Why the queue is paused; None if it is not."""
        with self._read() as session:
            row = session.get(PausedQueue, 1)
            return QueuePause(row.reason, row.held_at) if row is not None else None

    # Commands

    def pause_queue(self, reason: str) -> None:
        """Pauses the queue: workers claim no run until `resume_queue`. Running runs continue."""
        with self._write() as session:
            pause_queue(session, reason)

    def resume_queue(self) -> bool:
        """Resumes the queue. Returns False if it was not paused."""
        with self._write() as session:
            return bool(session.exec(delete(PausedQueue)).rowcount)

    def cancel(self, run_id: int, *, at_once: bool = False) -> str:
        """Cancels an unfinished run, or asks a running one to stop (to be killed, if `at_once`). Returns its status."""
        with self._write() as session:
            run = _trainable_run(session, run_id)
            if run.status == "running":
                run.request = "kill" if at_once or run.request == "kill" else "cancel"
            elif run.status in ("queued", "paused", "interrupted"):
                run.status, run.ended_at, run.error = "cancelled", now(), "cancelled by the user"
            else:
                raise ConfigError(f"run {run_id} ({run.name}) is {run.status} already: there is nothing to cancel")
            return run.status

    def pause(self, run_id: int) -> str:
        """Pauses a queued run, or asks a running one to write a checkpoint and stop. Returns its status."""
        with self._write() as session:
            run = _trainable_run(session, run_id)
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

    def withdraw_request(self, run_id: int) -> bool:
        """Withdraws the request to pause or cancel a running run. Returns False if there is none.

        A run that is already stopping is queued again once it has stopped, or interrupted in the foreground.
        """
        with self._write() as session:
            run = _trainable_run(session, run_id)
            if run.status != "running" or run.request not in ("pause", "cancel"):
                return False
            run.request = None
            return True

    def resume(self, run_id: int) -> None:
        """Queues a paused or interrupted run again, at its old place. It resumes from its newest checkpoint."""
        with self._write() as session:
            run = _trainable_run(session, run_id)
            if run.status == "running" and run.request == "pause":
                raise ConfigError(f"run {run_id} ({run.name}) is being paused; wait for that to end, then resume it")
            if run.status not in ("paused", "interrupted"):
                raise ConfigError(
                    f"run {run_id} ({run.name}) is {run.status}; only paused and interrupted runs can be resumed"
                    + (f"; try: ageui retry {run_id}" if run.status in ("failed", "cancelled") else "")
                )
            _requeue(run)

    def retry(self, run_id: int, *, from_start: bool = False) -> list[str]:
        """Queues a failed, cancelled or interrupted run again, or with `from_start` a diverged one.

        The run resumes from its newest checkpoint. `from_start` deletes its measurements and returns the paths of its
        checkpoints, which the caller removes.
        """
        with self._write() as session:
            run = _trainable_run(session, run_id)
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
            return _delete_measurements(session, run) if from_start else []

    def move(self, run_id: int, place: Place, other: int | None = None) -> dict[int, tuple[int, float]]:
        """Moves a queued run to the front or end of the queue, or next to `other`, and gives it the priority there.

        Returns the previous priority and position of each changed run, for `move_back`.
        """
        with self._write() as session:
            _queued_run(session, run_id)
            order = list(
                session.exec(select(RUN_ID, Run.priority, Run.position).where(IS_QUEUED).order_by(*QUEUE_ORDER)).all()
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
            # Reuses the same positions, so that those of runs that return to the queue later keep their meaning.
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
        """Restores priorities and positions that `move` returned, for the runs that are still queued."""
        with self._write() as session:
            for run in session.exec(select(Run).where(IS_QUEUED, col(Run.id).in_(places))).all():
                run.priority, run.position = places[run.id or 0]

    def prioritise(self, run_id: int, priority: int) -> None:
        """Sets the priority of a queued run. Among runs of equal priority its position stays."""
        with self._write() as session:
            _queued_run(session, run_id).priority = valid_priority(priority)

    def forget_states(self, run_id: int) -> list[str]:
        """Deletes the training states of an ended run, so that a retry starts over. Returns their paths."""
        with self._write() as session:
            run = _trainable_run(session, run_id)
            if run.status not in ENDED:
                raise ConfigError(f"run {run_id} ({run.name}) is {run.status}: it goes on from its checkpoints")
            states = select(Checkpoint).where(Checkpoint.run_id == run_id, Checkpoint.kind == "state")
            found = session.exec(states).all()
            for state in found:
                session.delete(state)
            return [state.path for state in found]

    # Runs whose process died

    def end_lost(self, run: RunningRun, reason: str) -> str | None:
        """Ends the attempt of a run whose processes have all died. Returns the run's new status, None if another
        process changed it first.

        The caller must hold the run's lock.
        """
        with self._write() as session:
            found = session.get(Run, run.run_id)
            if found is None or found.attempt != run.attempt or found.status != "running":
                return None
            end_crashed(session, found, "lost", reason)
            return found.status


def _trainable_run(session: Session, run_id: int) -> Run:
    run = existing_run(session, run_id)
    if run.source != MEASURED:
        raise ConfigError(f"run {run_id} ({run.name}) holds figures out of the report: there is nothing to run")
    return run


def _queued_run(session: Session, run_id: int) -> Run:
    run = _trainable_run(session, run_id)
    if run.status != "queued":
        raise ConfigError(f"run {run_id} ({run.name}) is {run.status}; only queued runs have a place in the queue")
    return run


def _requeue(run: Run) -> None:
    run.status, run.request, run.strikes = "queued", None, 0
    run.error = run.failure = run.ended_at = run.archived_at = None


def _delete_measurements(session: Session, run: Run) -> list[str]:
    files = select(Checkpoint.path).where(Checkpoint.run_id == run.id)
    paths = list(session.exec(files).all())
    for table in (Metric, Result, Checkpoint):
        session.execute(delete(table).where(col(table.run_id) == run.id))
    summary = session.get_one(RunSummary, run.id)
    session.delete(summary)
    session.flush()
    session.add(RunSummary(run_id=run.id or 0, epochs=summary.epochs))
    run.manifest = run.data_hash = run.splits = run.started_at = None
    return paths
