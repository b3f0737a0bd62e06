"""Finds runs marked as running whose processes are all gone, and requeues or explains them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ageui.files.locks import Lock, is_held
from ageui.store import RunningRun, Store
from ageui.text.states import LOST
from ageui.worker.end_commands import start_end_commands
from engine.errors import StoreError

_MOST_NAMED = 8


@dataclass(frozen=True)
class RecoveredRun:
    """A lost run and its new status; None if that could not be stored, for the reason in `problem`.

    `others` are problems with the commands for its end.
    """

    run: RunningRun
    status: str | None
    problem: str = ""
    has_checkpoint: bool = False
    others: tuple[str, ...] = ()

    def sentence(self) -> str:
        what = {
            "queued": f"it is queued again and {self._from_where}",
            "interrupted": f"ageui resume {self.run.run_id}: it {self._from_where}",
            "failed": f"it failed, see ageui show {self.run.run_id}",
            "paused": "it is paused, as requested",
            "cancelled": "it is cancelled, as requested",
            None: f"that could not be stored ({self.problem})",
        }[self.status]
        return "; ".join((f"run {self.run.run_id} was running, but {LOST}", what, *self.others))

    @property
    def _from_where(self) -> str:
        return "continues from its last checkpoint" if self.has_checkpoint else "starts over: it had no checkpoint"


def find_lost(store: Store) -> list[RunningRun]:
    """Finds runs marked as running whose lock is free. Writes nothing.

    A run on a cluster is not lost with its worker: the next worker adopts it.
    """
    here = [run for run in store.queue.running() if run.where is None]
    gone = [run for run in here if not is_held(store.run_lock_file(run.run_id))]
    # A run that has just ended stored its end before releasing its lock.
    return [run for run in store.queue.running() if run in gone] if gone else []


def lost_sentence(lost: Sequence[RunningRun]) -> str:
    """A sentence about the lost runs, with advice."""
    numbers = ", ".join(str(run.run_id) for run in lost[:_MOST_NAMED]) + (" …" if len(lost) > _MOST_NAMED else "")
    which, again = (f"run {numbers} is", "it") if len(lost) == 1 else (f"runs {numbers} are", "them")
    return f"{which} lost: {LOST}; to queue {again} again: ageui worker start, or any command that changes the queue"


def recover_lost(store: Store) -> Iterator[RecoveredRun]:
    """Requeues or explains every lost run. Leaves a store opened read-only unchanged."""
    left = [] if store.is_read_only else find_lost(store)
    try:
        while left:
            found = _recover(store, left[0])
            del left[0]
            if found is not None:
                yield found
    except StoreError as error:
        yield from (RecoveredRun(run, None, str(error)) for run in left)


def _recover(store: Store, run: RunningRun) -> RecoveredRun | None:
    """Recovers a run while holding its lock. Returns None if another process has just taken it."""
    lock = Lock.take(store.run_lock_file(run.run_id))
    if lock is None:
        return None
    try:
        status = store.queue.end_lost(run, LOST)
    finally:
        lock.release()
    if status is None:
        return None
    others: list[str] = []
    start_end_commands(store, [run.run_id], others.append)
    has_checkpoint = any(row.kind == "state" for row, _, _ in store.runs.checkpoints(run.run_id))
    return RecoveredRun(run, status, has_checkpoint=has_checkpoint, others=tuple(others))
