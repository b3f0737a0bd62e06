"""Several runs at once on one device: each once, each whole, and no more of them than the memory holds."""

import threading
from collections.abc import Callable

import pytest
from worker_runs import FAKE, claim_run, expected_losses, losses_of, orders, queue_run, wait_until

from ageui.devices import device_lock_file, next_lock_file
from ageui.files.locks import Lock, is_held
from ageui.memory.device_memory import DeviceMemory
from ageui.memory.measured_peaks import ExpectedPeak, MeasuredPeaks
from ageui.store import RunDetail, Store
from ageui.worker import lane, queue_worker
from ageui.worker.lane import lanes_for
from ageui.worker.queue_worker import QueueWorker
from ageui.worker.worker_files import take_worker_lock, worker_lock_file

pytestmark = pytest.mark.process

GB = 10**9


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_worker, "SECONDS_BETWEEN_LOOKS", 0.02)
    monkeypatch.setattr(lane, "SECONDS_BETWEEN_LOOKS", 0.02)
    monkeypatch.setattr(lane, "device_memory", lambda device: DeviceMemory(10 * GB, 16 * GB))
    _measured(monkeypatch, lambda run_id: GB)


def _measured(monkeypatch: pytest.MonkeyPatch, of_run: Callable[[int], int | None]) -> None:
    """Gives runs the peak memory that earlier ones had."""

    def expected(peaks: MeasuredPeaks, detail: RunDetail, *placement: object) -> ExpectedPeak | None:
        needed = of_run(detail.id)
        return None if needed is None else ExpectedPeak(needed, needed, 0, "measured by run 9", True)

    monkeypatch.setattr(lane, "expected_peak", expected)
    monkeypatch.setattr(MeasuredPeaks, "largest", 100 * GB)


def _worker(store: Store, parallel: int, idle: float = 0.1) -> tuple[QueueWorker, Lock]:
    lock = take_worker_lock(store, "cpu")
    assert lock is not None
    return (
        QueueWorker(store, "cpu", is_default=True, policy=FAKE, idle_seconds=idle, parallel=parallel),
        lock,
    )


def _most_at_once(store: Store, ids: list[int]) -> int:
    """How many of the runs were worked on at one time."""
    changes = []
    for run_id in ids:
        row = store.runs.get(run_id)
        assert row.started_at is not None
        assert row.ended_at is not None
        changes += [(row.started_at, 1), (row.ended_at, -1)]
    now, most = 0, 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most


def _work(store: Store, ids: list[int], parallel: int) -> int:
    worker, lock = _worker(store, parallel)
    assert "nothing to do" in worker.run(lock)
    for seed, run_id in enumerate(ids):
        assert [attempt.outcome for attempt in store.runs.detail(run_id).attempts] == ["done"]
        assert losses_of(store, run_id) == expected_losses(40, seed)
    for path in (device_lock_file("cpu"), worker_lock_file(store, "cpu"), next_lock_file("cpu")):
        assert not is_held(path)
    return _most_at_once(store, ids)


@pytest.mark.parametrize("parallel", [1, 3])
def test_as_many_runs_as_were_asked_for_are_trained_at_once(
    store: Store, parallel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=40, step_seconds=0.02)
    ids = [queue_run(store, seed=seed) for seed in range(6)]
    assert _work(store, ids, parallel) == parallel


def test_a_run_waits_where_its_memory_does_not_fit_beside_the_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=40, step_seconds=0.01)
    ids = [queue_run(store, seed=seed) for seed in range(5)]
    needed = {ids[0]: 3 * GB, ids[1]: 3 * GB, ids[2]: 8 * GB, ids[3]: 3 * GB, ids[4]: 3 * GB}
    _measured(monkeypatch, lambda run_id: needed[run_id])
    assert _work(store, ids, 4) == 2
    rows = [store.runs.get(run_id) for run_id in ids]
    assert sorted(rows, key=lambda row: str(row.started_at)) == rows
    assert _most_at_once(store, [ids[1], ids[2]]) == 1
    assert _most_at_once(store, [ids[2], ids[3]]) == 1


