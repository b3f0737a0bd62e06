"""Workers and engines that are killed."""

import signal
from collections.abc import Callable

from undisturbed_runs import FACES, config_of, undisturbed, wait_until

from ageui.files.locks import is_held, read_note
from ageui.store import Store
from ageui.worker.background_workers import is_working, start_worker
from ageui.worker.processes import Process

__all__ = ["FACES", "config_of", "undisturbed", "wait_until"]

Say = Callable[[str], None]


def ensure_worker(store: Store, checkpoint_seconds: float = 0.2) -> None:
    if not is_working(store, "cpu"):
        start_worker(store, "cpu", checkpoint_seconds=checkpoint_seconds, idle_seconds=600)


def kill_worker(store: Store, number: signal.Signals = signal.SIGKILL) -> bool:
    """A signal to the worker; False where none lives."""
    rows = store.workers.all()
    if not rows or not is_working(store, "cpu"):
        return False
    return Process.of(rows[0].pid).send(number)


def engine_of(store: Store, run_id: int) -> Process | None:
    """The engine's process of a run; None while none is started."""
    path = store.run_lock_file(run_id)
    engine = Process.from_note(read_note(path).get("engine")) if is_held(path) else None
    return engine if engine is not None and engine.is_alive() else None


def kill_engine(store: Store, number: signal.Signals = signal.SIGKILL) -> bool:
    """A signal to the engine that runs now; False where none does."""
    engines = [engine_of(store, run.run_id) for run in store.queue.running()]
    return any([engine.send(number, to_group=True) for engine in engines if engine is not None])
