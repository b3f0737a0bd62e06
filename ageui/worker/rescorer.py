"""Rescores the results of earlier versions, in a separate process that outlives the command that started it."""

import os
import subprocess
import sys
from collections.abc import Iterator

from ageui.files.locks import Lock, is_held
from ageui.store import Store
from ageui.store.other_databases import is_example
from ageui.text.sentences import counted
from engine.errors import StoreError

_LOCK = "rescoring.lock"


def rescore(store: Store) -> Iterator[int]:
    """Rescores results one by one, the newest first. Yields the number left, also before the first.

    Stores each at once, so that a later process continues where this one ends. Yields nothing if another process is at
    work.
    """
    lock = Lock.take(store.folder / _LOCK, {"pid": os.getpid()})
    if lock is None:
        return
    try:
        yield store.rescoring.remaining()
        while (stale := store.rescoring.next()) is not None:
            store.rescoring.rescore(*stale)
            yield store.rescoring.remaining()
    finally:
        lock.release()


def start_rescoring(store: Store) -> str | None:
    """Starts rescoring results of an earlier version in the background, unless another process does so already.

    Returns a sentence about these results, or None without any. Leaves a shipped example unchanged.
    """
    left = store.rescoring.remaining()
    if not left or is_example(store.path):
        return None
    what = f"{counted(left, 'result')} of an earlier version"
    if is_held(store.folder / _LOCK):
        return f"scoring {what} again in the background; until then some intervals and marks are missing"
    try:
        Store.open(store.path, create=False).close()
        # One thread: the work is many small products of matrices, which several threads would not speed up.
        subprocess.Popen(
            [sys.executable, "-P", "-m", "ageui", "db", "rescore", "--db", str(store.path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd=store.path.parent,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
    except (OSError, StoreError) as error:
        return f"{what} cannot be scored again, so some intervals and marks are missing: {error}"
    return f"{what} will be scored again in the background; until then some intervals and marks are missing"
