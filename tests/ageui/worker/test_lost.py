"""Runs whose processes are gone are found by whoever looks next."""

from typing import Any

import pytest
from worker_runs import claim_run, queue_run

from ageui.store import BusyError, RunningRun, Store
from ageui.worker.lost import find_lost, recover_lost


def test_a_run_without_a_process_is_found_and_queued_again(store: Store) -> None:
    run_id = queue_run(store)
    claim, lock = claim_run(store, run_id)
    assert find_lost(store) == []
    assert list(recover_lost(store)) == []
    lock.release()
    assert [run.run_id for run in find_lost(store)] == [run_id]
    (found,) = recover_lost(store)
    assert found.status == "queued"
    assert "queued again" in found.sentence()
    assert store.runs.get(run_id).status == "queued"
    assert list(recover_lost(store)) == []
    assert claim.attempt == 1


def test_a_lost_run_of_the_foreground_is_explained(store: Store) -> None:
    run_id = queue_run(store)
    claim_run(store, run_id, worker=None)[1].release()
    (found,) = recover_lost(store)
    assert found.status == "interrupted"
    assert f"ageui resume {run_id}" in found.sentence()


def test_where_it_cannot_be_stored_a_lost_run_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = queue_run(store)
    claim_run(store, run_id)[1].release()
    with Store.open(store.path, read_only=True) as reader:
        monkeypatch.setattr("ageui.store.connect.os.access", lambda item, mode: False)
        (found,) = recover_lost(reader)
        assert found.status is None
        assert "cannot be written" in found.sentence()
    monkeypatch.undo()
    assert store.runs.get(run_id).status == "running"


def test_a_database_that_fails_midway_is_told_of_the_runs_that_are_left(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [queue_run(store, seed=seed) for seed in range(3)]
    for run_id in ids:
        claim_run(store, run_id)[1].release()
    real = type(store.queue).end_lost

    def lost(queue: Any, run: RunningRun, reason: str) -> str | None:
        if run.run_id != ids[0]:
            raise BusyError("another process holds it")
        return real(queue, run, reason)

    monkeypatch.setattr(type(store.queue), "end_lost", lost)
    found = [(one.run.run_id, one.status) for one in recover_lost(store)]
    assert found == [(ids[0], "queued"), (ids[1], None), (ids[2], None)]


def test_a_lost_run_is_found_by_whoever_only_reads(store: Store) -> None:
    run_id = queue_run(store)
    claim_run(store, run_id)[1].release()
    with Store.open(store.path, read_only=True) as reader:
        assert [found.status for found in recover_lost(reader)] == ["queued"]
        assert reader.runs.get(run_id).status == "queued"
