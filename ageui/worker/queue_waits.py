"""The reasons why queued runs wait, other than earlier runs: a device in use, or too little memory."""

from dataclasses import dataclass
from pathlib import Path

from ageui.devices import device_holder, is_cluster
from ageui.files.database_path import real_path
from ageui.store import Store
from ageui.worker.background_workers import workers

MEMORY = "memory"
"""The reason for waiting if a worker's next run does not fit beside its running runs."""


@dataclass(frozen=True)
class QueueWait:
    """The reason why the queued runs of a device wait: `short` for a status line, `sentence` in full."""

    short: str
    sentence: str


def queue_waits(store: Store) -> list[QueueWait]:
    """The reasons why the live workers of a database wait. Raises `StoreError`."""
    return [
        _wait(store, state.row.device, state.row.waiting_for)
        for state in workers(store)
        if state.is_alive and state.row.waiting_for
    ]


def _wait(store: Store, device: str, waiting_for: str) -> QueueWait:
    if is_cluster(device):
        return QueueWait(device, f"the worker on {device} waits: {waiting_for}")
    if waiting_for.startswith(MEMORY):
        return QueueWait(f"{device}, memory", f"the worker on {device} waits for {waiting_for}")
    holder = device_holder(device)
    sentence = f"the worker on {device} waits: {device} is in use by {waiting_for}"
    if holder is None:
        return QueueWait(device, sentence)
    is_own = real_path(Path(holder.database)) == store.path
    return QueueWait(f"{device}, {holder.name if is_own else Path(holder.database).name}", sentence)
