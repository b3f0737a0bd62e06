"""Workers take runs one by one, each run once, and leave when there is nothing left or they are told to."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from living import stop_between_writes
from worker_runs import FAKE, expected_losses, losses_of, orders, queue_run, wait_until

from ageui.devices import (
    device_lock_file,
    next_lock_file,
    take_device,
    take_worker_lock,
    who_has,
    worker_lock_file,
)
from ageui.store import BusyError, FullError, Store
from ageui.worker import lane, queue_worker
from ageui.worker.locks import Lock, is_held
from ageui.worker.lost import recover_lost
from ageui.worker.queue_worker import QueueWorker


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_worker, "SECONDS_BETWEEN_LOOKS", 0.02)
    monkeypatch.setattr(lane, "SECONDS_BETWEEN_LOOKS", 0.02)


def _worker(store: Store, device: str = "cpu", idle: float = 0.1) -> tuple[QueueWorker, Lock]:
    lock = take_worker_lock(store, device)
    assert lock is not None
    return QueueWorker(store, device, is_default=True, policy=FAKE, idle_seconds=idle), lock


def _work(store: Store, device: str = "cpu", idle: float = 0.1) -> str:
    worker, lock = _worker(store, device, idle)
    return worker.run(lock)


@pytest.mark.usefixtures("_soon")
def test_a_worker_takes_all_there_is_and_leaves(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=4)
    ids = [queue_run(store, seed=seed) for seed in range(3)]
    store.queue.move(ids[2], "first")
    reason = _work(store)
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


@pytest.mark.usefixtures("_soon")
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
    assert "nothing to do" in _work(store)
    assert store.runs.get(ids[0]).status == "done"


@pytest.mark.usefixtures("_soon")
def test_a_failed_run_does_not_stop_the_others(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=4, plan={"1": [2, "fail data images are gone"]})
    ids = [queue_run(store, seed=seed) for seed in range(2)]
    _work(store)
    assert [store.runs.get(run_id).status for run_id in ids] == ["failed"] * 2


@pytest.mark.usefixtures("_soon")
def test_a_run_that_crashes_is_tried_until_it_does_not_get_further(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "LONGEST_PAUSE", 0.01)
    orders(monkeypatch, steps=8, plan={"1": [4, "SIGKILL"], "2": [4, "SIGSEGV"], "3": [5, "SIGSEGV"]})
    first = queue_run(store)
    _work(store)
    assert store.runs.get(first).status == "done"
    orders(monkeypatch, steps=8, plan={str(n): [2, "SIGSEGV"] for n in range(1, 9)})
    second, third = queue_run(store, seed=1), queue_run(store, seed=2)
    _work(store)
    assert [store.runs.get(run_id).status for run_id in (second, third)] == ["failed", "failed"]
    assert len(store.runs.detail(second).attempts) == 3
    assert losses_of(store, second) == expected_losses(2, 1)


@pytest.mark.usefixtures("_soon")
def test_a_paused_queue_is_left_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=4)
    run_id = queue_run(store)
    store.queue.pause_queue("by the user")
    _work(store)
    assert store.runs.get(run_id).status == "queued"


@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize("told_by", ["word in the database", "signal"])
def test_a_stopped_worker_leaves_its_run_queued(store: Store, told_by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=200, step_seconds=0.01)
    run_id = queue_run(store)
    worker, lock = _worker(store, idle=60)
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
    _work(store)
    assert losses_of(store, run_id) == expected_losses(200)
    assert store.runs.detail(run_id).attempts[1].replayed == 0


@pytest.mark.usefixtures("_soon")
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


@pytest.mark.usefixtures("_soon")
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
    _work(store)
    assert store.runs.get(run_id).status == "done"
    assert not is_held(device_lock_file("cpu"))


@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize("kind", [BusyError, FullError])
def test_what_a_worker_cannot_say_of_itself_costs_no_run(
    store: Store, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=4)
    ids = [queue_run(store, seed=seed) for seed in range(4)]

    def failing(*arguments: Any) -> None:
        raise kind("the database: it cannot be written now")

    monkeypatch.setattr(type(store.workers), "set_work", failing)
    monkeypatch.setattr(type(store.workers), "end", failing)
    assert "nothing to do" in _work(store)
    for run_id in ids:
        assert [attempt.outcome for attempt in store.runs.detail(run_id).attempts] == ["done"]


@pytest.mark.usefixtures("_soon")
def test_a_worker_says_that_it_has_started_once_it_has(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_worker, "_SECONDS_BETWEEN_TRIES", 0.01)
    real, calls = type(store.workers).register, iter(range(100))

    def busy(*arguments: Any) -> None:
        if next(calls) < 3:
            raise BusyError("the database: another process holds it")
        real(*arguments)

    monkeypatch.setattr(type(store.workers), "register", busy)
    told: list[int] = []
    worker, lock = _worker(store)
    assert "nothing to do" in worker.run(lock, lambda: told.append(len(store.workers.all())))
    assert told == [1]


def test_a_worker_that_cannot_start_for_a_full_disk_says_so_and_holds_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> None:
        raise FullError("the database: the disk is full")

    monkeypatch.setattr(type(store.workers), "register", full)
    worker, lock = _worker(store)
    with pytest.raises(FullError):
        worker.run(lock, lambda: pytest.fail("it did not start"))
    assert not is_held(lock.path)


def test_a_worker_that_is_stopped_before_it_has_started_leaves(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, lock = _worker(store)

    def busy(*arguments: Any) -> None:
        worker.stop()
        raise BusyError("the database: another process holds it")

    monkeypatch.setattr(type(store.workers), "register", busy)
    assert worker.run(lock, lambda: pytest.fail("it did not start")) == "stopped by the user"
    assert not is_held(lock.path)


@pytest.mark.usefixtures("_soon")
def test_a_run_that_comes_while_somebody_asks_for_a_leaving_worker_is_taken(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=4)
    worker, lock = _worker(store)
    came: list[int] = []
    real = type(store.queue).has_work
    with lock.path.open() as asking:

        def look(*arguments: Any) -> bool:
            if not came and not is_held(lock.path):
                came.append(queue_run(store))
                fcntl.flock(asking, fcntl.LOCK_SH)
            return real(*arguments)

        monkeypatch.setattr(type(store.queue), "has_work", look)
        monkeypatch.setattr("ageui.worker.locks.time.sleep", lambda seconds: fcntl.flock(asking, fcntl.LOCK_UN))
        assert "nothing to do" in worker.run(lock)
    assert [store.runs.get(run_id).status for run_id in came] == ["done"]


def test_there_is_one_worker_a_device_and_database(store: Store, tmp_path: Path) -> None:
    first = take_worker_lock(store, "cpu")
    assert first is not None
    assert take_worker_lock(store, "cpu") is None
    other = take_worker_lock(store, "cuda:0")
    assert other is not None
    with Store.open(tmp_path / "other.db") as elsewhere:
        third = take_worker_lock(elsewhere, "cpu")
        assert third is not None
        third.release()
    first.release()
    other.release()


@pytest.mark.usefixtures("_soon")
def test_two_queues_take_turns_on_a_device(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=4, step_seconds=0.02)
    with Store.open(tmp_path / "other.db") as elsewhere:
        ids = [queue_run(store, seed=seed) for seed in range(6)]
        other_id = queue_run(elsewhere)
        workers = [_worker(store), _worker(elsewhere)]
        threads = [threading.Thread(target=worker.run, args=(lock,)) for worker, lock in workers]
        threads[0].start()
        with Store.open(store.path, read_only=True) as reader:
            wait_until(lambda: reader.runs.get(ids[0]).status == "running")
        threads[1].start()
        for thread in threads:
            thread.join(60)
        ended = {run_id: store.runs.get(run_id).ended_at for run_id in ids}
        came_in = elsewhere.runs.get(other_id).ended_at
        assert all(ended.values())
        assert came_in is not None
        # It did not have to wait for the whole of the other queue.
        assert sum(end > came_in for end in ended.values() if end) >= 2
        overlapping = [
            run_id
            for run_id in ids
            if (row := store.runs.get(run_id)).started_at < came_in
            and row.ended_at > elsewhere.runs.get(other_id).started_at  # type: ignore[operator]
        ]
        assert overlapping == []


def test_who_waits_for_a_device_is_told_for_whom(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    device = take_device("cpu")
    assert device is not None
    assert take_device("cpu") is None
    assert who_has("cpu") == "another run"
    device.write_note({"run": 3, "name": "quiet-heron", "db": "/some/runs.db"})
    assert who_has("cpu") == "run 3 (quiet-heron) of /some/runs.db"
    queue_run(store)
    worker, lock = _worker(store, idle=60)
    thread = threading.Thread(target=worker.run, args=(lock,))
    thread.start()
    with Store.open(store.path, read_only=True) as reader:
        wait_until(lambda: bool(reader.workers.all()) and reader.workers.all()[0].waiting_for is not None)
        assert reader.workers.all()[0].waiting_for == "run 3 (quiet-heron) of /some/runs.db"
    assert is_held(next_lock_file("cpu"))
    worker.stop()
    thread.join(30)
    device.release()


def test_an_engine_that_outlived_its_worker_is_ended(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_worker, "SECONDS_BETWEEN_LOOKS", 0.02)
    monkeypatch.setattr(lane, "SECONDS_BETWEEN_LOOKS", 0.02)
    monkeypatch.setattr(queue_worker, "_LINGERING_SECONDS", 0.2)
    monkeypatch.setattr(lane, "LONGEST_PAUSE", 0.01)
    orders(monkeypatch, steps=8, plan={"1": [3, "hang"]})
    run_id = queue_run(store)
    script = Path(__file__).parent / "race_worker.py"
    first = subprocess.Popen([sys.executable, str(script), str(store.path), "cpu"])
    wait_until(lambda: len(losses_of(store, run_id)) == 3)
    first.kill()
    first.wait()
    assert is_held(device_lock_file("cpu"))
    _work(store, idle=1.0)
    assert store.runs.get(run_id).status == "done"
    assert [attempt.outcome for attempt in store.runs.detail(run_id).attempts] == ["lost", "done"]


# Two workers and one queue


@pytest.mark.parametrize("runs", [200])
def test_two_workers_race_for_one_queue(store: Store, runs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=4)
    with Store.open(store.path) as own:
        ids = [queue_run(own, seed=seed) for seed in range(runs)]
    script = Path(__file__).parent / "race_worker.py"
    # Two devices, as a worker each of two containers that share the folder of the database would have.
    workers = [
        subprocess.Popen([sys.executable, str(script), str(store.path), device]) for device in ("cuda:0", "cuda:1")
    ]
    assert [worker.wait(300) for worker in workers] == [0, 0]
    details = [store.runs.detail(run_id) for run_id in ids]
    assert Counter(detail.status for detail in details) == {"done": runs}
    assert all(len(detail.attempts) == 1 for detail in details)
    shares = Counter(detail.attempts[0].worker for detail in details)
    assert set(shares) == {"cuda:0", "cuda:1"}
    for seed, run_id in enumerate(ids):
        assert losses_of(store, run_id) == expected_losses(4, seed)
    assert store.problems() == []


# Troubles


def test_a_worker_that_was_stopped_for_long_and_wakes_up_is_fenced(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGSTOP of a worker, its run taken over meanwhile, SIGCONT: it must store nothing more, and end its engine."""
    orders(monkeypatch, steps=60, step_seconds=0.05)
    run_id = queue_run(store)
    script = Path(__file__).parent / "race_worker.py"
    first = subprocess.Popen([sys.executable, str(script), str(store.path), "cuda:0"])
    wait_until(lambda: len(losses_of(store, run_id)) > 3)
    stop_between_writes(first.pid, store.path)
    # What an operator does who takes it for dead: its locks are gone, as after a removed folder.
    (store.run_folder(run_id) / "lock").unlink()
    assert [found.status for found in recover_lost(store)] == ["queued"]
    orders(monkeypatch, steps=60)
    second = subprocess.Popen([sys.executable, str(script), str(store.path), "cuda:1"])
    second.wait(60)
    assert store.runs.get(run_id).status == "done"
    done = store.runs.detail(run_id)
    first.send_signal(signal.SIGCONT)
    first.wait(60)
    assert store.runs.detail(run_id) == done
    assert losses_of(store, run_id) == expected_losses(60)
    assert [attempt.outcome for attempt in done.attempts] == ["lost", "done"]
    assert done.attempts[1].differing == 0


def test_a_clock_that_jumps_changes_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime, timedelta

    real, calls = time.time, iter(range(10_000))

    def jumping() -> datetime:
        days = (-4000, 0, 4000)[next(calls) % 3]
        return datetime.fromtimestamp(real(), UTC) + timedelta(days=days)

    for module in ("new_runs", "claims", "queue", "attempt_writer", "workers"):
        monkeypatch.setattr(f"ageui.store.{module}.now", jumping)
    monkeypatch.setattr(time, "time", lambda: real() + 1e8 * (next(calls) % 3 - 1))
    monkeypatch.setattr(queue_worker, "SECONDS_BETWEEN_LOOKS", 0.02)
    monkeypatch.setattr(lane, "SECONDS_BETWEEN_LOOKS", 0.02)
    orders(monkeypatch, steps=8, plan={"1": [5, "SIGKILL"]})
    ids = [queue_run(store, seed=seed) for seed in range(4)]
    _work(store)
    for seed, run_id in enumerate(ids):
        assert store.runs.get(run_id).status == "done"
        assert losses_of(store, run_id) == expected_losses(8, seed)
        assert [attempt.outcome for attempt in store.runs.detail(run_id).attempts] == ["crashed", "done"]
