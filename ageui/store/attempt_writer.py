"""What an attempt writes about its run: one transaction at a time, refused once the attempt lost its run."""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, update
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Session, col, select

from ageui.store.clock import now
from ageui.store.errors import LostRunError
from ageui.store.score_writer import store_scores
from ageui.store.tables import Attempt, Checkpoint, Metric, QueueHold, Run, Summary, core_table

if TYPE_CHECKING:
    from engine.events import CheckpointWritten, EpochEnded, Evaluated, StepsEnded

EPOCH_FIELDS = ("stage", "step", "train_loss", "val_loss", "val_mae", "lr", "seconds", "images_per_second", "is_best")
MEASURED_TIMES = ("epoch/seconds", "epoch/images_per_second")
STATES_KEPT = 2
MOST_STRIKES = 3
MOST_STRIKES_OF_MEMORY = 2

# Used several times a second while a run trains: making them anew each time was a third of what watching it cost.
_REQUEST = select(Run.request).where(
    Run.id == bindparam("run"), Run.attempt == bindparam("attempt_number"), Run.status == "running"
)
_SUMMARISE = update(core_table(Summary)).where(col(Summary.run_id) == bindparam("run"))
_UPSERT = insert(core_table(Metric))
_UPSERT = _UPSERT.on_conflict_do_update(
    index_elements=["run_id", "key", "step"], set_={"value": _UPSERT.excluded.value}
)


