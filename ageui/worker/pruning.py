"""Files that could go: training states of runs that ended, and what no row points to."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ageui.store import ENDED, Store
from ageui.worker.locks import Lock
from ageui.worker.recorder import remove_file, weights_files
from ageui.worker.supervisor import run_lock_file


@dataclass(frozen=True)
class Prunable:
    """A file that could go, and why; `run_id` is the run whose row points to it, None where none does."""

    path: Path
    bytes: int
    why: str
    run_id: int | None = None


def find_prunable(store: Store) -> list[Prunable]:
    """What `prune` would remove. Of runs that can go on, nothing; of runs that somebody works on, nothing either."""
    found: list[Prunable] = []
    known: set[Path] = set()
    for checkpoint, status, run_id in store.checkpoints():
        path = store.checkpoint_file(checkpoint)
        known.add(path)
        if checkpoint.kind == "state" and status in ENDED and path.exists():
            why = f"checkpoint of run {run_id}, which is {status}; a retry would begin from the start"
            found.append(Prunable(path, path.stat().st_size, why, run_id))
    files = {file for folder in store.folder.glob("*") for file in weights_files(folder)}
    for file in sorted(files - known):
        if not _is_worked_on(store, file.parent.name):
            found.append(Prunable(file, file.stat().st_size, "no run goes on from it"))
    return found


def prune(store: Store, files: Sequence[Prunable]) -> int:
    """Removes files, and the rows that point to them; returns the bytes that were freed."""
    for run_id in {file.run_id for file in files if file.run_id is not None}:
        store.queue.forget_states(run_id)
    freed = 0
    for file in files:
        remove_file(file.path)
        freed += 0 if file.path.exists() else file.bytes
    return freed


def _is_worked_on(store: Store, name: str) -> bool:
    if not name.isdecimal():
        return False
    lock = Lock.take(run_lock_file(store, int(name)))
    if lock is None:
        return True
    lock.release()
    return False
