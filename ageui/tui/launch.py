"""Opens the application on a database, and summarizes what continues in the background after it."""

from pathlib import Path

from ageui.store import Store
from ageui.text.sentences import counted
from ageui.tui.app import AgeUIApp
from ageui.tui.prefs import Prefs
from ageui.worker.background_workers import workers
from engine.errors import StoreError


def launch(path: Path) -> str:
    """Runs the application until a person leaves it; returns what continues in the background, in words, or nothing.

    Opens a database that cannot be written read-only. Raises `StoreError` for one that cannot be opened at all.
    """
    with open_store(path) as store:
        AgeUIApp(store, Prefs.load()).run()
        return background_summary(store)


def open_store(path: Path) -> Store:
    """Opens the database, and creates a missing one. Raises `StoreError`."""
    try:
        return Store.open(path, create=True)
    except StoreError:
        if not path.exists():
            raise
        return Store.open(path, read_only=True)


def background_summary(store: Store) -> str:
    """What runs and waits after the application was left; nothing if the queue is empty."""
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
