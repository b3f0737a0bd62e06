"""The files in a run's folder: its lock, the logs of its attempts, weights and training states."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ageui.files.locks import Lock
from ageui.store import Claim, Store
from ageui.store.own_folder import is_within
from engine.errors import StoreError
from engine.files import make_private_folder

UNFINISHED = ".unfinished.part"
"""Marks the folder of a run that is being imported or deleted. If no run has the folder, all its files can go."""


@contextmanager
def hold_unknown_files(store: Store) -> Iterator[None]:
    """Keeps other imports and prunes away from files without a row.

    Raises `StoreError` if one is running.
    """
    lock = Lock.take(store.folder / "import.lock")
    if lock is None:
        raise StoreError(
            f"another ageui db import or ageui db prune of {store.path} is running; wait until it ends, then try again"
        )
    try:
        yield
    finally:
        lock.release()


def mark_unfinished(folder: Path) -> None:
    """Marks a folder, and creates it if missing. Raises `OSError`."""
    make_private_folder(folder)
    (folder / UNFINISHED).touch(mode=0o600)


def log_file(store: Store, run_id: int, attempt: int) -> Path:
    """The log of an attempt."""
    return store.run_folder(run_id) / f"log.{attempt}.txt"


def weights_files(folder: Path) -> list[Path]:
    """All files that engines write into a run's folder: weights, training states, and unfinished files."""
    return [file for pattern in ("state-*.pt", "weights-*.safetensors", ".*.part") for file in folder.glob(pattern)]


def remove_unknown_files(store: Store, claim: Claim) -> None:
    """Removes unfinished files, and weights and training states without a row.

    The caller holds the run's lock and has not started an engine yet, so no other process can write these files.
    """
    folder = store.run_folder(claim.run_id)
    known = {(store.path.parent / checkpoint.path).resolve() for checkpoint in claim.checkpoints}
    for file in weights_files(folder):
        if file.resolve() not in known:
            remove_file(file)


def remove_checkpoints(store: Store, paths: Iterable[str]) -> None:
    """Removes the files of checkpoints without a row, except those in another database's folder."""
    for path in paths:
        if is_within(store.folder, file := store.path.parent / path):
            remove_file(file)


def remove_file(path: Path) -> None:
    """Removes a file, which may be gone already. If that fails, leaves it to `ageui db prune`."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return
