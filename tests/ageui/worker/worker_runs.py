"""Runs to work on, and an engine that takes no time."""

import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ageui.files.locks import Lock
from ageui.store import Claim, Claimant, Store
from ageui.worker.places.local import Engines
from ageui.worker.queue_worker import QueueWorker
from ageui.worker.supervisor import Outcome, Policy, Supervisor
from ageui.worker.worker_files import take_worker_lock
from engine.config import PRESETS, build_config
from engine.data.spec import BUILT_IN
from engine.events import Event

Says = Callable[[str, str], Path]
"""Makes a command of Slurm, of a name, that runs some shell; returns the file of the arguments of its calls."""
FAKE = Policy(stop_seconds=0.5, engine=(sys.executable, "-S", str(Path(__file__).parent / "fake_engine.py")))


def orders(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Tells every fake engine from now on what to do."""
    monkeypatch.setenv("FAKE_ENGINE", json.dumps(changes))


def queue_run(store: Store, **changes: Any) -> int:
    return store.runs.add(build_config({**PRESETS["quick"], **changes}), BUILT_IN, name=None)


def claim_run(store: Store, run_id: int, worker: str | None = "cpu") -> tuple[Claim, Lock]:
    locks: list[Lock] = []

    def hold(run_id: int) -> bool:
        lock = Lock.take(store.run_lock_file(run_id))
        locks.extend([lock] if lock else [])
        return lock is not None

    claim = store.queue.claim(run_id, Claimant(worker, "cpu"), hold)
    assert claim is not None
    return claim, locks[0]


def supervise(
    store: Store,
    run_id: int,
    *,
    policy: Policy = FAKE,
    worker: str | None = "cpu",
    emit: Callable[[Event], None] = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
    should_kill: Callable[[], bool] = lambda: False,
) -> Outcome:
    """One attempt at a queued run."""
    claim, lock = claim_run(store, run_id, worker)
    engines = Engines(policy.engine)
    try:
        return Supervisor(
            store,
            claim,
            device="cpu",
            locks=[lock],
            policy=policy,
            place=engines,
            emit=emit,
            should_stop=should_stop,
            should_kill=should_kill,
            in_foreground=worker is None,
        ).run()
    finally:
        engines.close()
        lock.release()


def wait_until(happened: Callable[[], bool], seconds: float = 30.0) -> None:
    """Returns as soon as something has happened in another process or thread; fails where it does not."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        threading.Event().wait(0.02)


def losses_of(store: Store, run_id: int) -> list[tuple[int, float]]:
    return store.runs.metric(run_id, "step/loss")


def expected_losses(steps: int, seed: int = 0) -> list[tuple[int, float]]:
    """What the fake engine measures."""
    return [(step, 1.0 / (step + seed)) for step in range(1, steps + 1)]


def new_worker(store: Store, device: str = "cpu", idle: float = 0.1) -> tuple[QueueWorker, Lock]:
    lock = take_worker_lock(store, device)
    assert lock is not None
    return QueueWorker(store, device, is_default=True, policy=FAKE, idle_seconds=idle), lock


def work(store: Store, device: str = "cpu", idle: float = 0.1) -> str:
    worker, lock = new_worker(store, device, idle)
    return worker.run(lock)
