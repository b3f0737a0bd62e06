"""The queue of an opened store: all changes of a run's status except those written by its attempt.

queued ──claim──▶ running ──▶ done · diverged · failed · interrupted (in the foreground)
  ↑  ↑               │ └──▶ queued again: its worker was stopped, or its process died
  │  └──resume── paused ◀── pause, which a running run obeys after its current step
  └──retry── failed · cancelled · interrupted · diverged (from the start)
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import and_, delete, func, insert, update
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from ageui.store.attempt_writer import end_crashed, pause_queue, request_of
from ageui.store.batches import batches
from ageui.store.claims import Claim, Claimant, RunLockedError, TakeLock, adopt_run, claim_run, is_next
from ageui.store.clock import now
from ageui.store.filter_fields import config_value
from ageui.store.names import valid_priority
from ageui.store.new_runs import NewRun, insert_runs
from ageui.store.records import RunRow, Whereabouts
from ageui.store.run_changes import Changed, RunIds, RunState, Values, change_runs
from ageui.store.run_rows import (
    IS_QUEUED,
    IS_RUNNING,
    QUEUE_ORDER,
    RUN_ID,
    RUN_ROWS,
    existing_run,
    run_rows,
    whereabouts,
)
from ageui.store.store_part import StorePart
from ageui.store.sweep_hold import HELD, RESUMED, hold_too_large
from ageui.store.tables import (
    DERIVED,
    IMPORTED,
    MEASURED,
    PUBLISHED,
    Attempt,
    Checkpoint,
    EpochScore,
    Metric,
    PausedQueue,
    Result,
    Run,
    RunSummary,
)
from engine.errors import ConfigError

Place = Literal["first", "last", "before", "after"]

Rule = Callable[[RunState], Values]

BY_THE_USER = "by the user"
"""The reason of a pause requested by a person."""
ENDED = ("done", "diverged", "failed", "cancelled")
_IS_HELD = (col(Run.status) == "paused", col(Run.failure) == HELD)
_QUEUED = {
    "status": "queued", "request": None, "strikes": 0, "error": None, "failure": None, "ended_at": None,
    "archived_at": None,
}  # fmt: skip


@dataclass(frozen=True)
class RunningRun:
    """A run with the status `running`. `worker` is None in the foreground, `where` unless it runs on a cluster."""

    run_id: int
    attempt: int
    worker: str | None
    where: Whereabouts | None = None


@dataclass(frozen=True)
class QueuePause:
    """The reason and start of a pause of the queue, during which no worker claims a queued run."""

    reason: str
    since: datetime


class RunQueue(StorePart):
    """The queue of an opened store.

    A command changes one or many runs in one transaction. It raises `ConfigError` if the status of its only run does
    not allow the change; with several runs, it changes the others.
    """

    # Claims

    def claim_next(self, claimant: Claimant, devices: Sequence[str], take_lock: TakeLock) -> Claim | None:
        """Claims the next queued run whose config names one of `devices`; None without one, or while paused.

        `take_lock` is called before the claim is committed, so that a run seen as running is always locked. Skips runs
        whose lock is taken.
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

    def adopt(self, run: RunningRun, worker: str, take_lock: TakeLock) -> Claim | None:
        """Claims the attempt of a run on a cluster for `worker`, after its own has died; None if the attempt has ended
        or its lock is held."""
        try:
            with self._write() as session:
                return adopt_run(session, run.run_id, run.attempt, worker, take_lock)
        except RunLockedError:
            return None

    def next_run(self, devices: Sequence[str]) -> int | None:
        """The run that `claim_next` would claim now, or None. Takes no lock."""
        with self._read() as session:
            if session.get(PausedQueue, 1) is not None:
                return None
            return session.exec(select(Run.id).where(is_next(devices))).first()

    def has_work(self, devices: Sequence[str]) -> bool:
        """Whether `claim_next` would claim a run now. Takes no lock."""
        return self.next_run(devices) is not None

    def request(self, run_id: int, attempt: int) -> str | None:
        """The request to a running attempt: `pause`, `cancel`, `kill` or None; `lost` if it has lost its run."""
        with self._read() as session:
            return request_of(session, run_id, attempt)

    # Reading

    def waiting(self, limit: int | None = None) -> list[RunRow]:
        """The queued runs in the order in which workers claim them, at most `limit`."""
        with self._read() as session:
            return run_rows(session, RUN_ROWS.where(IS_QUEUED).order_by(*QUEUE_ORDER).limit(limit))

    def order(self) -> list[int]:
        """The ids of the queued runs in the order in which workers claim them."""
        with self._read() as session:
            return list(session.exec(select(RUN_ID).where(IS_QUEUED).order_by(*QUEUE_ORDER)).all())

    def running(self) -> list[RunningRun]:
        newest = and_(col(Attempt.run_id) == col(Run.id), col(Attempt.number) == col(Run.attempt))
        with self._read() as session:
            found = select(RUN_ID, Attempt).join(Attempt, newest).where(IS_RUNNING)
            return [
                RunningRun(run_id, attempt.number, attempt.worker, whereabouts(attempt))
                for run_id, attempt in session.exec(found).all()
            ]

    def current_pause(self) -> QueuePause | None:
        """The pause of the queue; None if it is not paused."""
        with self._read() as session:
            row = session.get(PausedQueue, 1)
            return _pause(row) if row is not None else None

    def held(self) -> dict[str, int]:
        """The number of held runs, by reason."""
        reasons = select(Run.error, func.count()).where(*_IS_HELD).group_by(Run.error)
        with self._read() as session:
            return {reason or "": count for reason, count in session.exec(reasons).all()}

    # Commands

    def pause_queue(self, reason: str) -> QueuePause:
        """Pauses the queue: workers claim no run until `resume_queue`. Running runs continue."""
        with self._write() as session:
            return _pause(pause_queue(session, reason))

    def resume_queue(self, only: QueuePause | None = None) -> QueuePause | None:
        """Resumes the queue; given `only`, only if that pause is still in force.

        Returns the pause that it ended, or None.
        """
        with self._write() as session:
            row = session.get(PausedQueue, 1)
            if row is None or only not in (None, _pause(row)):
                return None
            session.delete(row)
            return _pause(row)

    def pause_queue_again(self, pause: QueuePause) -> bool:
        """Restores an earlier pause. Returns False if the queue is paused already."""
        with self._write() as session:
            if session.get(PausedQueue, 1) is not None:
                return False
            session.add(PausedQueue(id=1, reason=pause.reason, held_at=pause.since))
            return True

    def add(
        self, runs: Sequence[NewRun], again: Sequence[int] = (), *, tags: Sequence[str] = (), priority: int = 0
    ) -> Changed:
        """Queues new runs in the given order, and requeues others (`again`) like `retry`, in one transaction."""
        with self._write() as session:
            retried = change_runs(session, again, _to_retry(False))
            return Changed.by_adding(insert_runs(session, runs, tags, self._folder, priority)) + retried

    def cancel(self, run_ids: RunIds, *, at_once: bool = False) -> Changed:
        """Cancels unfinished runs, and asks running runs to stop (or kills them, if `at_once`)."""
        cancelled = {"status": "cancelled", "ended_at": now(), "error": "cancelled by the user", "failure": None}

        def rule(run: RunState) -> Values:
            if run.status == "running":
                return {"request": "kill" if at_once or run.request == "kill" else "cancel"}
            if run.status in ("queued", "paused", "interrupted"):
                return cancelled
            raise ConfigError(f"{run} is {run.status}; only queued, running and paused runs can be cancelled")

        return self._command(run_ids, rule)

    def pause(self, run_ids: RunIds) -> Changed:
        """Pauses queued runs, and asks running runs to write a checkpoint and stop."""

        def rule(run: RunState) -> Values:
            if run.status == "queued":
                return {"status": "paused"}
            if run.status != "running":
                raise ConfigError(f"{run} is {run.status}; only queued and running runs can be paused")
            if run.request in ("cancel", "kill"):
                raise ConfigError(f"{run} is being cancelled; wait until it has ended")
            return {"request": "pause"}

        return self._command(run_ids, rule)

    def hold(self, run_id: int, reason: str) -> int:
        """Pauses a queued run that is too large for its device, and the runs of its sweep that are at least as large.

        Returns the number of paused runs; 0 if the run has left the queue.
        """
        with self._write() as session:
            run = session.get(Run, run_id)
            return hold_too_large(session, run, reason) if run is not None and run.status == "queued" else 0

    def resume(self, run_ids: RunIds) -> Changed:
        """Requeues paused or interrupted runs at their old places. They resume from their newest checkpoints.

        Held runs form a new sweep, whose failures count from zero, and are tried whatever memory they need.
        """
        with self._write() as session:
            return change_runs(session, run_ids, _to_resume())

    def resume_held(self) -> Changed:
        """Resumes all held runs."""
        with self._write() as session:
            return change_runs(session, session.exec(select(RUN_ID).where(*_IS_HELD)).all(), _to_resume())

    def retry(self, run_ids: RunIds, *, from_start: bool = False) -> Changed:
        """Requeues failed, cancelled or interrupted runs, and with `from_start` also diverged runs.

        They resume from their newest checkpoints. `from_start` deletes their measurements, which cannot be undone, and
        returns the files of their checkpoints.
        """
        with self._write() as session:
            changed = change_runs(session, run_ids, _to_retry(from_start))
            return replace(changed, files=_delete_measurements(session, changed.ids)) if from_start else changed

    def move(self, run_ids: RunIds, place: Place, other: int | None = None) -> Changed:
        """Moves queued runs, in their order, to the front or end of the queue, or next to `other`, and gives them the
        priority of that place. The change includes the runs that make room."""
        with self._write() as session:
            asked = change_runs(session, run_ids, _in_queue({}))
            moving = set(asked.ids)
            order = [
                _Place(*row)
                for row in session.execute(
                    sql_select(RUN_ID, col(Run.priority), col(Run.position)).where(IS_QUEUED).order_by(*QUEUE_ORDER)
                )
            ]
            block, rest = ([one for one in order if (one.run_id in moving) is moved] for moved in (True, False))
            if place in ("before", "after"):
                beside = next((one for one in rest if one.run_id == other), None)
                if beside is None:
                    raise ConfigError(f"run {other} is not queued, or is one of the runs to move; see ageui queue")
            elif rest and block:
                beside = rest[0 if place == "first" else -1]
            else:
                return asked
            alike = [one for one in rest if one.priority == beside.priority]
            # Reuses the same positions, so that positions of runs that return to the queue later stay meaningful.
            positions = sorted(one.position for one in (*alike, *block))
            start = alike.index(beside) + (place in ("last", "after"))
            alike[start:start] = block
            new = {
                one.run_id: {"priority": beside.priority, "position": position}
                for one, position in zip(alike, positions, strict=True)
                if (one.priority, one.position) != (beside.priority, position)
            }
            made = change_runs(session, list(new), lambda run: new[run.id])
            return Changed(made.runs, asked.problems, is_whole=True)

    def prioritise(self, run_ids: RunIds, priority: int) -> Changed:
        """Sets the priority of queued runs. They keep their positions among runs of equal priority."""
        return self._command(run_ids, _in_queue({"priority": valid_priority(priority)}))

    def devices(self, run_ids: Sequence[int] | None = None) -> list[str]:
        """The distinct values of `device` in the configs of queued runs: of all, or of those with the ids."""
        values = sql_select(config_value("device")).where(IS_QUEUED).distinct()
        found: dict[str, None] = {}
        with self._read() as session:
            for batch in [None] if run_ids is None else batches(run_ids):
                chosen = values if batch is None else values.where(col(Run.id).in_(batch))
                found |= dict.fromkeys(session.execute(chosen).scalars())
        return list(found)

    def forget_states(self, run_id: int) -> list[str]:
        """Deletes the training states of an ended run, so that a retry starts over. Returns their paths."""
        with self._write() as session:
            run = existing_run(session, run_id)
            if run.status not in ENDED:
                raise ConfigError(f"run {run_id} ({run.name}) is {run.status} and needs its checkpoints to continue")
            states = select(Checkpoint).where(Checkpoint.run_id == run_id, Checkpoint.kind == "state")
            found = session.exec(states).all()
            for state in found:
                session.delete(state)
            return [state.path for state in found]

    # Runs whose process died

    def end_lost(self, run: RunningRun, reason: str) -> str | None:
        """Ends the attempt of a run whose processes have all died. Returns the run's new status; None if another
        process changed it first.

        The caller must hold the run's lock.
        """
        with self._write() as session:
            found = session.get(Run, run.run_id)
            if found is None or found.attempt != run.attempt or found.status != "running":
                return None
            end_crashed(session, found, "lost", reason)
            return found.status

    def _command(self, run_ids: RunIds, rule: Rule) -> Changed:
        with self._write() as session:
            return change_runs(session, run_ids, _of_measured(rule))


