"""Opens the application on a database, and says afterwards what goes on without it."""

from pathlib import Path

from ageui.sentences import counted
from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.prefs import Prefs
from ageui.worker.start import workers


def launch(path: Path) -> str:
    """Runs the application until it is left; what goes on in the background then, in words, or nothing.

    Raises `StoreError` for a database that cannot be opened.
    """
    with Store.open(path, create=True) as store:
        AgeUIApp(store, Prefs.load()).run()
        return _goes_on(store)


def _goes_on(store: Store) -> str:
    counts = store.status_counts()
    running, queued = counts.get("running", 0), counts.get("queued", 0)
    living = any(state.is_alive for state in workers(store))
    if not running and not queued:
        return ""
    if not living and not running:
        return f"{counted(queued, 'run')} queued, and no worker: ageui worker start, or ageui again"
    if store.queue.held() is not None and queued:
        return f"{counted(running, 'run')} running; the queue is paused with {counted(queued, 'run')}: ageui resume"
    return f"{counted(running, 'run')} running and {queued:,} queued go on in the background; ageui shows them"
