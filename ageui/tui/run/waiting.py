"""Why a queued run waits, and when it starts."""

from ageui.store.queue import BY_THE_USER
from ageui.tui.queue_state import QueueState


def waiting_text(state: QueueState | None, run_id: int) -> str:
    """`2nd, starts in 2:10`: the place of a queued run, its start if it is known, and what its queue waits for.

    Empty for any other run.
    """
    if state is None or run_id not in state.places:
        return ""
    place = str(state.places[run_id]).removeprefix("queued ")
    if state.pause_reason is not None:
        why = "" if state.pause_reason == BY_THE_USER else f": {state.pause_reason}"
        return f"{place} · the queue is paused{why}, H resumes it"
    if state.unserved:
        return f"{place} · no worker for {', '.join(state.unserved)}, W starts one"
    return f"{place} · waits: {'; '.join(state.waits)}" if state.waits else place
