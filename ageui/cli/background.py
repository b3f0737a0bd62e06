"""What commands that queue runs say and do about the worker that takes them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from ageui.store import Store


def see_to_worker(
    store: "Store",
    devices: Sequence[str],
    checkpoint_seconds: float | None,
    console: "Console",
) -> None:
    """Starts the workers that are missing for runs whose configs name `devices`, and says so; or that the queue is
    paused."""
    from ageui.settings import checkpoint_interval
    from ageui.text import clean
    from ageui.worker.start import ensure_worker

    for device in dict.fromkeys(devices):
        started = ensure_worker(store, device, checkpoint_seconds=checkpoint_interval(checkpoint_seconds))
        if started is not None:
            console.print(f"a worker on {started} was started; see ageui worker status", soft_wrap=True)
        elif checkpoint_seconds is not None:
            console.print(
                "the worker that lives keeps its own time between checkpoints; for another: ageui worker stop, "
                f"then ageui worker start --checkpoint-seconds {checkpoint_seconds:g}",
                soft_wrap=True,
            )
    held = store.queue.held()
    if held is not None:
        console.print(clean(f"the queue is paused: {held.reason}; let it go on with: ageui resume"), soft_wrap=True)
