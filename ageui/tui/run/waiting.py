"""Why a queued run waits, and when it starts."""

from ageui.planning.queue_places import ordinal
from ageui.present.figures import duration
from ageui.store import RunRow, Store
from ageui.worker.background_workers import workers


def waiting_text(store: Store, row: RunRow) -> str:
    """The place of a queued run, when it starts if that is known, and what it waits for; empty for any other run.

    Raises `StoreError`.
    """
    if row.status != "queued":
        return ""
    order = store.queue.order()
    place = order.index(row.id) if row.id in order else 0
    return f"{ordinal(place + 1)} of {len(order):,} queued · {_start(store, order[:place])}"


def _start(store: Store, before: list[int]) -> str:
    pause = store.queue.current_pause()
    if pause is not None:
        return f"the queue is paused {pause.reason}, H resumes it"
    living = [state.row for state in workers(store) if state.is_alive]
    if not living:
        return "no worker, W starts one"
    blocked = next((worker.waiting_for for worker in living if worker.waiting_for), None)
    if blocked is not None:
        return f"the worker waits for {blocked}"
    if before:
        others = f" and {len(before) - 1:,} more" if len(before) > 1 else ""
        return f"starts after {store.runs.get(before[0]).name}{others}"
    running = [store.runs.get(worker.run_id) for worker in living if worker.run_id is not None]
    left = [run.summary.eta_seconds for run in running if run.summary.eta_seconds is not None]
    if len(left) < len(living):
        return "starts soon"
    return f"starts in about {duration(min(left))}"
