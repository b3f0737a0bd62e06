"""The devices of this machine, and the locks that keep two runs off one device."""

import errno
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from ageui.files.locks import Lock, is_held, read_note
from engine.errors import ConfigError
from engine.files import make_private_folder

CLUSTER = "slurm"
_MOST_DEVICES = 16


def is_cluster(device: str) -> bool:
    """Whether a worker's device is a cluster: `slurm`, or `slurm:PARTITION`."""
    return device.partition(":")[0] == CLUSTER


def configs_for(device: str, *, is_default: bool) -> tuple[str, ...]:
    """The values of a config's `device` that a worker of `device` (`cpu`, `cuda:1`) may take.

    `auto` means the default device: the first CUDA device, else the processor. Other CUDA devices also take runs with
    `cuda` or `auto`. A cluster (`slurm`, `slurm:PARTITION`) takes all runs.
    """
    if is_cluster(device):
        return ("cpu", "cuda", "auto", *(f"cuda:{number}" for number in range(_MOST_DEVICES)))
    if device == "cpu":
        return ("cpu", "auto") if is_default else ("cpu",)
    return (device, "cuda", "auto")


def default_device() -> str:
    """`cuda:0`, or `cpu` without a CUDA device."""
    from engine.cuda import cuda_available

    return "cuda:0" if cuda_available() else "cpu"


def resolve_device(wanted: str) -> str:
    """A config's `device` on this machine: `auto`, `cuda` or `cuda:1` to `cuda:0`, `cuda:0`, `cuda:1`."""
    if wanted == "auto":
        return default_device()
    return "cuda:0" if wanted == "cuda" else wanted


def cores() -> int:
    """Counts the processor's cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def locks_folder() -> Path:
    """The user's folder of the locks of devices."""
    return platformdirs.user_state_path("ageui", appauthor=False) / "devices"


def refuse_unwritable_locks() -> None:
    """Makes the folder of locks. Raises `ConfigError` if it cannot be written: no run may train without a lock."""
    folder = locks_folder()
    try:
        make_private_folder(folder)
        reason = None if os.access(folder, os.W_OK | os.X_OK) else os.strerror(errno.EACCES)
    except OSError as error:
        reason = error.strerror
    if reason is not None:
        raise ConfigError(f"{folder}: {reason}; set XDG_STATE_HOME to a folder that can be written")


def device_lock_file(device: str) -> Path:
    """The lock that is held while a run computes on the device, for any database.

    It belongs to the user, not the database, so that workers of two databases take turns. The name of a CUDA device
    follows `CUDA_VISIBLE_DEVICES`. Machines may share a home folder, so the host is part of the name.
    """
    return locks_folder() / f"{as_file_name(f'{socket.gethostname()}-{_physical(device)}')}.lock"


def next_lock_file(device: str) -> Path:
    """The lock of whoever waits for the device next: the holder of the device gives way after its run."""
    return device_lock_file(device).with_suffix(".next.lock")


def take_device(device: str) -> Lock | None:
    """Takes the device's lock. Returns None while another run computes on it."""
    return Lock.take(device_lock_file(device))


@dataclass(frozen=True)
class DeviceHolder:
    """The run that computes on a device: its id, its name and the path of its database."""

    run_id: int
    name: str
    database: str


def device_holder(device: str) -> DeviceHolder | None:
    """The run that computes on a device; None if it is free or its run is unknown."""
    note = read_note(device_lock_file(device)) if is_held(device_lock_file(device)) else {}
    if "run" not in note:
        return None
    return DeviceHolder(note["run"], str(note.get("name")), str(note.get("db")))


def who_has(device: str) -> str:
    """The run that computes on a device, in words."""
    holder = device_holder(device)
    return "another run" if holder is None else f"run {holder.run_id} ({holder.name}) of {holder.database}"


def _physical(device: str) -> str:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if device == "cpu" or not visible:
        return device
    names = visible.split(",")
    number = int(device.partition(":")[2] or 0)
    return f"cuda-{names[number].strip()}" if number < len(names) else device


def as_file_name(text: str) -> str:
    """`text` as a file name: other characters than letters, digits, dots and dashes become dashes."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text)
