"""Workers that share a device or a queue, or that are taken for dead, run every run once."""

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from living import stop_between_writes
from worker_runs import expected_losses, losses_of, new_worker, orders, queue_run, wait_until, work

from ageui.devices import device_lock_file, next_lock_file, take_device, who_has
from ageui.files.locks import is_held
from ageui.store import Store
from ageui.worker import lane, local_lanes, queue_worker
from ageui.worker.lost_runs import recover_lost
from ageui.worker.worker_files import take_worker_lock

pytestmark = pytest.mark.process


def test_each_device_and_database_has_one_worker(store: Store, tmp_path: Path) -> None:
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


@pytest.mark.usefixtures("quick_looks")
def test_two_queues_take_turns_on_a_device(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=4, step_seconds=0.02)
    with Store.open(tmp_path / "other.db") as elsewhere:
        ids = [queue_run(store, seed=seed) for seed in range(6)]
        other_id = queue_run(elsewhere)
        workers = [new_worker(store), new_worker(elsewhere)]
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


def test_a_wait_for_a_device_names_its_holder(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    device = take_device("cpu")
    assert device is not None
    assert take_device("cpu") is None
    assert who_has("cpu") == "another run"
    device.write_note({"run": 3, "name": "quiet-heron", "db": "/some/runs.db"})
    assert who_has("cpu") == "run 3 (quiet-heron) of /some/runs.db"
    queue_run(store)
    worker, lock = new_worker(store, idle=60)
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
    monkeypatch.setattr(local_lanes, "_LINGERING_SECONDS", 0.2)
    monkeypatch.setattr(lane, "LONGEST_PAUSE", 0.01)
    orders(monkeypatch, steps=8, plan={"1": [3, "hang"]})
    run_id = queue_run(store)
    script = Path(__file__).parent / "race_worker.py"
    first = subprocess.Popen([sys.executable, str(script), str(store.path), "cpu"])
    wait_until(lambda: len(losses_of(store, run_id)) == 3)
    first.kill()
    first.wait()
    assert is_held(device_lock_file("cpu"))
    work(store, idle=1.0)
    assert store.runs.get(run_id).status == "done"
    assert [attempt.outcome for attempt in store.runs.detail(run_id).attempts] == ["lost", "done"]


@pytest.mark.parametrize("runs", [100])
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
    work(store)
    for seed, run_id in enumerate(ids):
        assert store.runs.get(run_id).status == "done"
        assert losses_of(store, run_id) == expected_losses(8, seed)
        assert [attempt.outcome for attempt in store.runs.detail(run_id).attempts] == ["crashed", "done"]
