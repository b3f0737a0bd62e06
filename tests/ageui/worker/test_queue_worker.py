"""Workers take runs one by one, each run once, and leave when there is nothing left or they are told to."""

import fcntl
import os
import threading
from typing import Any

import pytest
from worker_runs import FAKE, expected_losses, losses_of, new_worker, orders, queue_run, wait_until, work

from ageui.devices import device_lock_file
from ageui.files.locks import is_held
from ageui.store import BusyError, FullError, Store
from ageui.worker import lane, queue_worker
from ageui.worker.queue_worker import QueueWorker
from ageui.worker.worker_files import take_worker_lock, worker_lock_file

pytestmark = pytest.mark.process


@pytest.mark.usefixtures("quick_looks")
def test_a_worker_takes_all_runs_and_leaves(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=4)
    ids = [queue_run(store, seed=seed) for seed in range(3)]
    store.queue.move(ids[2], "first")
    reason = work(store)
    assert "nothing to do" in reason
    assert [store.runs.get(run_id).status for run_id in ids] == ["done"] * 3
    started = [store.runs.get(run_id).started_at for run_id in (ids[2], ids[0], ids[1])]
    assert started == sorted(started, key=str)
    for seed, run_id in enumerate(ids):
        assert losses_of(store, run_id) == expected_losses(4, seed)
    (row,) = store.workers.all()
    assert (row.device, row.pid, row.run_id, row.reason) == ("cpu", os.getpid(), None, reason)
    for path in (worker_lock_file(store, "cpu"), device_lock_file("cpu")):
        assert not is_held(path)


@pytest.mark.usefixtures("quick_looks")
def test_a_run_that_comes_while_the_database_is_busy_and_the_worker_about_to_leave_is_taken(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_worker, "_SECONDS_BETWEEN_TRIES", 0.01)
    orders(monkeypatch, steps=4)
    look, ids = store.queue.has_work, []

    def busy_at_first(devices: Any) -> bool:
        if not ids and not is_held(worker_lock_file(store, "cpu")):
            ids.append(queue_run(store))
            raise BusyError("the database is busy")
        return look(devices)

    monkeypatch.setattr(store.queue, "has_work", busy_at_first)
    assert "nothing to do" in work(store)
    assert store.runs.get(ids[0]).status == "done"


@pytest.mark.usefixtures("quick_looks")
def test_a_failed_run_does_not_stop_the_others(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=4, plan={"1": [2, "fail data images are gone"]})
    ids = [queue_run(store, seed=seed) for seed in range(2)]
    work(store)
    assert [store.runs.get(run_id).status for run_id in ids] == ["failed"] * 2


@pytest.mark.usefixtures("quick_looks")
def test_a_run_that_crashes_is_tried_until_it_does_not_get_further(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "LONGEST_PAUSE", 0.01)
    orders(monkeypatch, steps=8, plan={"1": [4, "SIGKILL"], "2": [4, "SIGSEGV"], "3": [5, "SIGSEGV"]})
    first = queue_run(store)
    work(store)
    assert store.runs.get(first).status == "done"
    orders(monkeypatch, steps=8, plan={str(n): [2, "SIGSEGV"] for n in range(1, 9)})
    second, third = queue_run(store, seed=1), queue_run(store, seed=2)
    work(store)
    assert [store.runs.get(run_id).status for run_id in (second, third)] == ["failed", "failed"]
    assert len(store.runs.detail(second).attempts) == 3
    assert losses_of(store, second) == expected_losses(2, 1)


@pytest.mark.usefixtures("quick_looks")
def test_a_paused_queue_is_left_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=4)
    run_id = queue_run(store)
    store.queue.pause_queue("by the user")
    work(store)
    assert store.runs.get(run_id).status == "queued"


@pytest.mark.usefixtures("quick_looks")
@pytest.mark.parametrize("told_by", ["word in the database", "signal"])
def test_a_stopped_worker_leaves_its_run_queued(store: Store, told_by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=200, plan={"1": [20, "wait"]})
    run_id = queue_run(store)
    worker, lock = new_worker(store, idle=60)
    thread = threading.Thread(target=worker.run, args=(lock,))
    thread.start()
    with Store.open(store.path) as other:
        wait_until(lambda: len(losses_of(other, run_id)) > 3)
        (row,) = other.workers.all()
        assert row.run_id == run_id
        if told_by == "signal":
            worker.stop()
        else:
            other.workers.ask_to_stop("cpu")
        thread.join(30)
        assert not thread.is_alive()
        assert other.runs.get(run_id).status == "queued"
        assert other.runs.detail(run_id).attempts[0].outcome == "stopped"
    orders(monkeypatch, steps=200)
    work(store)
    assert losses_of(store, run_id) == expected_losses(200)
    assert store.runs.detail(run_id).attempts[1].replayed == 0


