"""Runs the application on a database, then summarizes the work that continues in the background."""

import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from ageui.files.database_path import real_path
from ageui.store import Store
from ageui.store.example import copy_sentence
from ageui.text.sentences import counted
from ageui.tui.app import AgeUIApp
from ageui.tui.prefs import Prefs
from ageui.worker.background_workers import workers
from ageui.worker.demo_copy import open_demo, temporary_demo
from ageui.worker.left_behind import left_behind_sentence
from ageui.worker.lost_runs import find_lost
from ageui.worker.rescorer import start_rescoring
from engine.errors import StoreError


def launch(path: Path, files: Path | None = None) -> str:
    """Runs the application until it is left. Returns a summary of the work that continues, or "".

    Opens a database that is not writable as read-only; `files` is the folder for the files of a new one. Raises
    `StoreError` if it cannot be opened, and `ConfigError` if `files` cannot be its folder.
    """
    with open_store(path, files) as store:
        copied = copy_sentence(path, store.path) if real_path(path) != store.path else None
        sentences = (copied, left_behind_sentence(store, find_lost(store)), start_rescoring(store))
        notice = "\n".join(filter(None, sentences))
        while _run(AgeUIApp(store, Prefs.load(), notice=notice or None)):
            try:
                notice = launch_demo()
            except StoreError as error:
                notice = str(error)
        return background_summary(store)


def launch_demo(keep: Path | None = None) -> str:
    """Runs the application on a copy of the shipped runs, in the folder `keep` or a temporary one. Returns a sentence
    about what happened to the copy.

    SIGTERM and SIGHUP end this process only afterwards. Raises `StoreError` if the copy cannot be made.
    """
    with (
        _deferred_signals() as (apps, received),
        open_demo(keep) if keep is not None else temporary_demo() as store,
    ):
        fate = "quitting removes it" if keep is None else f"it stays in {store.path}"
        prefs = Prefs(theme=Prefs.load().theme)
        apps.append(AgeUIApp(store, prefs, notice=f"a copy of the shipped runs to try keys on; {fate}"))
        apps[0].is_demo = True
        if not received:
            _run(apps[0])
        counts = store.runs.status_counts()
        if keep is not None:
            again = f"the demo stays in {store.path}; to open it again: ageui --db {shlex.quote(str(store.path))}"
            return "\n".join(filter(None, (again, background_summary(store))))
    ended = counts.get("running", 0) + counts.get("queued", 0)
    return "the demo's copy is removed" + (f", with {counted(ended, 'unfinished run')}" if ended else "")


def _run(app: AgeUIApp) -> bool:
    """Runs the application until it is left. Returns whether the demo was requested."""
    app.run()
    return app.wants_demo


@contextmanager
def _deferred_signals() -> Iterator[tuple[list[AgeUIApp], list[int]]]:
    """Ends the yielded applications on SIGTERM and SIGHUP, and obeys the signal at the end.

    Also yields the signals received.
    """
    apps: list[AgeUIApp] = []
    received: list[int] = []

    def leave(number: int, frame: FrameType | None) -> None:
        received.append(number)
        for app in apps:
            app.exit()

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield apps, received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if received:
            signal.raise_signal(received[0])


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
    said = ", ".join(f"{count:,} {state}" for count, state in ((running, "running"), (queued, "queued")) if count)
    return f"in the background: {said}; ageui shows them"
