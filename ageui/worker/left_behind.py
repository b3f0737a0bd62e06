"""Runs that nobody trains because their worker was killed, as when the machine restarts."""

from collections.abc import Sequence

from ageui.store import RunningRun, Store
from ageui.text.sentences import counted
from ageui.worker.background_workers import workers


def left_behind_sentence(store: Store, lost: Sequence[RunningRun]) -> str:
    """Offers to continue the queued and the `lost` runs of workers that were killed or whose machine restarted.

    Empty if there are none, while any worker lives or the queue is paused, and for workers that left by themselves.
    """
    states = workers(store)
    died = any(state.row.ended_at is None and not state.row.stop_requested for state in states)
    if not died or any(state.is_alive for state in states) or store.queue.current_pause() is not None:
        return ""
    count = store.runs.status_counts().get("queued", 0) + len(lost)
    what = f"{counted(count, 'run')} {'is' if count == 1 else 'are'} waiting"
    why = "the worker was killed or the machine restarted"
    return f"{what}, because {why}; to continue: ageui worker start" if count else ""
