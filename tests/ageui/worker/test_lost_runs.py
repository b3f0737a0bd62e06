"""Runs whose processes are gone are found by whoever looks next."""

from pathlib import Path
from typing import Any

import pytest
from terminal import Terminal
from worker_runs import claim_run, queue_run

from ageui.store import BusyError, RunningRun, Store
from ageui.text.states import LOST, state_of
from ageui.worker.lost_runs import find_lost, recover_lost


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


def test_a_database_that_fails_midway_names_the_remaining_runs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_whoever_only_reads_sees_a_lost_run_and_changes_nothing(store: Store) -> None:
    run_id, other = queue_run(store), queue_run(store, seed=2)
    claim_run(store, run_id)[1].release()
    lock = claim_run(store, other)[1]
    with Store.open(store.path, read_only=True) as reader:
        assert list(recover_lost(reader)) == []
        for row in (reader.runs.get(run_id), reader.runs.detail(run_id).row, *reader.runs.search(f"id={run_id}")):
            assert (row.status, state_of(row), row.error) == ("lost", "? lost", LOST)
        assert reader.runs.get(other).status == "running"
    assert store.runs.get(run_id).status == "running"
    lock.release()
    assert [found.status for found in recover_lost(store)] == ["queued", "queued"]


def test_a_run_that_ends_while_it_is_looked_at_is_not_lost(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = queue_run(store)
    claim, lock = claim_run(store, run_id)

    def end(path: Path) -> bool:
        with store.writing(run_id, claim.attempt) as writer:
            writer.end("done", "")
        lock.release()
        return False

    with Store.open(store.path, read_only=True) as reader:
        monkeypatch.setattr("ageui.store.store.is_held", end)
        assert reader.runs.get(run_id).status == "running"
        assert reader.runs.get(run_id).status == "done"


def test_reading_commands_show_a_lost_run_and_leave_it_to_those_that_change_the_queue(
    ageui: Terminal, store: Store
) -> None:
    run_id = queue_run(store)
    claim_run(store, run_id)[1].release()
    before = store.version()
    for command in (
        ["ls"],
        ["show", "1"],
        ["queue"],
        ["compare", "1"],
        ["worker", "status"],
        ["doctor"],
        ["db", "check"],
    ):
        done = ageui(*command)
        assert f"run 1 is lost: {LOST}" in done.err, command
    assert "? lost" in ageui("ls").out
    assert ageui("ls", "--json").json[0]["status"] == "lost"
    assert ageui("show", "1", "--json").json["status"] == "lost"
    assert ageui("queue", "--json").json["running"][0]["status"] == "lost"
    waited = ageui("wait", "1")
    assert waited.code == 1
    assert "no worker is running for them; to start one: ageui worker start" in waited.err
    assert f"run 1 is lost: {LOST}" in ageui("logs", "-f", "1").err
    assert store.version() == before
    assert "it is queued again" in ageui("pause").err
    assert store.runs.get(run_id).status == "queued"
