"""Waits for runs that other processes train."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ageui.text.sentences import counted

if TYPE_CHECKING:
    from ageui.store import Store

SECONDS_BETWEEN_LOOKS = 0.2
_UNFINISHED = ("queued", "running", "lost")


def wait_until_ended(
    store: "Store", run_ids: Sequence[int], say: Callable[[str], None], timeout: float | None = None
) -> bool:
    """Waits until runs have ended, and says how each run ended. Returns whether all are done.

    After the timeout, or if no worker will take the remaining runs, says so and returns False.
    """
    end = None if timeout is None else time.monotonic() + timeout
    left = list(run_ids)
    all_done = True
    while True:
        rows = store.runs.get_many(left)
        for run_id in left:
            if run_id not in rows:
                all_done = False
                say(f"run {run_id} was deleted")
            elif (row := rows[run_id]).status not in _UNFINISHED:
                all_done = all_done and row.status == "done"
                say(f"run {row.id} {row.name} is {row.status}{f': {row.error}' if row.error else ''}")
        left = [run_id for run_id, row in rows.items() if row.status in _UNFINISHED]
        if not left:
            return all_done
        if end is not None and time.monotonic() > end:
            say(f"{counted(len(left), 'run')} {'has' if len(left) == 1 else 'have'} not ended after {timeout:g} s")
            return False
        if (reason := _standstill(store, left, say)) is not None:
            say(f"{counted(len(left), 'run')} {'waits' if len(left) == 1 else 'wait'}, but {reason}")
            return False
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _standstill(store: "Store", left: Sequence[int], say: Callable[[str], None]) -> str | None:
    """The reason why no worker will take any of these runs; None if a run is running or a worker will take one.

    Requeues lost runs first; if this store is read-only, a running worker does.
    """
    from ageui.console.background import device_of, paused_sentence, unserved_sentence
    from ageui.worker.background_workers import devices_without_worker
    from ageui.worker.lost_runs import recover_lost

    for found in recover_lost(store):
        say(found.sentence())
    rows = store.runs.get_many(left).values()
    if any(row.status not in ("queued", "lost") for row in rows):
        return None
    pause = store.queue.current_pause()
    if pause is not None:
        return paused_sentence(pause)
    devices = list(dict.fromkeys(map(device_of, rows)))
    unserved = devices_without_worker(store, devices)
    return unserved_sentence(unserved, are_all=True) if len(unserved) == len(devices) else None