class _Place(NamedTuple):
    """The place of a queued run in the queue."""

    run_id: int
    priority: int
    position: float


_NOT_TRAINED = {
    DERIVED: "is made from other runs",
    PUBLISHED: "holds figures from the report",
    IMPORTED: "holds figures of another tool",
}


def _of_measured(rule: Rule) -> Rule:
    """The rule, plus a refusal of published and derived runs."""

    def refusing(run: RunState) -> Values:
        if run.source != MEASURED:
            raise ConfigError(f"{run} {_NOT_TRAINED[run.source]}, so it cannot be run")
        return rule(run)

    return refusing


def _to_resume() -> Rule:
    sweep = uuid.uuid4().hex

    def rule(run: RunState) -> Values:
        if run.status == "running" and run.request == "pause":
            raise ConfigError(f"{run} is being paused; wait until it has stopped, then resume it")
        if run.status not in ("paused", "interrupted"):
            raise ConfigError(
                f"{run} is {run.status}; only paused and interrupted runs can be resumed"
                + (f"; try: ageui retry {run.id}" if run.status in ("failed", "cancelled") else "")
            )
        if run.failure == HELD:
            return {**_QUEUED, "sweep": sweep, "failure": RESUMED}
        return {**_QUEUED, "failure": RESUMED} if run.failure == RESUMED else _QUEUED

    return _of_measured(rule)


