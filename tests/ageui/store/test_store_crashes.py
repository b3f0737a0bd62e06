"""How often a run whose process died is tried again."""

import pytest
from store_rows import claimed, queued, state

from ageui.store import Store


def _crash(store: Store, run_id: int, failure: str = "killed", progress: int | None = None) -> str:
    attempt = claimed(store, run_id)
    assert attempt is not None
    newest = max((file.step for file in store.runs.detail(run_id).checkpoints), default=0)
    with store.writing(run_id, attempt) as writer:
        writer.started({}, newest)
        if progress is not None:
            writer.checkpoint(state(progress))
        return writer.crash(failure, f"died of {failure}")


def test_three_attempts_without_progress_are_enough(store: Store) -> None:
    run_id = queued(store)
    statuses = [_crash(store, run_id, "segmentation_fault") for _ in range(3)]
    assert statuses == ["queued", "queued", "failed"]
    row = store.runs.get(run_id)
    assert row.failure == "segmentation_fault"
    assert row.error is not None
    assert "3 attempts in a row" in row.error
    assert [attempt.outcome for attempt in store.runs.detail(run_id).attempts] == ["crashed"] * 3


def test_progress_is_forgiven(store: Store) -> None:
    run_id = queued(store)
    steps = [None, None, 10, None, None, 20, None, None, None]
    assert [_crash(store, run_id, progress=step) for step in steps] == ["queued"] * 8 + ["failed"]


def test_a_checkpoint_of_no_later_step_is_no_progress(store: Store) -> None:
    run_id = queued(store)
    assert [_crash(store, run_id, progress=10) for _ in range(4)] == ["queued"] * 3 + ["failed"]


@pytest.mark.parametrize(("failure", "tries"), [("segmentation_fault", 3), ("oom_killed", 2)])
def test_an_attempt_that_never_started_got_no_further_than_the_checkpoints_it_found(
    store: Store, failure: str, tries: int
) -> None:
    run_id = queued(store)
    assert _crash(store, run_id, progress=10) == "queued"
    statuses = []
    while not statuses or statuses[-1] == "queued":
        attempt = claimed(store, run_id)
        assert attempt is not None
        with store.writing(run_id, attempt) as writer:
            statuses.append(writer.crash(failure, "died before a word"))
        assert len(statuses) <= tries
    assert statuses == ["queued"] * (tries - 1) + ["failed"]


def test_the_system_kills_for_memory_only_twice(store: Store) -> None:
    run_id = queued(store)
    assert [_crash(store, run_id, "oom_killed") for _ in range(2)] == ["queued", "failed"]


def test_a_retry_begins_to_count_anew(store: Store) -> None:
    run_id = queued(store)
    for _ in range(3):
        _crash(store, run_id)
    store.queue.retry(run_id)
    assert _crash(store, run_id) == "queued"


@pytest.mark.parametrize(("worker", "status"), [("cpu", "queued"), (None, "interrupted")])
def test_a_lost_run_is_queued_again_or_explained(store: Store, worker: str | None, status: str) -> None:
    run_id = queued(store)
    assert claimed(store, run_id, worker) == 1
    (lost,) = store.queue.running()
    assert (lost.run_id, lost.attempt, lost.worker) == (run_id, 1, worker)
    assert store.queue.end_lost(lost, "its processes are gone") == status
    assert store.queue.end_lost(lost, "its processes are gone") is None
    attempt = store.runs.detail(run_id).attempts[0]
    assert (attempt.outcome, attempt.reason) == ("lost", "its processes are gone")
    assert store.runs.get(run_id).error == (None if status == "queued" else "its processes are gone")


def test_a_stopped_attempt_is_no_strike(store: Store) -> None:
    run_id = queued(store)
    for _ in range(5):
        attempt = claimed(store, run_id)
        assert attempt is not None
        with store.writing(run_id, attempt) as writer:
            assert writer.stop("queued", "its worker was stopped") == "queued"
    assert [attempt.outcome for attempt in store.runs.detail(run_id).attempts] == ["stopped"] * 5
