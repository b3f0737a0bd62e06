"""A sweep whose runs fail one after the other for the same reason waits for a person."""

import pytest
from store_rows import claimed, config, queued

from ageui.store import NewRun, Store
from engine.data.spec import BUILT_IN


def _sweep(store: Store, count: int = 6) -> list[int]:
    return store.runs.add_many([NewRun(config(seed=seed), BUILT_IN) for seed in range(count)])


def _end(store: Store, run_id: int, status: str = "failed", reason: str = "no such file", failure: str = "data") -> int:
    attempt = claimed(store, run_id)
    assert attempt is not None
    with store.writing(run_id, attempt) as writer:
        writer.end(status, reason, failure=failure if status == "failed" else None)
    return writer.held


def _statuses(store: Store, run_ids: list[int]) -> list[str]:
    return [row.status for row in store.runs.get_many(run_ids).values()]


def test_three_failures_in_a_row_hold_the_rest_of_that_sweep_alone(store: Store) -> None:
    alone, ids, other = queued(store), _sweep(store), _sweep(store, 2)
    assert [_end(store, run_id, reason=f"run {run_id}: no such file") for run_id in ids[:3]] == [0, 0, 3]
    assert _statuses(store, ids) == ["failed"] * 3 + ["paused"] * 3
    assert store.queue.order() == [alone, *other]
    row = store.runs.get(ids[-1])
    assert row.error is not None
    assert "held: 3 runs of the sweep failed in a row for the same reason" in row.error
    assert f"run {ids[2]}: no such file" in row.error
    assert store.queue.held() == {row.error: 3}


@pytest.mark.parametrize("second", [("done", "", ""), ("failed", "no such file", "config"), ("failed", "else", "data")])
def test_another_ending_in_between_holds_nothing(store: Store, second: tuple[str, str, str]) -> None:
    ids = _sweep(store)
    assert [_end(store, ids[0]), _end(store, ids[1], *second), _end(store, ids[2]), _end(store, ids[3])] == [0] * 4
    assert _end(store, ids[4]) == 1


def test_the_reason_is_the_first_line_without_its_colon(store: Store) -> None:
    run_ids = _sweep(store)
    for run_id in run_ids[:3]:
        _end(store, run_id, reason="2 images cannot be used:\n  1.jpg\n  2.jpg")
    assert "2 images cannot be used; ageui resume continues the others" in (store.runs.get(run_ids[3]).error or "")


def test_runs_that_were_queued_alone_are_never_held(store: Store) -> None:
    assert [_end(store, queued(store)) for _ in range(3)] == [0] * 3


def test_a_run_that_dies_three_times_counts_as_one_failure(store: Store) -> None:
    ids = _sweep(store)
    for run_id in ids[:3]:
        for _ in range(3):
            attempt = claimed(store, run_id)
            assert attempt is not None
            with store.writing(run_id, attempt) as writer:
                writer.crash("killed", "the engine's process died")
    assert _statuses(store, ids) == ["failed"] * 3 + ["paused"] * 3


def test_what_was_resumed_has_three_more_tries(store: Store) -> None:
    ids = _sweep(store, 8)
    for run_id in ids[:3]:
        _end(store, run_id)
    assert store.queue.resume_held().ids == ids[3:]
    assert store.runs.get(ids[3]).error is None
    assert [_end(store, run_id) for run_id in ids[3:6]] == [0, 0, 2]


def test_undoing_a_resumption_holds_the_runs_again(store: Store) -> None:
    ids = _sweep(store, 4)
    for run_id in ids[:3]:
        _end(store, run_id)
    before = store.queue.held()
    changed = store.queue.resume(ids[3])
    store.edits.restore(changed)
    assert store.queue.held() == before


def test_a_cancelled_run_is_held_no_more(store: Store) -> None:
    ids = _sweep(store, 4)
    for run_id in ids[:3]:
        _end(store, run_id)
    store.queue.cancel(ids[3])
    assert store.queue.held() == {}
    assert store.runs.get(ids[3]).error == "cancelled by the user"
