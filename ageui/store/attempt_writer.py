"""Writes an attempt's rows, one transaction at a time, unless the attempt has lost its run."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, update
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Session, col, select

from ageui.store.clock import now
from ageui.store.column_types import dump_json
from ageui.store.epoch_rows import scores_row
from ageui.store.errors import LostRunError
from ageui.store.records import Whereabouts
from ageui.store.score_rows import write_scores
from ageui.store.sweep_hold import hold_sweep
from ageui.store.tables import Attempt, Checkpoint, EpochScore, Metric, PausedQueue, Run, RunSummary, core_table
from engine.choices import REPORT_ATTRIBUTES

if TYPE_CHECKING:
    from engine.epoch_scores import EpochScores
    from engine.events import CheckpointWritten, EpochEnded, Evaluated, StepsEnded

MEASURED_TIMES = ("epoch/seconds", "epoch/images_per_second")
STATES_KEPT = 2
MOST_STRIKES = 3
MOST_STRIKES_OF_MEMORY = 2

# Built once: these run several times a second during training, and building them took a third of the time.
_REQUEST = select(Run.request).where(
    Run.id == bindparam("run"), Run.attempt == bindparam("attempt_number"), Run.status == "running"
)
_SUMMARISE = update(core_table(RunSummary)).where(col(RunSummary.run_id) == bindparam("run"))
_UPSERT = insert(core_table(Metric))
_UPSERT = _UPSERT.on_conflict_do_update(
    index_elements=["run_id", "key", "step"], set_={"value": _UPSERT.excluded.value}
)
_UPSERT_SCORES = insert(core_table(EpochScore))
_UPSERT_SCORES = _UPSERT_SCORES.on_conflict_do_update(
    index_elements=["run_id", "epoch"],
    set_={name: _UPSERT_SCORES.excluded[name] for name in ("n", "mae", "bias", "groups")},
)


class AttemptWriter:
    """Writes for an attempt inside one transaction; created by `Store.writing`.

    `removed` are the paths of checkpoints whose rows were deleted: delete their files after the commit. `held` counts
    the queued runs of the same sweep that the end of the attempt paused, see `hold_sweep`.
    """

    def __init__(self, session: Session, run_id: int, attempt: int, run_folder: Path, folder: Path) -> None:
        _refuse_lost(session, run_id, attempt)
        self._session, self._run_id, self._number = session, run_id, attempt
        self._run_folder, self._folder = run_folder, folder
        self.removed: list[str] = []
        self.held = 0

    # Rows are loaded on demand, because the writes of every second need none.

    @cached_property
    def _run(self) -> Run:
        return self._session.get_one(Run, self._run_id)

    @cached_property
    def _attempt(self) -> Attempt:
        return self._session.get_one(Attempt, (self._run_id, self._number))

    @cached_property
    def _summary(self) -> RunSummary:
        return self._session.get_one(RunSummary, self._run_id)

    def started(self, manifest: dict[str, Any], step: int = 0) -> None:
        """Writes that the attempt starts after `step`. The run keeps the manifest of its first attempt, whose `data`
        has the `hash` and `splits` of the data. Deletes checkpoints after `step`, which were unusable."""
        run = self._run
        data = manifest.get("data", {})
        if step == 0 or run.manifest is None:
            run.manifest = manifest
        run.data_hash, run.splits = data.get("hash"), data.get("splits")
        self._attempt.manifest, self._attempt.step = manifest, step
        self._forget("state", lambda checkpoint: checkpoint.step > step)

    def noted(self, message: str) -> None:
        """Adds a line for people to the attempt's notes."""
        self._attempt.notes = [*self._attempt.notes, _storable(message)]

    def doing(self, activity: str | None) -> None:
        """Sets the run's current work other than training."""
        self._summarise(activity=activity)

    def placed(self, where: Whereabouts) -> None:
        """Sets where the attempt runs on a cluster."""
        for name, value in vars(where).items():
            setattr(self._attempt, name, value)
        if where.waiting_for is not None or self._attempt.manifest is None:
            self.doing(str(where))

    def received(self, next_event: int) -> None:
        """Sets the number of the attempt's first event that this transaction does not store."""
        self._attempt.next_event = next_event

    def memory(self, peak_bytes: int) -> None:
        """Sets the peak memory of the attempt."""
        self._attempt.peak_memory_bytes = peak_bytes

    def steps(self, ended: "StepsEnded") -> None:
        """Writes ended steps with their losses."""
        progress = ("stage", "step", "total_steps", "images_per_second", "eta_seconds")
        self._summarise(**{name: getattr(ended, name) for name in progress}, activity=None)
        self.points(("step/loss", step, loss) for step, loss in ended.losses)

    def epoch(self, ended: "EpochEnded") -> None:
        """Writes an ended epoch and its scores. Its other fields become points of the curves `epoch/FIELD`."""
        values = dict(vars(ended))
        number, _ = values.pop("epoch"), values.pop("scores")
        self.points((f"epoch/{name}", number, float(value)) for name, value in values.items() if value is not None)
        newest = ("stage", "epoch", "step", "train_loss", "val_loss", "val_mae")
        best = {"best_epoch": ended.epoch, "best_val_loss": ended.val_loss} if ended.is_best else {}
        biases: dict[str, float | None] = {}
        if ended.scores is not None:
            self.epoch_scores(ended.epoch, ended.scores)
            biases = {f"val_bias_{attribute}": ended.scores.bias.get(attribute) for attribute in REPORT_ATTRIBUTES}
        self._summarise(**{name: getattr(ended, name) for name in newest}, **best, **biases)

    def epoch_scores(self, epoch: int, scores: "EpochScores") -> None:
        """Writes the scores of an epoch on the validation split, and compares them with earlier scores like points."""
        row = scores_row(scores)
        if self._number > 1:
            known = self._session.get(EpochScore, (self._run_id, epoch))
            self._attempt.replayed += known is not None
            if known is not None and dump_json({name: getattr(known, name) for name in row}) != dump_json(row):
                if not self._attempt.differing:
                    self.noted(f"differs from an earlier attempt: the scores of epoch {epoch}")
                self._attempt.differing += 1
        self._session.connection().execute(_UPSERT_SCORES, {"run_id": self._run_id, "epoch": epoch, **row})

    def points(self, points: Iterable[tuple[str, int, float]]) -> None:
        """Writes points (key, step, value) of curves.

        A point stored by an earlier attempt should be identical. Counts and replaces differing points, because the run
        continues from the new ones.
        """
        rows = [{"run_id": self._run_id, "key": key, "step": step, "value": value} for key, step, value in points]
        if not rows:
            return
        if self._number > 1:
            self._compare(rows)
        self._session.connection().execute(_UPSERT, rows)

    def checkpoint(self, written: "CheckpointWritten") -> None:
        """Writes a checkpoint with a path relative to the run's folder, and deletes all but the newest states."""
        path = self._run_folder / written.path
        stored = path.relative_to(self._folder).as_posix() if path.is_relative_to(self._folder) else path.as_posix()
        if written.kind == "best":
            self._forget("best", lambda checkpoint: True, but=stored)
        else:
            steps = [state.step for state in _checkpoints(self._session, self._run_id, "state")]
            kept = [step for step in steps if step < written.step][-(STATES_KEPT - 1) :]
            self._forget("state", lambda checkpoint: checkpoint.step not in kept)
        self._session.flush()
        self._session.add(Checkpoint(run_id=self._run_id, **{**asdict(written), "path": stored}))
        self._session.flush()

    def evaluated(self, scored: "Evaluated", target: str, data_name: str) -> None:
        """Writes the scores and predictions of a split, replacing earlier ones."""
        before = write_scores(self._session, self._run_id, self._summary, scored, target, data_name)
        if self._number > 1 and before is not None:
            self._attempt.replayed += 1
            if not before:
                self._attempt.differing += 1
                self.noted(f"not bit for bit what an earlier attempt predicted on {scored.split}")

    def end(self, status: str, reason: str, *, failure: str | None = None, seconds: float | None = None) -> None:
        """Ends the attempt and its run: `done`, `diverged`, `failed` or `interrupted`."""
        if status in ("done", "diverged"):
            self._forget("state", lambda checkpoint: True)
        self.held = _end(self._session, self._run, status, status, reason, failure, seconds)

    def stop(self, otherwise: str, reason: str, *, seconds: float | None = None) -> str:
        """Ends an attempt that stopped on request. Returns the run's status: paused or cancelled as requested, else
        `otherwise` (`queued`, to resume later, or `interrupted`)."""
        asked = {"pause": "paused", "cancel": "cancelled", "kill": "cancelled"}
        status = asked.get(self._run.request or "", otherwise)
        said = {"paused": "paused by the user", "cancelled": "cancelled by the user"}.get(status, reason)
        outcome = "stopped" if status == "queued" else status
        _end(self._session, self._run, status, outcome, said, None, seconds)
        return status

    def crash(self, failure: str, reason: str, *, seconds: float | None = None) -> str:
        """Ends an attempt whose process died, see `end_crashed`. Returns the run's status."""
        self.held = end_crashed(self._session, self._run, failure, reason, seconds)
        return self._run.status

    def pause_queue(self, reason: str) -> None:
        """Pauses the queue in the same transaction."""
        pause_queue(self._session, reason)

    def _summarise(self, **values: Any) -> None:
        self._session.connection().execute(_SUMMARISE, {**values, "run": self._run_id})

    def _forget(self, kind: str, which: Callable[[Checkpoint], bool], *, but: str | None = None) -> None:
        """Deletes rows of checkpoints and adds their files to `removed`, except `but`, which a new row uses."""
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
                f"differs from an earlier attempt: {row['key']} {row['step']} was {value!r} and is now {row['value']!r}"
            )
        self._attempt.differing += len(differing)


