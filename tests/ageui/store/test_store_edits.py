"""What a person writes on runs: names, notes, tags, and which are put away."""

import pytest
from store_rows import claimed, end, epoch, queued, running

from ageui.store import Store
from engine.errors import ConfigError


def test_a_name_note_and_tags_are_replaced_and_restored(store: Store) -> None:
    run_id = queued(store, "first", ("night", "old"))

    def written() -> tuple[str, str | None, tuple[str, ...]]:
        row = store.runs.get(run_id)
        return row.name, row.note, row.tags

    edits = [
        store.edits.rename(run_id, "second"),
        store.edits.set_note(run_id, " worth  a look [/] "),
        store.edits.set_tags(run_id, ("new", "new", "night")),
    ]
    assert written() == ("second", "worth  a look [/]", ("new", "night"))
    for changed in edits:
        assert store.edits.restore(changed).ids == [run_id]
    assert written() == ("first", None, ("night", "old"))


def test_a_pause_is_undone_before_and_after_the_run_pauses(store: Store) -> None:
    run_id, attempt = running(store)
    assert not store.edits.restore(store.queue.pause(run_id)).problems
    assert (store.runs.get(run_id).status, store.runs.get(run_id).request) == ("running", None)

    paused = store.queue.pause(run_id)
    with store.writing(run_id, attempt) as writer:
        assert writer.stop("interrupted", "") == "paused"
    back = store.edits.restore(paused)
    assert (back.problems, back.queued) == ((), [run_id])
    assert store.runs.get(run_id).status == "queued"

    again = claimed(store, run_id)
    assert again is not None
    assert store.edits.restore(paused).problems == (
        f"run {run_id} ({store.runs.get(run_id).name}) was changed again; it stays as it is",
    )


def test_a_taken_name_a_bad_tag_and_a_missing_run_are_refused_and_change_nothing(store: Store) -> None:
    run_id = queued(store, "first", ("night",))
    queued(store, "second")

    with pytest.raises(ConfigError, match="run 2 is already named 'second'"):
        store.edits.rename(run_id, "second")
    with pytest.raises(ConfigError, match="space or comma"):
        store.edits.set_tags(run_id, ("fine", "two words"))
    with pytest.raises(ConfigError, match="2001 characters"):
        store.edits.set_note(run_id, "x" * 2001)
    with pytest.raises(ConfigError, match="run 9 does not exist"):
        store.edits.set_note(9, "x")

    assert (store.runs.get(run_id).name, store.runs.get(run_id).tags, store.runs.get(run_id).note) == (
        "first",
        ("night",),
        None,
    )


def test_renaming_a_run_to_its_own_name_is_no_conflict(store: Store) -> None:
    run_id = queued(store, "first")
    store.edits.rename(run_id, "first")
    assert store.runs.get(run_id).name == "first"


def test_archived_runs_are_left_out_until_they_are_asked_for(store: Store) -> None:
    kept, (away, attempt) = queued(store, "kept"), running(store, "away")
    end(store, away, attempt)

    first = store.edits.archive([away])
    store.edits.restore(store.edits.archive([away]))  # it was archived before

    assert [row.id for row in store.runs.search()] == [kept]
    assert [row.id for row in store.runs.search("archived=true")] == [away]
    assert [row.id for row in store.runs.search("archived=no")] == [kept]
    assert store.runs.count() == 1
    assert store.runs.status_counts() == {"queued": 1}
    assert store.runs.find("away") == [away]

    back = store.edits.unarchive([away])
    assert [row.id for row in store.runs.search()] == [away, kept]
    store.edits.restore(back)
    store.edits.restore(first)
    assert [row.id for row in store.runs.search()] == [away, kept]


def test_a_run_that_is_still_to_be_done_cannot_be_archived(store: Store) -> None:
    done, attempt = running(store, "done")
    end(store, done, attempt)
    waiting = queued(store, "waiting")

    with pytest.raises(ConfigError, match=r"\(waiting\) is queued; only ended runs can be archived"):
        store.edits.archive(waiting)

    changed = store.edits.archive([done, waiting])
    assert (changed.ids, len(changed.problems)) == ([done], 1)
    assert store.runs.get(done).archived_at is not None


def test_a_retried_run_comes_back_from_the_archive(store: Store) -> None:
    run_id, attempt = running(store)
    end(store, run_id, attempt, "failed", "broken")
    store.edits.archive([run_id])

    store.queue.retry(run_id)

    assert [row.id for row in store.runs.search()] == [run_id]


def test_the_order_by_turn_is_running_queued_waiting_ended(store: Store) -> None:
    done, attempt = running(store, "done")
    end(store, done, attempt)
    first, second, paused = (queued(store, name) for name in ("first", "second", "paused"))
    later, attempt = running(store, "later")
    end(store, later, attempt, "failed", "broken")
    runs_now, _ = running(store, "now")
    store.queue.pause(paused)
    store.queue.move(second, "first")

    in_turn = [runs_now, second, first, paused, later, done]
    assert [row.id for row in store.runs.search(order="turn")] == in_turn
    assert [row.id for row in store.runs.search(order="-turn")] == in_turn[::-1]
    assert [row.id for row in store.runs.search(order="turn", limit=2, offset=1)] == [second, first]


def test_runs_are_counted_by_filter(store: Store) -> None:
    run_id, attempt = running(store, loss="mape")
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch(1, val_mae=5.0))
    queued(store, loss="mse")

    assert store.runs.count("loss=mape val_mae<6") == 1
    assert store.runs.count("val_mae>6") == 0