@pytest.mark.parametrize("unknown", [0, 1])
def test_a_run_of_unknown_memory_is_trained_alone(store: Store, unknown: int, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=40, step_seconds=0.01)
    ids = [queue_run(store, seed=seed) for seed in range(2)]
    _measured(monkeypatch, lambda run_id: None if run_id == ids[unknown] else GB)
    assert _work(store, ids, 2) == 1


def test_a_run_that_dies_costs_the_others_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "LONGEST_PAUSE", 0.01)
    orders(monkeypatch, steps=40, step_seconds=0.01, plan={"1": [20, "SIGSEGV"]})
    ids = [queue_run(store, seed=seed) for seed in range(4)]
    worker, lock = _worker(store, 2)
    worker.run(lock)
    for seed, run_id in enumerate(ids):
        assert [attempt.outcome for attempt in store.runs.detail(run_id).attempts] == ["crashed", "done"]
        assert losses_of(store, run_id) == expected_losses(40, seed)


def test_runs_that_find_no_gpu_memory_beside_each_other_are_trained_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=40, step_seconds=0.01, plan={"1": [20, "fail gpu_memory it is full"]})
    ids = [queue_run(store, seed=seed) for seed in range(2)]
    worker, lock = _worker(store, 2)
    worker.run(lock)
    attempts = [store.runs.detail(run_id).attempts for run_id in ids]
    assert [[attempt.outcome for attempt in of_run] for of_run in attempts] == [["stopped", "done"]] * 2
    assert [of_run[0].reason for of_run in attempts] == ["it is full; it will be trained alone"] * 2
    (_, one), (_, other) = attempts
    assert one.ended_at <= other.started_at or other.ended_at <= one.started_at


def test_a_run_that_finds_no_gpu_memory_alone_has_failed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=40, plan={"1": [20, "fail gpu_memory it is full"]})
    run_id = queue_run(store)
    worker, lock = _worker(store, 2)
    worker.run(lock)
    assert [(attempt.outcome, attempt.reason) for attempt in store.runs.detail(run_id).attempts] == [
        ("failed", "it is full")
    ]


@pytest.mark.parametrize("parallel", [1, 2])
def test_a_run_that_is_known_not_to_fit_is_held_until_somebody_resumes_it(
    store: Store, parallel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=4)
    ids = [queue_run(store, seed=seed) for seed in range(3)]
    _measured(monkeypatch, lambda run_id: 20 * GB if run_id == ids[0] else GB)
    worker, lock = _worker(store, parallel)
    worker.run(lock)
    assert [store.runs.get(run_id).status for run_id in ids] == ["paused", "done", "done"]
    reason = "held: it needs at least 20.0 GB of memory (measured by run 9), but cpu has 16.0 GB"
    assert store.queue.held() == {f"{reason}; ageui resume tries it anyway": 1}
    store.queue.resume(ids[0])
    worker, lock = _worker(store, parallel)
    worker.run(lock)
    assert store.runs.get(ids[0]).status == "done"


def test_a_run_waits_until_other_programs_leave_it_enough_of_a_gpu(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=4)
    free = [2 * GB]
    monkeypatch.setattr(lane, "device_memory", lambda device: DeviceMemory(free[0], 16 * GB))
    _measured(monkeypatch, lambda run_id: 5 * GB)
    lock = take_worker_lock(store, "cuda:0")
    assert lock is not None
    ids = [queue_run(store, seed=seed) for seed in range(2)]
    worker = QueueWorker(store, "cuda:0", is_default=True, policy=FAKE, idle_seconds=0.5)
    thread = threading.Thread(target=worker.run, args=(lock,))
    thread.start()
    with Store.open(store.path) as other:

        def reason() -> str | None:
            return next((row.waiting_for for row in other.workers.all()), None)

        wait_until(lambda: reason() is not None)
        takes = "the next run takes at least 5.00 GB (measured by run 9)"
        assert reason() == f"memory: {takes}, but other programs leave 2.00 GB free"
        assert [other.runs.get(run_id).status for run_id in ids] == ["queued"] * 2
        other.queue.cancel(ids[0])
        free[0] = 8 * GB
        thread.join(60)
        assert [other.runs.get(run_id).status for run_id in ids] == ["cancelled", "done"]
        assert reason() is None


