"""Waits for runs that others train."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ageui.store import Store

SECONDS_BETWEEN_LOOKS = 0.2


def wait_until_ended(
    store: "Store", run_ids: Sequence[int], say: Callable[[str], None], timeout: float | None = None
) -> bool:
    """Waits until runs have ended, and says how each ended. Returns whether all are done.

    Says so and returns False if the time is up, or if nobody would take the runs that are left.
    """
    end = None if timeout is None else time.monotonic() + timeout
    left = list(run_ids)
    all_done = True
    while True:
        for row in [store.runs.get(run_id) for run_id in left]:
            if row.status not in ("queued", "running", "lost"):
                left.remove(row.id)
                all_done = all_done and row.status == "done"
                say(f"run {row.id} {row.name} is {row.status}{f': {row.error}' if row.error else ''}")
        if not left:
            return all_done
        if end is not None and time.monotonic() > end:
            say(f"{len(left)} run{'s have' if len(left) != 1 else ' has'} not ended after {timeout:g} s")
            return False
        if (reason := _standstill(store, left, say)) is not None:
            say(f"{len(left)} run{'s wait' if len(left) != 1 else ' waits'}, but {reason}")
            return False
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _standstill(store: "Store", left: Sequence[int], say: Callable[[str], None]) -> str | None:
    """Why no worker will take any of these runs; None if one runs or will be taken.

    Lost runs are requeued first, by a living worker if this store is open for reading only.
    """
    from ageui.cli.background import paused_sentence, unserved, unserved_sentence
    from ageui.worker.lost_runs import recover_lost

    for found in recover_lost(store):
        say(found.sentence())
    rows = [store.runs.get(run_id) for run_id in left]
    if any(row.status not in ("queued", "lost") for row in rows):
        return None
    pause = store.queue.current_pause()
    if pause is not None:
        return paused_sentence(pause)
    return unserved_sentence(rows, are_all=True) if len(unserved(store, rows)) == len(rows) else None