@pytest.mark.usefixtures("quick_looks")
def test_told_twice_a_worker_kills_its_engine(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=8, plan={"1": [3, "hang"]})
    run_id = queue_run(store)
    lock = take_worker_lock(store, "cpu")
    assert lock is not None
    policy = queue_worker.Policy(stop_seconds=600, engine=FAKE.engine)
    worker = QueueWorker(store, "cpu", is_default=True, policy=policy, idle_seconds=60)
    thread = threading.Thread(target=worker.run, args=(lock,))
    thread.start()
    with Store.open(store.path) as other:
        wait_until(lambda: len(losses_of(other, run_id)) == 3)
        worker.stop()
        worker.stop()
        thread.join(30)
        assert not thread.is_alive()
        assert other.runs.get(run_id).status == "queued"


@pytest.mark.usefixtures("quick_looks")
def test_a_busy_database_delays_a_worker_and_does_not_end_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_worker, "_SECONDS_BETWEEN_TRIES", 0.01)
    orders(monkeypatch, steps=4)
    run_id = queue_run(store)
    real, calls = type(store.queue).claim_next, iter(range(100))

    def busy(*arguments: Any) -> Any:
        if next(calls) < 3:
            raise BusyError("the database: another process holds it")
        return real(*arguments)

    monkeypatch.setattr(type(store.queue), "claim_next", busy)
    work(store)
    assert store.runs.get(run_id).status == "done"
    assert not is_held(device_lock_file("cpu"))


@pytest.mark.usefixtures("quick_looks")
@pytest.mark.parametrize("kind", [BusyError, FullError])
def test_a_worker_row_that_cannot_be_written_costs_no_run(
    store: Store, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=4)
    ids = [queue_run(store, seed=seed) for seed in range(4)]

    def failing(*arguments: Any) -> None:
        raise kind("the database: it cannot be written now")

    monkeypatch.setattr(type(store.workers), "set_work", failing)
    monkeypatch.setattr(type(store.workers), "end", failing)
    assert "nothing to do" in work(store)
    for run_id in ids:
        assert [attempt.outcome for attempt in store.runs.detail(run_id).attempts] == ["done"]


@pytest.mark.usefixtures("quick_looks")
def test_a_worker_says_that_it_has_started_once_it_has(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_worker, "_SECONDS_BETWEEN_TRIES", 0.01)
    real, calls = type(store.workers).register, iter(range(100))

    def busy(*arguments: Any) -> None:
        if next(calls) < 3:
            raise BusyError("the database: another process holds it")
        real(*arguments)

    monkeypatch.setattr(type(store.workers), "register", busy)
    told: list[int] = []
    worker, lock = new_worker(store)
    assert "nothing to do" in worker.run(lock, lambda: told.append(len(store.workers.all())))
    assert told == [1]


def test_a_worker_that_cannot_start_for_a_full_disk_says_so_and_holds_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> None:
        raise FullError("the database: the disk is full")

    monkeypatch.setattr(type(store.workers), "register", full)
    worker, lock = new_worker(store)
    with pytest.raises(FullError):
        worker.run(lock, lambda: pytest.fail("it did not start"))
    assert not is_held(lock.path)


def test_a_worker_that_is_stopped_before_it_has_started_leaves(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, lock = new_worker(store)

    def busy(*arguments: Any) -> None:
        worker.stop()
        raise BusyError("the database: another process holds it")

    monkeypatch.setattr(type(store.workers), "register", busy)
    assert worker.run(lock, lambda: pytest.fail("it did not start")) == "stopped by the user"
    assert not is_held(lock.path)


@pytest.mark.usefixtures("quick_looks")
def test_a_run_that_comes_while_somebody_asks_for_a_leaving_worker_is_taken(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=4)
    worker, lock = new_worker(store)
    came: list[int] = []
    real = type(store.queue).has_work
    with lock.path.open() as asking:

        def look(*arguments: Any) -> bool:
            if not came and not is_held(lock.path):
                came.append(queue_run(store))
                fcntl.flock(asking, fcntl.LOCK_SH)
            return real(*arguments)

        monkeypatch.setattr(type(store.queue), "has_work", look)
        monkeypatch.setattr("ageui.files.locks.time.sleep", lambda seconds: fcntl.flock(asking, fcntl.LOCK_UN))
        assert "nothing to do" in worker.run(lock)
    assert [store.runs.get(run_id).status for run_id in came] == ["done"]
