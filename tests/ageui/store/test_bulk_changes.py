"""Commands on many runs: one transaction, the runs that can be changed, and the problems of the others."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlmodel import Session
from store_rows import config, end, queued, running

from ageui.store import NewRun, Store
from ageui.store.run_changes import RunIds
from engine.data.spec import BUILT_IN
from engine.errors import ConfigError, StoreError

MANY = 1200  # so that statements on all of them take several batches


def _many(store: Store, count: int = MANY) -> list[int]:
    return store.runs.add_many([NewRun(config(seed=seed), BUILT_IN) for seed in range(count)])


def test_many_runs_are_changed_in_one_transaction_each(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = _many(store)
    opened = 0
    real = store.queue._write

    @contextmanager
    def counting() -> Iterator[Session]:
        nonlocal opened
        opened += 1
        with real() as session:
            yield session

    for part in (store.queue, store.edits):
        monkeypatch.setattr(part, "_write", counting)
    commands = [
        store.queue.pause,
        store.queue.resume,
        lambda ids: store.queue.prioritise(ids, 3),
        lambda ids: store.queue.move(ids[MANY // 2 :], "first"),
        lambda ids: store.edits.set_tags(ids, ["night"]),
        lambda ids: store.edits.change_tags(ids, ["late"], ["night"]),
        store.queue.cancel,
        store.edits.archive,
        store.edits.unarchive,
        store.queue.retry,
    ]
    for command in commands:
        changed = command(ids)
        assert not changed.problems
        assert set(changed.ids) == set(ids)
    assert opened == len(commands)
    assert store.queue.order() == ids[MANY // 2 :] + ids[: MANY // 2]
    row = store.runs.get(ids[-1])
    assert (row.status, row.priority, row.tags) == ("queued", 3, ("late",))


def test_those_that_can_be_changed_are_and_running_ones_are_asked(store: Store) -> None:
    done, attempt = running(store, "finished")
    end(store, done, attempt)
    busy, _ = running(store, "busy")
    waiting = queued(store, "waiting")
    changed = store.queue.cancel([done, busy, waiting, 99])
    assert changed.problems == (
        "run 1 (finished) is done; only queued, running and paused runs can be cancelled",
        "run 99 does not exist; list the runs with: ageui ls",
    )
    assert (changed.with_status("running"), changed.with_status("cancelled")) == ([busy], [waiting])
    assert (store.runs.get(busy).request, store.runs.get(waiting).status) == ("cancel", "cancelled")


@pytest.mark.parametrize("run_ids", [1, [1]])
def test_the_refusal_of_a_single_run_is_raised(store: Store, run_ids: RunIds) -> None:
    queued(store)
    with pytest.raises(ConfigError, match="only paused and interrupted runs can be resumed"):
        store.queue.resume(run_ids)


def test_a_command_that_fails_changes_no_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = _many(store, 3)
    real = store.queue._write

    @contextmanager
    def failing() -> Iterator[Session]:
        with real() as session:
            yield session
            raise StoreError("the disk is full")

    monkeypatch.setattr(store.queue, "_write", failing)
    with pytest.raises(StoreError):
        store.queue.pause(ids)
    assert store.runs.statuses(ids) == ["queued"] * 3


def test_several_runs_move_as_a_block_in_their_order(store: Store) -> None:
    a, b, c, d, e = _many(store, 5)
    store.queue.move([e, b], "first")
    assert store.queue.order() == [b, e, a, c, d]
    changed = store.queue.move([b, a], "after", c)
    assert store.queue.order() == [e, c, b, a, d]
    store.edits.restore(changed)
    assert store.queue.order() == [b, e, a, c, d]
    with pytest.raises(ConfigError, match="is not queued, or is one of the runs to move"):
        store.queue.move([a, b], "before", b)


def test_new_and_failed_runs_are_queued_together_or_not_at_all(store: Store) -> None:
    failed, attempt = running(store)
    end(store, failed, attempt, "failed", "broken")
    new = NewRun(config(seed=7), BUILT_IN, "new")
    changed = store.queue.add([new], [failed])
    assert set(changed.ids) == {failed, 2}
    with pytest.raises(ConfigError, match="a run is already named 'new'"):
        store.queue.add([new], [])
    with pytest.raises(ConfigError, match="only failed, cancelled"):
        store.queue.add([NewRun(config(seed=8), BUILT_IN)], [failed])
    assert store.runs.count() == 2