def test_runs_that_are_stopped_or_whose_pixels_can_be_dropped_are_not_held(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, with_pixels = queue_run(store), queue_run(store)
    claim, run_lock = claim_run(store, begun)
    with store.writing(begun, claim.attempt) as writer:
        writer.stop("queued", "stopped")
    run_lock.release()
    monkeypatch.setattr(
        lane, "expected_peak", lambda *arguments: ExpectedPeak(20 * GB, 20 * GB, 5 * GB, "measured by run 9", True)
    )
    orders(monkeypatch, steps=4)
    worker, lock = _worker(store, 1)
    worker.run(lock)
    assert [store.runs.get(run_id).status for run_id in (begun, with_pixels)] == ["done", "done"]


def test_each_run_on_a_gpu_takes_more_than_torch_reserves() -> None:
    def has_room(device: str) -> bool:
        never: Callable[[], bool] = lambda: False  # noqa: E731
        shared = lane.SharedDevice(device, (), FAKE, 2, threading.Event(), never, _free=2 * GB)
        shared.begin(1, GB // 2)
        return shared.has_room_for(2, GB // 2)

    assert has_room("cpu")
    assert not has_room("cuda:0")


def test_told_to_stop_all_runs_are_queued_again_before_the_worker_is_gone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=100_000, step_seconds=0.01)
    ids = [queue_run(store, seed=seed) for seed in range(3)]
    worker, lock = _worker(store, 3, idle=60)
    thread = threading.Thread(target=worker.run, args=(lock,))
    thread.start()
    with Store.open(store.path) as other:
        wait_until(lambda: all(len(losses_of(other, run_id)) > 3 for run_id in ids))
        assert len(other.queue.running()) == 3
        assert other.workers.all()[0].run_id in ids
        other.workers.ask_to_stop("cpu")
        wait_until(lambda: not is_held(worker_lock_file(other, "cpu")))
        assert [other.runs.get(run_id).status for run_id in ids] == ["queued"] * 3
        thread.join(30)
        assert [attempt.outcome for run_id in ids for attempt in other.runs.detail(run_id).attempts] == ["stopped"] * 3


def test_another_queue_gets_the_device_in_turn(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=40, step_seconds=0.01)
    ids = [queue_run(store, seed=seed) for seed in range(8)]
    worker, lock = _worker(store, 2)
    thread = threading.Thread(target=worker.run, args=(lock,))
    thread.start()
    with Store.open(store.path, read_only=True) as reader:
        wait_until(lambda: len(reader.queue.running()) == 2)
        ticket = Lock.take(next_lock_file("cpu"))
        assert ticket is not None
        device: list[Lock] = []

        def taken() -> bool:
            device.extend(filter(None, [Lock.take(device_lock_file("cpu"))]))
            return bool(device)

        wait_until(taken)
        assert len(reader.queue.waiting()) >= 4
        ticket.release()
        device[0].release()
        thread.join(60)
        assert [reader.runs.get(run_id).status for run_id in ids] == ["done"] * 8


def test_lanes_share_the_cores(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(lane, "cores", lambda: 8)
    assert (lanes_for("cpu"), lanes_for("cuda:0")) == (8, 2)

    def share(name: str, lanes: int) -> dict[str, str]:
        never: Callable[[], bool] = lambda: False  # noqa: E731
        return lane._share_of_threads(lane.SharedDevice(name, (), FAKE, lanes, threading.Event(), never))

    assert share("cpu", 1) == {}
    assert share("cpu", 3) == {"OMP_NUM_THREADS": "2"}
    assert share("cpu", 64) == {"OMP_NUM_THREADS": "1"}
    assert share("cuda:0", 2) == {}
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert share("cpu", 3) == {}
