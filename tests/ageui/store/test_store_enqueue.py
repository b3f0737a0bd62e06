"""Runs are queued all or none, and known when they come again."""

import pytest
from store_rows import claimed, config, end, queued, running

from ageui.store import NewRun, Store
from engine.data.spec import BUILT_IN, DataSpec
from engine.errors import ConfigError


def test_runs_that_are_done_or_to_be_done_are_known(store: Store) -> None:
    statuses = ("done", "queued", "paused", "failed", "cancelled")
    for seed, status in enumerate(statuses):
        run_id = store.add_run(config(seed=seed), BUILT_IN, name=None)
        if status in ("done", "failed"):
            attempt = claimed(store, run_id)
            assert attempt is not None
            end(store, run_id, attempt, status, "why")
        elif status != "queued":
            getattr(store.queue, {"paused": "pause", "cancelled": "cancel"}[status])(run_id)
    wanted = [NewRun(config(seed=seed), BUILT_IN) for seed in range(6)]
    assert store.same_runs(wanted) == [(1, "done"), (2, "queued"), (3, "paused"), None, None, None]
    elsewhere = DataSpec(name="synthetic", format="synthetic", split_seed=1)
    assert store.same_runs([NewRun(config(seed=0), elsewhere)]) == [None]


def test_a_finished_run_counts_before_a_queued_one(store: Store) -> None:
    queued(store)
    run_id, attempt = running(store)
    end(store, run_id, attempt, "done")
    assert store.same_runs([NewRun(config(), BUILT_IN)]) == [(run_id, "done")]


def test_runs_are_queued_all_or_none(store: Store) -> None:
    queued(store, "taken")
    with pytest.raises(ConfigError, match="'taken'"):
        store.add_runs([NewRun(config(), BUILT_IN, name) for name in ("new", "taken")])
    assert store.run_count() == 1
    assert store.add_runs([NewRun(config(), BUILT_IN, name) for name in ("a", "b")], tags=["t"], priority=2) == [2, 3]
    assert [(row.name, row.tags, row.priority) for row in store.queue.waiting()] == [
        ("a", ("t",), 2),
        ("b", ("t",), 2),
        ("taken", (), 0),
    ]
