"""Why a queue waits, and when its runs start."""

import threading
from collections.abc import Iterator

import pytest
from store_rows import queued, running, steps

from ageui.devices import device_lock_file
from ageui.files.locks import Lock
from ageui.memory.measured_peaks import ExpectedPeak
from ageui.planning.queue_places import QueueForecast
from ageui.store import Store
from ageui.store.sqlite import driver
from ageui.worker import lane
from ageui.worker.lane import Lane, SharedDevice
from ageui.worker.queue_waits import queue_waits
from ageui.worker.supervisor import Policy
from ageui.worker.worker_files import take_worker_lock
from engine.config import RunConfig

GB = 10**9


@pytest.fixture
def worker(store: Store) -> Iterator[None]:
    """A living worker of this process on the processor."""
    store.workers.register("cpu")
    lock = take_worker_lock(store, "cpu")
    assert lock is not None
    yield
    lock.release()


def test_a_worker_that_waits_says_for_whom(store: Store, worker: None) -> None:
    queued(store)
    assert queue_waits(store) == []
    device = Lock.take(device_lock_file("cpu"), {"run": 3, "name": "quiet-heron", "db": "/some/other.db"})
    assert device is not None
    store.workers.set_work("cpu", None, "run 3 (quiet-heron) of /some/other.db")
    (wait,) = queue_waits(store)
    assert wait.short == "cpu, other.db"
    assert "cpu is in use by run 3 (quiet-heron) of /some/other.db" in wait.sentence
    device.write_note({"run": 3, "name": "quiet-heron", "db": str(store.path)})
    assert queue_waits(store)[0].short == "cpu, quiet-heron", "a run in a terminal beside"
    device.release()


def test_a_worker_without_memory_for_another_run_says_so(
    store: Store, worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "expected_peak", lambda *arguments: None)
    queued(store)
    stop = threading.Event()
    stop.set()
    device = SharedDevice("cpu", ("cpu", "auto"), Policy(), 2, stop, lambda: False)
    device.begin(99, None)
    device._users = 1
    beside = Lane(store, device, stop.is_set)
    beside.work_beside()
    (wait,) = queue_waits(store)
    assert wait.short == "cpu, memory"
    assert wait.sentence.endswith(
        "waits for memory: the peak memory of the next run is not known yet, so it trains alone"
    )
    peak = ExpectedPeak(GB, GB, 0, "measured by run 4", True)
    monkeypatch.setattr(lane, "expected_peak", lambda *arguments: peak)
    for needed, said in (
        (None, "of a running run is not known yet"),
        (GB, "(1.00 GB, measured by run 4) does not fit"),
    ):
        device.end(99)
        device.begin(99, needed)
        beside._looked_up, device._free = (None, None), GB
        beside.work_beside()
        assert said in queue_waits(store)[0].sentence
    device.end(99)
    beside._say_idle()
    assert queue_waits(store) == []


class _Known:
    """Every run takes half a minute, but those of one backbone, of which none is done."""

    def __init__(self, store: Store) -> None:
        pass

    def expected(self, config: RunConfig) -> float | None:
        return None if config.backbone == "resnet18" else 30.0


def test_queued_runs_have_places_and_starts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ageui.planning.expected_time.Speeds", _Known)
    run_id, attempt = running(store, "trains")
    for changes in ({}, {"backbone": "resnet18"}, {}):
        queued(store, **changes)
    forecast = QueueForecast()

    def words(*, is_moving: bool = True) -> list[str]:
        return [place.words() for place in forecast.places(store, is_moving=is_moving).values()]

    assert words() == ["1st", "2nd", "3rd"], "the running run does not know its end yet"
    with store.writing(run_id, attempt) as writer:
        writer.steps(steps((10, 0.25)))
    assert words() == ["1st, starts in 0:12", "2nd, starts in 0:42", "3rd"]
    set_epochs = "UPDATE run SET config = json_set(config, '$.epochs', json(?)) WHERE id = ?"
    for epochs, first in (("[50, 10]", "1st"), ("[50, 0]", "1st, starts in 0:12")):
        with driver().connect(str(store.path)) as raw:
            raw.execute(set_epochs, (epochs, run_id))
        assert words()[0] == first, "a second stage follows if it has epochs"
    assert words(is_moving=False) == ["1st", "2nd", "3rd"]
