"""Files that could go: training states of runs that ended, and what no row points to."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from ageui.store import ENDED, Store
from ageui.worker.locks import Lock
from ageui.worker.recorder import remove_file, weights_files
from ageui.worker.supervisor import run_lock_file
from engine.errors import ConfigError


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
    for folder in sorted(store.folder.glob("*")):
        with _nobody_works_in(store, folder) as is_free:
            found += _in_folder(store, folder) if is_free else []
    return found


def prune(store: Store, files: Sequence[Prunable]) -> int:
    """Removes files that still could go, and the rows that point to them; returns the bytes that were freed."""
    freed = 0
    for folder, group in groupby(sorted(files, key=lambda file: file.path), key=lambda file: file.path.parent):
        with _nobody_works_in(store, folder) as is_free:
            still = {file.path for file in _in_folder(store, folder)} if is_free else set()
            going = [file for file in group if file.path in still]
            try:
                for run_id in {file.run_id for file in going if file.run_id is not None}:
                    store.queue.forget_states(run_id)
            except ConfigError:
                continue  # the run was queued again in this moment, and goes on from these files
            for file in going:
                remove_file(file.path)
                freed += 0 if file.path.exists() else file.bytes
    return freed


def _in_folder(store: Store, folder: Path) -> list[Prunable]:
    """What could go of one run's folder, in which nobody works: rows and files fit each other then."""
    found: list[Prunable] = []
    known: set[Path] = set()
    for checkpoint, status, run_id in store.checkpoints(_run_id(folder)):
        path = store.checkpoint_file(checkpoint)
        known.add(path)
        if checkpoint.kind == "state" and status in ENDED and path.exists():
            why = f"checkpoint of run {run_id}, which is {status}; a retry would begin from the start"
            found.append(Prunable(path, path.stat().st_size, why, run_id))
    orphans = sorted(set(weights_files(folder)) - known)
    return found + [Prunable(file, file.stat().st_size, "no run goes on from it") for file in orphans]


def _run_id(folder: Path) -> int:
    """The run that a folder belongs to; -1, which no run has, for another folder."""
    return int(folder.name) if folder.name.isdecimal() and len(folder.name) < 19 else -1


@contextmanager
def _nobody_works_in(store: Store, folder: Path) -> Iterator[bool]:
    """Whether nobody works on a folder's run; if so, nobody begins to for as long as the context lasts."""
    run_id = _run_id(folder)
    if run_id < 0:
        yield True
        return
    lock = Lock.take(run_lock_file(store, run_id))
    try:
        yield lock is not None
    finally:
        if lock is not None:
            lock.release()