def _to_retry(from_start: bool) -> Rule:
    def rule(run: RunState) -> Values:
        if run.status == "diverged" and not from_start:
            raise ConfigError(
                f"{run} diverged and would diverge again, because equal configs give equal losses; start a new run "
                f"with the changes that ageui show {run.id} advises, or repeat it with --from-start"
            )
        if run.status not in ("failed", "cancelled", "interrupted", "diverged"):
            raise ConfigError(
                f"{run} is {run.status}; only failed, cancelled, interrupted and diverged runs can be retried"
                + (f"; try: ageui resume {run.id}" if run.status == "paused" else "")
            )
        return _QUEUED

    return _of_measured(rule)


def _in_queue(values: Values) -> Rule:
    """The rule that gives queued runs these values and refuses all other runs."""

    def rule(run: RunState) -> Values:
        if run.status != "queued":
            raise ConfigError(f"{run} is {run.status}; only queued runs can be moved")
        return values

    return _of_measured(rule)


def _pause(row: PausedQueue) -> QueuePause:
    return QueuePause(row.reason, row.held_at)


def _delete_measurements(session: Session, run_ids: Sequence[int]) -> tuple[str, ...]:
    """Deletes the measurements of runs. Returns the paths of their checkpoints."""
    paths: list[str] = []
    for batch in batches(run_ids):
        paths += session.exec(select(Checkpoint.path).where(col(Checkpoint.run_id).in_(batch))).all()
        epochs = session.exec(select(RunSummary.run_id, RunSummary.epochs).where(col(RunSummary.run_id).in_(batch)))
        summaries = [{"run_id": run_id, "epochs": count} for run_id, count in epochs.all()]
        for table in (Metric, EpochScore, Result, Checkpoint, RunSummary):
            session.execute(delete(table).where(col(table.run_id).in_(batch)))
        if summaries:
            session.execute(insert(RunSummary), summaries)
        begun = update(Run).where(col(Run.id).in_(batch))
        session.execute(begun.values(manifest=None, data_hash=None, splits=None, started_at=None))
    return tuple(paths)
