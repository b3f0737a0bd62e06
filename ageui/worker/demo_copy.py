"""A copy of the shipped runs in its own folder, which is removed together with its workers."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ageui.files.locks import is_held
from ageui.store import Store
from ageui.store.example import copy_example, shipped_example
from ageui.worker.background_workers import stop_worker, workers
from ageui.worker.supervisor import kill_engine
from engine.errors import StoreError

_NAME = "demo.db"
_SECONDS_TO_END = 10.0
_SECONDS_BETWEEN_LOOKS = 0.05


@contextmanager
def temporary_demo() -> Iterator[Store]:
    """The copy in a temporary folder. On exit, ends its workers and engines and removes the folder.

    Raises `StoreError` if there are no shipped runs, or the copy cannot be made.
    """
    temporary = tempfile.TemporaryDirectory(prefix="ageui-demo-", ignore_cleanup_errors=True)
    with temporary as folder, open_demo(Path(folder)) as store:
        try:
            yield store
        finally:
            _end_processes(store)


def open_demo(folder: Path) -> Store:
    """The copy in `folder`; creates both if missing. Raises `StoreError`."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder} cannot hold the copy of the shipped runs: {error.strerror}") from error
    copy = folder / _NAME
    if not copy.exists():
        copy_example(shipped_example(), copy)
    return Store.open(copy, create=False)


def _end_processes(store: Store) -> None:
    """Kills the workers of a database, then their engines, so that nothing is written afterwards."""
    for state in workers(store):
        stop_worker(store, state.row.device, at_once=True, say=lambda text: None)
    running = [run.run_id for run in store.queue.running()]
    end = time.monotonic() + _SECONDS_TO_END
    while any(is_held(store.run_lock_file(run_id)) for run_id in running) and time.monotonic() < end:
        for run_id in running:
            kill_engine(store, run_id)
        time.sleep(_SECONDS_BETWEEN_LOOKS)