def pause_queue(session: Session, reason: str) -> PausedQueue:
    return session.merge(PausedQueue(id=1, reason=reason, held_at=now()))


def request_of(session: Session, run_id: int, attempt: int) -> str | None:
    """The request to a running attempt: `pause`, `cancel`, `kill` or None.

    `lost` if the attempt has lost its run: the run was ended, requeued or claimed again.
    """
    found = session.connection().execute(_REQUEST, {"run": run_id, "attempt_number": attempt}).first()
    return found[0] if found is not None else "lost"


def _refuse_lost(session: Session, run_id: int, attempt: int) -> None:
    if request_of(session, run_id, attempt) == "lost":
        raise LostRunError(
            f"attempt {attempt} has lost run {run_id}: the run was stopped, or another process took it over; this "
            f"attempt stores nothing more, see ageui show {run_id}"
        )


def end_crashed(session: Session, run: Run, failure: str, reason: str, seconds: float | None = None) -> int:
    """Ends the newest attempt of a run whose process died. Returns the number of runs of its sweep held by that.

    The run is queued again, and resumes from its newest checkpoint. After `MOST_STRIKES` consecutive attempts without
    progress (fewer if the system killed them for memory), it fails. A requested pause or cancellation takes effect, and
    a foreground run whose process was lost is interrupted.
    """
    attempt = session.get_one(Attempt, (run.id, run.attempt))
    run.strikes = 0 if _got_further(session, attempt) else run.strikes + 1
    if run.request is not None:
        status = "paused" if run.request == "pause" else "cancelled"
    elif failure == "lost" and attempt.worker is None:
        status = "interrupted"
    elif run.strikes >= (MOST_STRIKES_OF_MEMORY if failure == "oom_killed" else MOST_STRIKES):
        status = "failed"
        reason = f"{reason}\n{run.strikes} attempts in a row ended like this without progress"
    else:
        status = "queued"
    return _end(session, run, status, "lost" if failure == "lost" else "crashed", reason, failure, seconds)