class AttemptWriter:
    """Writes for one attempt inside one transaction; made by `Store.writing`.

    `removed` are the paths of checkpoints that are pointed to no more; once the transaction is committed, their files
    can go.
    """

    def __init__(self, session: Session, run_id: int, attempt: int, run_folder: Path, folder: Path) -> None:
        _refuse_lost(session, run_id, attempt)
        self._session, self._run_id, self._number = session, run_id, attempt
        self._run_folder, self._folder = run_folder, folder
        self.removed: list[str] = []

    # Rows are read where they are needed: what is written every second needs none of them.

    @cached_property
    def _run(self) -> Run:
        return self._session.get_one(Run, self._run_id)

    @cached_property
    def _attempt(self) -> Attempt:
        return self._session.get_one(Attempt, (self._run_id, self._number))

    @cached_property
    def _summary(self) -> Summary:
        return self._session.get_one(Summary, self._run_id)

    def started(self, manifest: dict[str, Any], step: int = 0) -> None:
        """The attempt goes on after `step`. The manifest of the first attempt stays the run's; its `data` names the
        `hash` and `splits` of the data. Checkpoints after `step` could not be used: they are forgotten."""
        run = self._run
        data = manifest.get("data", {})
        if step == 0 or run.manifest is None:
            run.manifest = manifest
        run.data_hash, run.splits = data.get("hash"), data.get("splits")
        self._attempt.manifest, self._attempt.step = manifest, step
        self._forget("state", lambda checkpoint: checkpoint.step > step)

    def noted(self, message: str) -> None:
        """A line about the attempt that a person should find later."""
        self._attempt.notes = [*self._attempt.notes, _storable(message)]

    def doing(self, activity: str | None) -> None:
        """What the run does besides training."""
        self._summarise(activity=activity)

    def memory(self, peak_bytes: int) -> None:
        """The most memory that the attempt had at once."""
        self._attempt.peak_memory_bytes = peak_bytes

    def steps(self, ended: "StepsEnded") -> None:
        """Steps with their losses."""
        self._summarise(
            stage=ended.stage,
            step=ended.step,
            total_steps=ended.total_steps,
            images_per_second=ended.images_per_second,
            eta_seconds=ended.eta_seconds,
            activity=None,
        )
        self.points(("step/loss", step, loss) for step, loss in ended.losses)

    def epoch(self, ended: "EpochEnded") -> None:
        """An ended epoch."""
        values = {name: getattr(ended, name) for name in EPOCH_FIELDS}
        self.points((f"epoch/{name}", ended.epoch, float(value)) for name, value in values.items() if value is not None)
        same = ("stage", "epoch", "step", "train_loss", "val_loss", "val_mae")
        best = {"best_epoch": ended.epoch, "best_val_loss": ended.val_loss} if ended.is_best else {}
        self._summarise(**{name: getattr(ended, name) for name in same}, **best)

    def points(self, points: Iterable[tuple[str, int, float]]) -> None:
        """Points (key, step, value) of curves. One that an earlier attempt stored must be the same, to the bit: those
        that are not are counted, and replaced, since the run goes on from the new ones."""
        rows = [{"run_id": self._run_id, "key": key, "step": step, "value": value} for key, step, value in points]
        if not rows:
            return
        if self._number > 1:
            self._compare(rows)
        self._session.connection().execute(_UPSERT, rows)

    def checkpoint(self, written: "CheckpointWritten") -> None:
        """Where a checkpoint is; a relative path is one in the run's folder. The newest states are kept."""
        path = self._run_folder / written.path
        stored = path.relative_to(self._folder).as_posix() if path.is_relative_to(self._folder) else path.as_posix()
        if written.kind == "best":
            self._forget("best", lambda checkpoint: True, but=stored)
        else:
            steps = [state.step for state in _checkpoints(self._session, self._run_id, "state")]
            kept = [step for step in steps if step < written.step][-(STATES_KEPT - 1) :]
            self._forget("state", lambda checkpoint: checkpoint.step not in kept)
        self._session.flush()
        self._session.add(
            Checkpoint(
                run_id=self._run_id,
                kind=written.kind,
                step=written.step,
                epoch=written.epoch,
                path=stored,
                sha256=written.sha256,
                bytes=written.bytes,
            )
        )
        self._session.flush()

    def evaluated(self, scored: "Evaluated", target: str, data_name: str) -> None:
        """The scores and predictions of one split, in place of any earlier ones."""
        before = store_scores(self._session, self._run_id, self._summary, scored, target, data_name)
        if self._number > 1 and before is not None:
            self._attempt.replayed += 1
            if not before:
                self._attempt.differing += 1
                self.noted(f"not bit for bit what an earlier attempt predicted on {scored.split}")

    def end(self, status: str, reason: str, *, failure: str | None = None, seconds: float | None = None) -> None:
        """Ends the attempt and its run: `done`, `diverged`, `failed` or `interrupted`."""
        if status in ("done", "diverged"):
            self._forget("state", lambda checkpoint: True)
        _end(self._run, self._attempt, self._summary, status, status, reason, failure, seconds)

    def stop(self, otherwise: str, reason: str, *, seconds: float | None = None) -> str:
        """Ends an attempt that stopped by request: its run is paused or cancelled as was asked for, or `otherwise`
        (`queued`, to be taken up again, or `interrupted`). Returns the status."""
        asked = {"pause": "paused", "cancel": "cancelled", "kill": "cancelled"}
        status = asked.get(self._run.request or "", otherwise)
        said = {"paused": "paused by the user", "cancelled": "cancelled by the user"}.get(status, reason)
        outcome = "stopped" if status == "queued" else status
        _end(self._run, self._attempt, self._summary, status, outcome, said, None, seconds)
        return status

    def crash(self, failure: str, reason: str, *, seconds: float | None = None) -> str:
        """Ends an attempt whose process died, see `crash`. Returns the run's status."""
        crash(self._session, self._run, failure, reason, seconds)
        return self._run.status

    def hold_queue(self, reason: str) -> None:
        """Pauses the queue in the same transaction."""
        self._session.merge(QueueHold(id=1, reason=reason, held_at=now()))

    def _summarise(self, **values: Any) -> None:
        self._session.connection().execute(_SUMMARISE, {**values, "run": self._run_id})

    def _forget(self, kind: str, which: Callable[[Checkpoint], bool], *, but: str | None = None) -> None:
        """Points to checkpoints no more; their files can go, `but` the one that is pointed to anew."""
        for checkpoint in _checkpoints(self._session, self._run_id, kind):
            if which(checkpoint):
                self.removed.extend([checkpoint.path] if checkpoint.path != but else [])
                self._session.delete(checkpoint)

    def _compare(self, rows: Sequence[dict[str, Any]]) -> None:
        known: dict[tuple[str, int], float] = {}
        for key in {row["key"] for row in rows} - set(MEASURED_TIMES):
            steps = [row["step"] for row in rows if row["key"] == key]
            stored = select(Metric.step, Metric.value).where(
                Metric.run_id == self._run_id, Metric.key == key, col(Metric.step).between(min(steps), max(steps))
            )
            known |= {(key, step): value for step, value in self._session.exec(stored).all()}
        replayed = [(row, known[row["key"], row["step"]]) for row in rows if (row["key"], row["step"]) in known]
        differing = [(row, value) for row, value in replayed if not _is_same(row["value"], value)]
        self._attempt.replayed += len(replayed)
        if differing and not self._attempt.differing:
            row, value = differing[0]
            self.noted(
                f"not bit for bit what an earlier attempt measured: {row['key']} {row['step']} was {value!r} and is "
                f"{row['value']!r} now"
            )
        self._attempt.differing += len(differing)


