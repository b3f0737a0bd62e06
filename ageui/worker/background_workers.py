"""Starts and stops workers that outlive the command and terminal that started them."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ageui.devices import configs_for, default_device, is_cluster, refuse_unwritable_locks, resolve_device
from ageui.files.locks import is_held, read_note
from ageui.store import Store, WorkerRow
from ageui.worker.processes import Process
from ageui.worker.worker_files import worker_lock_file, worker_log_file
from engine.errors import DeviceError, StoreError
from engine.files import make_private_folder

IDLE_SECONDS = 60.0
"""The time that a worker waits without work before it leaves."""
STARTED = b"started\n"
"""The line that a worker's process writes once it works."""
_SECONDS_TO_START = 60.0
_SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_TO_STOP = 90.0


@dataclass(frozen=True)
class WorkerState:
    """A worker's row, and whether the worker is alive."""

    row: WorkerRow
    is_alive: bool


def workers(store: Store) -> list[WorkerState]:
    """The newest worker of every device that ever had one for this database."""
    return [WorkerState(row, is_working(store, row.device)) for row in store.workers.all()]


def is_working(store: Store, device: str) -> bool:
    """Whether the database has a live worker on the device."""
    return is_held(worker_lock_file(store, device))


def devices_without_worker(store: Store, wanted: Iterable[str]) -> list[str]:
    """The distinct values of `wanted` that no live worker of the database takes."""
    living = [state.row.device for state in workers(store) if state.is_alive]
    taken = {config for device in living for config in configs_for(device, is_default=False)}
    left = [device for device in dict.fromkeys(wanted) if device not in taken]
    # Finding the default device can take seconds, and matters only to one worker and one value.
    if "auto" in left and "cpu" in living and default_device() == "cpu":
        left.remove("auto")
    return left


def ensure_worker(store: Store, wanted: str, *, checkpoint_seconds: float) -> str | None:
    """Starts a worker for runs whose config names the device `wanted`, unless a live worker takes them.

    Returns the device of the new worker, or None if one was alive, or a worker on a cluster was killed: who uses a
    cluster trains nothing on this machine. Raises `DeviceError` if this machine lacks the
    device, and `StoreError` if the worker could not start.
    """
    states = workers(store)
    living = [state.row.device for state in states if state.is_alive]
    if any(is_cluster(state.row.device) and (state.is_alive or state.row.ended_at is None) for state in states):
        return None
    if wanted in ("auto", "cuda") and any(device.startswith("cuda") for device in living):
        return None
    device = resolve_device(wanted)
    if device in living:
        return None
    start_worker(store, device, checkpoint_seconds=checkpoint_seconds)
    return device


def start_worker(
    store: Store,
    device: str,
    *,
    checkpoint_seconds: float,
    idle_seconds: float = IDLE_SECONDS,
    parallel: int = 1,
    sbatch: Sequence[str] = (),
    data_root: Path | None = None,
) -> None:
    """Starts a worker in its own session, and returns once it works.

    `sbatch` are options of a cluster's jobs, `data_root` is the folder of data sets on its nodes.

    Raises `DeviceError` if this machine lacks the device, and `StoreError` if the worker could not start.
    """
    if is_cluster(device):
        refuse_unwritable_locks()
    else:
        refuse_missing_device(device)
    ready, told = os.pipe()
    command = [sys.executable, "-P", "-m", "ageui.worker", "--db", str(store.path), "--device", device]
    command += ["--checkpoint-seconds", str(checkpoint_seconds), "--idle-seconds", str(idle_seconds)]
    command += ["--parallel", str(parallel), *(f"--sbatch={option}" for option in sbatch)]
    command += [f"--data-root={data_root}"] if data_root is not None else []
    is_default = not is_cluster(device) and device == default_device()
    command += ["--ready", str(told), *(["--default"] if is_default else [])]
    log = worker_log_file(store, device)
    try:
        make_private_folder(log.parent)
        with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log_file:
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
                start_new_session=True,
                pass_fds=(told,),
                cwd=store.path.parent,
            )
    except OSError as error:
        os.close(ready)
        raise StoreError(f"a worker cannot be started: {error}") from error
    finally:
        os.close(told)
    answer = _answer(ready)
    if answer != STARTED and not is_working(store, device):
        said = answer.decode(errors="replace").strip()
        raise StoreError(f"the worker did not start: {said or 'it ended at once'}; see its log, {log}")


def refuse_missing_device(device: str) -> None:
    """Raises `DeviceError` if this machine lacks a CUDA device, and `ConfigError` if devices cannot be locked."""
    refuse_unwritable_locks()
    if device != "cpu" and not default_device().startswith("cuda"):
        raise DeviceError(f"--device {device}: torch finds no CUDA device; use --device cpu, or see ageui doctor")


def stop_worker(store: Store, device: str, *, at_once: bool, say: Callable[[str], None]) -> bool:
    """Asks a worker to leave and waits until it has left. Returns False if none is alive.

    The worker leaves after its current step and requeues its run, which continues from a checkpoint. A worker that does
    not answer is killed: its engine notices and leaves, and the run continues from its last checkpoint. `at_once` kills
    without waiting.
    """
    if not is_working(store, device):
        return False
    store.workers.ask_to_stop(device)
    if not at_once and _has_left(store, device, SECONDS_TO_STOP, asked=True):
        return True
    pid = read_note(worker_lock_file(store, device)).get("pid")
    if not isinstance(pid, int) or pid <= 0:
        if _has_left(store, device, SECONDS_TO_STOP):
            return True
        raise StoreError(
            f"the worker on {device} has not left, and {worker_lock_file(store, device)} does not name its process; "
            f"find the process ageui.worker and end it, or see its log, {worker_log_file(store, device)}"
        )
    worker = Process.of(pid)
    if not at_once:
        say(f"the worker on {device} (process {worker.pid}) has not answered for {SECONDS_TO_STOP:.0f} s: killing it")
    # Only the worker itself can hold the lock, so its note names the right process.
    if is_working(store, device):
        worker.send(signal.SIGKILL)
    if not _has_left(store, device, SECONDS_TO_STOP):
        raise StoreError(f"the worker on {device} (process {worker.pid}) cannot be ended; see its log, or use kill -9")
    store.workers.end(device, "killed by the user", worker.pid)
    return True


def _has_left(store: Store, device: str, seconds: float, *, asked: bool = False) -> bool:
    """Waits until no worker is alive on the device.

    A worker `asked` to leave during its start has overwritten the request with its first row, so it is asked again.
    """
    end = time.monotonic() + seconds
    while is_working(store, device):
        if time.monotonic() > end:
            return False
        if asked and not store.workers.is_asked_to_stop(device):
            store.workers.ask_to_stop(device)
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return True


def _answer(descriptor: int) -> bytes:
    """The first line of a started worker; empty if it ended without one or took too long."""
    end, line = time.monotonic() + _SECONDS_TO_START, b""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    try:
        while not line.endswith(b"\n") and poll.poll(max(0.0, end - time.monotonic()) * 1000):
            content = os.read(descriptor, 4096)
            if not content:
                break
            line += content
    finally:
        os.close(descriptor)
    return line