def _got_further(session: Session, attempt: Attempt) -> bool:
    """Whether the attempt wrote a checkpoint after its start step.

    An attempt whose engine never reported its start wrote none: existing checkpoints are from earlier attempts.
    """
    start = attempt.step
    return start is not None and any(state.step > start for state in _checkpoints(session, attempt.run_id, "state"))


def _checkpoints(session: Session, run_id: int, kind: str) -> Sequence[Checkpoint]:
    """A run's checkpoints of one kind, oldest first."""
    found = select(Checkpoint).where(Checkpoint.run_id == run_id, Checkpoint.kind == kind)
    return session.exec(found.order_by(col(Checkpoint.step))).all()


def _end(
    session: Session,
    run: Run,
    status: str,
    outcome: str,
    reason: str,
    failure: str | None,
    seconds: float | None,
) -> int:
    """Ends a run and its attempt. Returns the number of queued runs of its sweep held by that."""
    reason, ended = _storable(reason), now()
    run.status, run.request = status, None
    run.ended_at = None if status in ("queued", "paused") else ended
    run.error = None if status in ("done", "queued") else reason
    run.failure = failure if status in ("failed", "interrupted") else None
    attempt, summary = session.get_one(Attempt, (run.id, run.attempt)), session.get_one(RunSummary, run.id)
    summary.activity = summary.eta_seconds = None
    attempt.outcome, attempt.ended_at, attempt.reason, attempt.failure = outcome, ended, reason, failure
    attempt.seconds = seconds
    return hold_sweep(session, run) if status == "failed" else 0


def _is_same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


def _storable(text: str) -> str:
    """Replaces lone surrogates, as in file names that are not UTF-8, because SQLite cannot store them as text."""
    return text.encode("utf-8", "replace").decode("utf-8")