def request_of(session: Session, run_id: int, attempt: int) -> str | None:
    """What a running attempt is asked to do: `pause`, `cancel`, `kill`, None, or `lost` where it owns its run no
    more: it was ended, requeued or claimed anew."""
    found = session.connection().execute(_REQUEST, {"run": run_id, "attempt_number": attempt}).first()
    return found[0] if found is not None else "lost"


def _refuse_lost(session: Session, run_id: int, attempt: int) -> None:
    if request_of(session, run_id, attempt) == "lost":
        raise LostRunError(
            f"run {run_id} is no longer owned by attempt {attempt}: it was stopped, or another process took it over; "
            f"nothing more is stored for this attempt, see ageui show {run_id}"
        )


def crash(session: Session, run: Run, failure: str, reason: str, seconds: float | None = None) -> None:
    """Ends the newest attempt of a run whose process died.

    The run is queued again, to go on from its newest checkpoint, until `MOST_STRIKES` attempts in a row died without
    getting further (fewer where the system killed them for memory); then it failed. One that was to be paused or
    cancelled is, and one that was lost with its terminal is interrupted.
    """
    attempt = session.get_one(Attempt, (run.id, run.attempt))
    summary = session.get_one(Summary, run.id)
    run.strikes = 0 if _got_further(session, attempt) else run.strikes + 1
    if run.request is not None:
        status = "paused" if run.request == "pause" else "cancelled"
    elif failure == "lost" and attempt.worker is None:
        status = "interrupted"
    elif run.strikes >= (MOST_STRIKES_OF_MEMORY if failure == "oom_killed" else MOST_STRIKES):
        status = "failed"
        reason = f"{reason}\n{run.strikes} attempts in a row ended like this without getting further"
    else:
        status = "queued"
    _end(run, attempt, summary, status, "lost" if failure == "lost" else "crashed", reason, failure, seconds)


def _got_further(session: Session, attempt: Attempt) -> bool:
    """Whether the attempt wrote a checkpoint of a later step than the one it went on after. One whose engine never
    told that it started wrote none: those that are there are of attempts before it."""
    start = attempt.step
    return start is not None and any(state.step > start for state in _checkpoints(session, attempt.run_id, "state"))


def _checkpoints(session: Session, run_id: int, kind: str) -> Sequence[Checkpoint]:
    """A run's checkpoints of a kind, oldest first."""
    found = select(Checkpoint).where(Checkpoint.run_id == run_id, Checkpoint.kind == kind)
    return session.exec(found.order_by(col(Checkpoint.step))).all()


def _end(
    run: Run,
    attempt: Attempt,
    summary: Summary,
    status: str,
    outcome: str,
    reason: str,
    failure: str | None,
    seconds: float | None,
) -> None:
    reason, ended = _storable(reason), now()
    run.status, run.request = status, None
    run.ended_at = None if status in ("queued", "paused") else ended
    run.error = None if status in ("done", "queued") else reason
    run.failure = failure if status in ("failed", "interrupted") else None
    summary.activity = summary.eta_seconds = None
    attempt.outcome, attempt.ended_at, attempt.reason, attempt.failure = outcome, ended, reason, failure
    attempt.seconds = seconds


def _is_same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


def _storable(text: str) -> str:
    """Lone surrogates, as in file names that are not UTF-8, cannot be stored as text."""
    return text.encode("utf-8", "replace").decode("utf-8")
