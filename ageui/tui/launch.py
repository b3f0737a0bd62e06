"""Runs the application on a database, then summarizes the work that continues in the background."""

from pathlib import Path

from ageui.files.database_path import real_path
from ageui.store import Store
from ageui.store.example import copy_sentence
from ageui.text.sentences import counted
from ageui.tui.app import AgeUIApp
from ageui.tui.prefs import Prefs
from ageui.worker.background_workers import workers
from ageui.worker.left_behind import left_behind_sentence
from ageui.worker.lost_runs import find_lost
from ageui.worker.rescorer import start_rescoring
from engine.errors import StoreError


def launch(path: Path, files: Path | None = None) -> str:
    """Runs the application until a person leaves it; returns a summary of the work that continues, or "".

    Opens a database that is not writable read-only; `files` is the folder for the files of a new one. Raises
    `StoreError` if it cannot be opened, and `ConfigError` if `files` cannot be its folder.
    """
    with open_store(path, files) as store:
        copied = copy_sentence(path, store.path) if real_path(path) != store.path else None
        notices = (copied, left_behind_sentence(store, find_lost(store)), start_rescoring(store))
        AgeUIApp(store, Prefs.load(), notice="\n".join(filter(None, notices)) or None).run()
        return background_summary(store)


def open_store(path: Path, files: Path | None = None) -> Store:
    """Opens the database, read-only if it is not writable; creates a missing one. Raises `StoreError`."""
    try:
        return Store.open(path, create=True, files=files)
    except StoreError:
        if not path.exists():
            raise
        return Store.open(path, read_only=True)


def background_summary(store: Store) -> str:
    """A sentence about running and queued runs; empty without any."""
    counts = store.runs.status_counts()
    running, queued = counts.get("running", 0), counts.get("queued", 0)
    living = any(state.is_alive for state in workers(store))
    if not running and not queued:
        return ""
    if not living and not running:
        return f"{counted(queued, 'run')} queued, and no worker: ageui worker start, or W in ageui"
    if store.queue.current_pause() is not None and queued:
        return f"{counted(running, 'run')} running; the queue is paused with {counted(queued, 'run')}: ageui resume"
    return f"{counted(running, 'run')} running and {queued:,} queued go on in the background; ageui shows them"
