"""Runs that wait since a worker died without a word, as when the machine was restarted."""

from ageui.store import Store
from ageui.text.sentences import counted
from ageui.worker.background_workers import workers
from ageui.worker.lost_runs import find_lost


def left_behind(store: Store) -> int:
    """Counts the queued and lost runs of workers that were killed or whose machine was restarted.

    0 while any worker lives or the queue is paused, and for workers that left by themselves.
    """
    states = workers(store)
    died = any(state.row.ended_at is None and not state.row.stop_requested for state in states)
    if not died or any(state.is_alive for state in states) or store.queue.current_pause() is not None:
        return 0
    return store.runs.status_counts().get("queued", 0) + len(find_lost(store))


def left_behind_sentence(store: Store) -> str:
    """Offers to go on with such runs; empty if there are none."""
    count = left_behind(store)
    what = f"{counted(count, 'run')} {'waits' if count == 1 else 'wait'}"
    why = "since the worker was killed or the machine restarted"
    return f"{what} {why}; go on with: ageui worker start" if count else ""
