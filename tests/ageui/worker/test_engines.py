"""One engine's process serves one run after the other, and nothing that befalls a run reaches the next."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from worker_runs import FAKE, claim_run, expected_losses, losses_of, orders, queue_run, wait_until

from ageui.files.locks import is_held, read_note
from ageui.store import Store
from ageui.worker.places.local import Engines
from ageui.worker.run_files import log_file
from ageui.worker.supervisor import Outcome, Supervisor
from engine.events import Event, StepsEnded

pytestmark = pytest.mark.process


@pytest.fixture
def engines() -> Any:
    kept = Engines(FAKE.engine)
    yield kept
    kept.close()


def _attempt(store: Store, engines: Engines, run_id: int, **changes: Any) -> tuple[Outcome, int]:
    """One attempt at a queued run, and the process that made it."""
    claim, lock = claim_run(store, run_id)
    try:
        outcome = Supervisor(store, claim, device="cpu", locks=[lock], policy=FAKE, place=engines, **changes).run()
        return outcome, read_note(lock.path)["engine"]["pid"]
    finally:
        lock.release()


def test_runs_that_come_to_their_end_share_a_process(
    store: Store, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=6)
    ids = [queue_run(store, seed=seed) for seed in range(3)]
    processes = set()
    for seed, run_id in enumerate(ids):
        outcome, pid = _attempt(store, engines, run_id)
        assert outcome.status == "done"
        assert losses_of(store, run_id) == expected_losses(6, seed)
        assert not is_held(store.run_lock_file(run_id))
        assert log_file(store, run_id, 1).read_text() == "a line of the log\n"
        processes.add(pid)
    assert len(processes) == 1
    (pid,) = processes
    os.kill(pid, 0)
    engines.close(idle_seconds=1000.0)
    os.kill(pid, 0)
    engines.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_an_engine_that_starts_ahead_trains_the_first_run(
    store: Store, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=6)
    engines.start_ahead()
    assert engines._kept is not None
    ahead = engines._kept.process.pid
    run_id = queue_run(store, seed=1)
    outcome, pid = _attempt(store, engines, run_id)
    assert (outcome.status, pid) == ("done", ahead)
    assert losses_of(store, run_id) == expected_losses(6, 1)
    assert log_file(store, run_id, 1).read_text() == "a line of the log\n"


def test_one_that_died_ahead_of_its_run_is_replaced(
    store: Store, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=6)
    engines.start_ahead()
    kept = engines._kept
    assert kept is not None
    os.kill(kept.process.pid, signal.SIGKILL)
    wait_until(lambda: kept.has_ended)
    outcome, pid = _attempt(store, engines, queue_run(store, seed=1))
    assert outcome.status == "done"
    assert pid != kept.process.pid


@pytest.mark.parametrize(
    "what", ["SIGSEGV", "fail data images are gone", "exit 0", "garbage", "torn", "hang-at-the-end"]
)
def test_after_a_run_that_went_wrong_the_next_has_a_process_of_its_own(
    store: Store, engines: Engines, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ageui.worker.supervisor._SECONDS_TO_EXIT", 0.1)
    ids = [queue_run(store, seed=seed) for seed in range(3)]
    orders(monkeypatch, steps=6)
    _, first = _attempt(store, engines, ids[0])
    engines.close()
    orders(monkeypatch, steps=6, plan={"1": [3, what]})
    _, second = _attempt(store, engines, ids[1])
    orders(monkeypatch, steps=6)
    outcome, third = _attempt(store, engines, ids[2])
    assert outcome.status == "done"
    assert len({first, second, third}) == 3
    assert losses_of(store, ids[2]) == expected_losses(6, 2)


def test_a_run_that_is_stopped_takes_its_process_along(
    store: Store, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=100_000, step_seconds=0.01)
    run_id = queue_run(store)
    seen: list[Event] = []
    stopped, pid = _attempt(
        store, engines, run_id, emit=seen.append, should_stop=lambda: any(isinstance(e, StepsEnded) for e in seen)
    )
    assert stopped.status == "queued"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_an_engine_that_died_while_nobody_needed_it_is_replaced(
    store: Store, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=4)
    ids = [queue_run(store, seed=seed) for seed in range(2)]
    _, first = _attempt(store, engines, ids[0])
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: Path(f"/proc/{first}/stat").read_text().rpartition(")")[2].split()[0] == "Z")
    outcome, second = _attempt(store, engines, ids[1])
    assert outcome.status == "done"
    assert second != first
