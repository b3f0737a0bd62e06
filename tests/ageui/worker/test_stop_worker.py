"""A worker is stopped by word in the database, or killed where it does not answer."""

import pytest

from ageui.files.locks import Lock
from ageui.store import Store
from ageui.worker import background_workers
from ageui.worker.background_workers import stop_worker
from ageui.worker.worker_files import worker_lock_file
from engine.errors import StoreError


def _worker_lock(store: Store) -> Lock:
    lock = Lock.take(worker_lock_file(store, "cpu"))
    assert lock is not None
    return lock


def test_one_that_was_just_starting_when_it_was_asked_is_asked_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = _worker_lock(store)
    asked: list[bool] = []

    def meanwhile(seconds: float) -> None:
        if not asked:
            store.workers.register("cpu")  # its row begins anew, without the word that was left
        asked.append(store.workers.is_asked_to_stop("cpu"))
        if asked[-1]:
            lock.release()

    monkeypatch.setattr("ageui.worker.background_workers.time.sleep", meanwhile)
    assert stop_worker(store, "cpu", at_once=False, say=pytest.fail)
    assert asked == [False, True]


@pytest.mark.parametrize("note", ["", "{", '{"pid": "12"}', '{"pid": -1}'])
def test_one_whose_process_is_not_known_is_not_killed_and_that_is_said(
    store: Store, note: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_workers, "SECONDS_TO_STOP", 0.0)
    lock = _worker_lock(store)
    lock.path.write_text(note)
    with pytest.raises(StoreError, match=r"worker-cpu.lock does not name its process.*ageui.worker.*worker-cpu.log"):
        stop_worker(store, "cpu", at_once=True, say=pytest.fail)
    lock.release()


def test_without_a_live_worker_none_is_stopped(store: Store) -> None:
    assert not stop_worker(store, "cpu", at_once=False, say=pytest.fail)
