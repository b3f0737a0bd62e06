"""Opens the application on a database, and says afterwards what goes on without it."""

from pathlib import Path

from ageui.store import Store
from ageui.text.sentences import counted
from ageui.tui.app import AgeUIApp
from ageui.tui.prefs import Prefs
from ageui.worker.background_workers import workers
from engine.errors import StoreError


def launch(path: Path) -> str:
    """Runs the application until it is left; what goes on in the background then, in words, or nothing.

    A database that cannot be written is opened for reading. Raises `StoreError` for one that cannot be opened at all.
    """
    with open_store(path) as store:
        AgeUIApp(store, Prefs.load()).run()
        return goes_on(store)


def open_store(path: Path) -> Store:
    """The database, made where it is not there. Raises `StoreError`."""
    try:
        return Store.open(path, create=True)
    except StoreError:
        if not path.exists():
            raise
        return Store.open(path, read_only=True)


def goes_on(store: Store) -> str:
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
