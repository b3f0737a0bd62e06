"""The lock and the log of a database's worker on a device."""

import os
from pathlib import Path

from ageui.devices import as_file_name
from ageui.files.locks import Lock
from ageui.store import Store


def worker_lock_file(store: Store, device: str) -> Path:
    """The lock of a database's worker on a device. Each device has at most one worker per database."""
    return store.folder / f"worker-{as_file_name(device)}.lock"


def take_worker_lock(store: Store, device: str) -> Lock | None:
    """Makes this process the database's worker on the device. Returns None if the device already has one."""
    return Lock.take(worker_lock_file(store, device), {"pid": os.getpid()})


def worker_log_file(store: Store, device: str) -> Path:
    return store.folder / f"worker-{as_file_name(device)}.log"
