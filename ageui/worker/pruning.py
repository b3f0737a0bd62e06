"""Finds files that can be deleted: training states of ended runs, and files without a row."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ageui.files.locks import Lock
from ageui.store import ENDED, Store
from ageui.store.other_databases import files_needed_beside
from ageui.store.own_folder import is_within
from ageui.worker.run_files import UNFINISHED, hold_unknown_files, remove_file, weights_files
from engine.errors import ConfigError


@dataclass(frozen=True)
class Prunable:
    """A file that can be deleted, and the reason; `is_state` marks a training state from which a retry continues."""

    path: Path
    bytes: int
    why: str
    is_state: bool = False


def find_prunable(store: Store) -> list[Prunable]:
    """The files that `prune` would remove, all in the database's own folder.

    Runs that train or can continue have none.
    """
    return [file for _, files in _held_runs(store) for file in files]


def prune(store: Store) -> tuple[list[Prunable], int]:
    """Removes files that can be deleted, and their rows. Returns the files and the bytes freed."""
    removed: list[Prunable] = []
    freed = 0
    for run_id, files in _held_runs(store):
        if any(file.is_state for file in files):
            try:
                store.queue.forget_states(run_id)
            except ConfigError:
                continue  # the run is queued again, and continues from these states
        for file in files:
            remove_file(file.path)
            freed += 0 if file.path.exists() else file.bytes
        removed += files
    return removed, freed


def _held_runs(store: Store) -> Iterator[tuple[int, list[Prunable]]]:
    """Yields runs with their prunable files, each while holding its lock, so that no attempt writes meanwhile.

    Repeats the first look at all runs under the lock, because an attempt may just have ended.
    """
    needed = files_needed_beside(store.path)
    with hold_unknown_files(store):
        for run_id in sorted(_runs_to_look_at(store)):
            lock = Lock.take(store.run_lock_file(run_id))
            if lock is None:
                continue
            try:
                if files := _prunable(store, run_id, needed):
                    yield run_id, files
            finally:
                lock.release()


def _runs_to_look_at(store: Store) -> set[int]:
    folders = {int(folder.name): folder for folder in store.folder.glob("*") if folder.name.isdecimal()}
    files = {file for folder in folders.values() for file in weights_files(folder)}
    found: set[int] = set()
    for checkpoint, status, run_id in store.runs.checkpoints():
        files.discard(store.checkpoint_file(checkpoint))
        if checkpoint.kind == "state" and status in ENDED:
            found.add(run_id)
    known = store.runs.existing(list(folders))
    unfinished = {run_id for run_id in folders.keys() - known if (folders[run_id] / UNFINISHED).exists()}
    return found | unfinished | (known & {int(file.parent.name) for file in files})


def _prunable(store: Store, run_id: int, needed: set[Path]) -> list[Prunable]:
    reasons: dict[Path, str] = {}
    known: set[Path] = set()
    for checkpoint, status, _ in store.runs.checkpoints(run_id):
        path = store.checkpoint_file(checkpoint)
        known.add(path.resolve())
        is_idle = checkpoint.kind == "state" and status in ENDED
        if is_idle and is_within(store.folder, path) and path.resolve() not in needed:
            reasons[path] = f"checkpoint of run {run_id}, which is {status}; a retry would then start over"
    states = set(reasons)
    folder = store.run_folder(run_id)
    left, why = sorted(weights_files(folder)), "no run continues from it"
    if not store.runs.existing([run_id]):
        left, why = _unfinished_files(folder), f"run {run_id} was deleted, or its import did not finish"
    reasons |= {file: why for file in left if file.resolve() not in known | needed}
    sizes = {path: path.stat().st_size for path in reasons if path.exists()}
    return [Prunable(path, size, reasons[path], path in states) for path, size in sizes.items()]


def _unfinished_files(folder: Path) -> list[Path]:
    """All files of a marked folder except the lock. The mark comes last, so that prune can be interrupted."""
    if not (folder / UNFINISHED).exists():
        return []
    files = (file for file in folder.iterdir() if file.is_file() and file.name != "lock")
    return sorted(files, key=lambda file: (file.name == UNFINISHED, file))
