"""Starts missing workers for queued runs, and names the runs that no worker takes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from ageui.store import QueuePause, RunRow, Store


def start_missing_workers(
    store: "Store",
    devices: Sequence[str],
    checkpoint_seconds: float | None,
    console: "Console",
) -> None:
    """Starts missing workers for `devices`, and prints the workers it started and whether the queue is paused."""
    from ageui.planning.settings import checkpoint_interval
    from ageui.text.clean import clean
    from ageui.worker.background_workers import ensure_worker

    for device in dict.fromkeys(devices):
        started = ensure_worker(store, device, checkpoint_seconds=checkpoint_interval(checkpoint_seconds))
        if started is not None:
            console.print(f"started a worker on {started}; see ageui worker status", soft_wrap=True)
        elif checkpoint_seconds is not None:
            console.print(
                f"--checkpoint-seconds {checkpoint_seconds:g} has no effect on the running worker; to apply it: "
                f"ageui worker stop, then ageui worker start --checkpoint-seconds {checkpoint_seconds:g}",
                soft_wrap=True,
            )
    pause = store.queue.current_pause()
    if pause is not None:
        console.print(clean(paused_sentence(pause)), soft_wrap=True)


def paused_sentence(pause: "QueuePause") -> str:
    """The reason why the queue is paused, and the command that resumes it."""
    from ageui.store.queue import BY_THE_USER

    why = f" {BY_THE_USER}" if pause.reason == BY_THE_USER else f": {pause.reason}"
    return f"the queue is paused{why}; to continue: ageui resume"


def unserved_sentence(devices: Sequence[str], *, are_all: bool) -> str:
    """Says that no worker runs for these devices, and how to start one; names the devices unless `are_all`."""
    which = "them" if are_all else f"those with --device {' or '.join(devices)}"
    commands = [f"ageui worker start{'' if device == 'auto' else f' --device {device}'}" for device in devices]
    return f"no worker is running for {which}; to start one: {', '.join(commands)}; see ageui explain queue"


def device_of(row: "RunRow") -> str:
    """The device in a run's config."""
    return str(row.config.get("device", "auto"))
