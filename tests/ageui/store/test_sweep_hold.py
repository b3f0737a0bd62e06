"""A sweep whose runs fail one after the other, or do not fit into memory, waits for a person."""

from typing import Any

import pytest
from store_rows import claimed, config, queued

from ageui.store import NewRun, Store
from engine.data.spec import BUILT_IN, DataSpec, SyntheticOptions


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


def test_resumed_runs_have_three_more_tries(store: Store) -> None:
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


MORE = DataSpec(name="more", format="synthetic", synthetic=SyntheticOptions(counts=(3000, 600, 600)))
FEWER = DataSpec(name="fewer", format="synthetic", synthetic=SyntheticOptions(counts=(30, 9, 9)))
UNCOUNTED = DataSpec(name="photos", format="utkface", path="/photos")


def _mixed(store: Store, *runs: dict[str, Any]) -> list[int]:
    return store.runs.add_many([NewRun(config(**run), BUILT_IN) for run in runs])


@pytest.mark.parametrize("failure", ["gpu_memory", "memory", "oom_killed"])
def test_runs_at_least_as_large_as_one_that_ran_out_of_memory_are_held(store: Store, failure: str) -> None:
    first, *ids = _mixed(
        store,
        {"batch": 64}, {"batch": 64, "seed": 1}, {"batch": 128}, {"size": 96, "batch": 64}, {"batch": 32},
        {"batch": 64, "backbone": "resnet18"}, {"batch": 64, "precision": "bf16"}, {"size": 48, "batch": 128},
    )  # fmt: skip
    alone = queued(store, batch=64)
    assert _end(store, first, reason="too much; --batch 48 would fit", failure=failure) == 3
    assert _statuses(store, ids) == ["paused"] * 3 + ["queued"] * 4
    assert store.runs.get(alone).status == "queued"
    row = store.runs.get(ids[0])
    assert row.error is not None
    assert row.error.startswith(
        f"held: it needs at least as much memory as a run of the sweep that ran out of memory, run {first} ("
    )
    assert "--batch 48 would fit; ageui resume tries them anyway" in row.error


def test_data_with_fewer_or_uncounted_images_is_not_as_large(store: Store) -> None:
    runs = [NewRun(config(seed=seed), spec) for seed, spec in enumerate((BUILT_IN, MORE, FEWER, UNCOUNTED))]
    first, *ids = store.runs.add_many(runs)
    assert _end(store, first, failure="gpu_memory") == 1
    assert _statuses(store, ids) == ["paused", "queued", "queued"]


def test_three_that_ran_out_of_memory_hold_smaller_ones_too(store: Store) -> None:
    ids = _mixed(store, {"batch": 64}, {"batch": 32}, {"batch": 16}, {"batch": 8})
    assert [_end(store, run_id, failure="gpu_memory") for run_id in ids[:3]] == [0, 0, 1]


def test_a_run_that_is_too_large_is_held_with_larger_ones_that_nobody_resumed(store: Store) -> None:
    ids = _mixed(store, {"batch": 64}, {"batch": 128}, {"batch": 32}, {"batch": 256})
    assert store.queue.hold(ids[0], "it needs too much") == 3
    assert store.queue.held() == {"held: it needs too much; ageui resume tries it anyway": 3}
    resumed = store.queue.resume(ids[:2])
    assert [store.runs.get(run_id).failure for run_id in ids] == ["resumed", "resumed", None, "held"]
    assert store.queue.hold(ids[0], "it needs too much") == 1
    store.edits.restore(resumed)
    assert sum(store.queue.held().values()) == 3
    assert store.queue.hold(ids[1], "it needs too much") == 0, "it is not queued"
