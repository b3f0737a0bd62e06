"""Undo restores what was, in one transaction, or says that it no longer can."""

from collections.abc import Callable, Sequence

import pytest
from store_rows import COUNTS, best, claimed, config, end, queued, running, state

from ageui.store import NewRun, Store
from ageui.tui import changes
from ageui.tui.changes import Change, ChangeMade
from engine.data.spec import BUILT_IN

pytestmark = pytest.mark.usefixtures("no_workers")

PICKED = ("status", "request", "error", "failure", "ended_at", "archived_at", "priority", "name", "note", "tags")


def _made(store: Store, change: Change) -> Change:
    undo = change(store).undo
    assert undo is not None
    return undo


def _columns(store: Store, *run_ids: int) -> list[tuple[object, ...]]:
    return [tuple(getattr(store.runs.get(run_id), name) for name in PICKED) for run_id in run_ids]


def _interrupted(store: Store) -> int:
    run_id, attempt = running(store)
    with store.writing(run_id, attempt) as writer:
        writer.started({}, 0)
        writer.checkpoint(state(20))
        writer.stop("interrupted", "Ctrl-C")
    return run_id


def _failed(store: Store) -> int:
    run_id, attempt = running(store)
    with store.writing(run_id, attempt) as writer:
        writer.end("failed", "no such file", failure="data")
    return run_id


def _paused(store: Store) -> int:
    run_id = queued(store)
    store.queue.pause(run_id)
    return run_id


def _archived(store: Store) -> int:
    run_id = _failed(store)
    store.edits.archive(run_id)
    return run_id


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (queued, changes.pause),
        (queued, changes.cancel),
        (_paused, changes.cancel),
        (_interrupted, changes.cancel),
        (lambda store: running(store)[0], changes.pause),
        (lambda store: running(store)[0], changes.cancel),
        (_paused, changes.resume),
        (_interrupted, changes.resume),
        (_failed, changes.retry),
        (_archived, changes.retry),
        (_failed, changes.archive),
        (_archived, changes.archive),
        (_archived, changes.unarchive),
        (_failed, changes.unarchive),
        (queued, lambda ids: changes.tag(ids, ["new"])),
        (queued, lambda ids: changes.add_tags(ids, ["new", "-old"])),
        (queued, lambda ids: changes.rename(ids[0], "other")),
        (queued, lambda ids: changes.note(ids[0], "seen")),
    ],
)
def test_every_column_is_as_before(
    store: Store, make: Callable[[Store], int], change: Callable[[Sequence[int]], Change]
) -> None:
    run_id = make(store)
    before, order = _columns(store, run_id), store.queue.order()
    _made(store, change([run_id]))(store)
    assert (_columns(store, run_id), store.queue.order()) == (before, order)


def _taken_up(store: Store, run_id: int) -> None:
    assert claimed(store, run_id) is not None


def _pruned(store: Store, run_id: int) -> None:
    store.queue.forget_states(run_id)


@pytest.mark.parametrize(
    ("make", "change", "meanwhile", "now"),
    [
        (queued, changes.pause, lambda store, run: store.queue.cancel(run), "cancelled"),
        (_paused, changes.resume, _taken_up, "running"),
        (_failed, changes.retry, _taken_up, "running"),
        (queued, changes.cancel, lambda store, run: store.queue.retry(run), "queued"),
        (_interrupted, changes.cancel, _pruned, None),
        (_failed, changes.archive, lambda store, run: store.queue.retry(run), "queued"),
        (queued, lambda ids: changes.note(ids[0], "mine"), lambda store, run: store.edits.set_note(run, "x"), None),
        (queued, lambda ids: changes.rename(ids[0], "mine"), lambda store, run: store.edits.rename(run, "x"), None),
        (queued, lambda ids: changes.tag(ids, ["mine"]), lambda store, run: store.edits.set_tags(run, ["x"]), None),
    ],
)
def test_runs_changed_since_stay_unchanged_and_are_reported(
    store: Store,
    make: Callable[[Store], int],
    change: Callable[[Sequence[int]], Change],
    meanwhile: Callable[[Store, int], object],
    now: str | None,
) -> None:
    run_id = make(store)
    undo = _made(store, change([run_id]))
    meanwhile(store, run_id)
    after = _columns(store, run_id)
    made = undo(store)
    is_cancelled = store.runs.get(run_id).status == "cancelled"
    assert made.message == ("t queues cancelled runs again" if is_cancelled else "")
    assert len(made.problems) == 1
    assert "was changed again" + (f" and is now {now}" if now else "") in made.problems[0]
    assert _columns(store, run_id) == after


def test_an_undone_note_does_not_offer_to_queue_its_run(store: Store) -> None:
    run_id = queued(store)
    undo = _made(store, changes.note(run_id, "mine"))
    store.edits.set_note(run_id, "x")
    store.queue.cancel(run_id)
    assert undo(store).message == ""


def test_undo_restores_the_runs_that_it_can(store: Store) -> None:
    first, second = queued(store), queued(store)
    undo = _made(store, changes.cancel([first, second]))
    store.queue.retry(second)
    made = undo(store)
    assert made.message == f"{store.runs.get(first).name} restored"
    assert len(made.problems) == 1
    assert [row.status for row in store.runs.get_many([first, second]).values()] == ["queued", "queued"]


def test_a_request_that_was_obeyed_cannot_be_taken_back(store: Store) -> None:
    run_id, attempt = running(store)
    undo = _made(store, changes.cancel([run_id]))
    with store.writing(run_id, attempt) as writer:
        writer.stop("queued", "")
    assert undo(store) == ChangeMade(
        "t queues cancelled runs again",
        (f"{_named(store, run_id)} was changed again and is now cancelled; it stays as it is",),
    )


def test_a_name_that_another_run_took_meanwhile_is_not_restored(store: Store) -> None:
    first, second = queued(store, "one"), queued(store, "two")
    undo = _made(store, changes.rename(first, "three"))
    store.edits.rename(second, "one")
    assert undo(store).problems == (f"run {second} is now named 'one': run {first} (three) keeps its name",)


def test_a_move_is_undone_as_a_whole_or_not_at_all(store: Store) -> None:
    a, b, c = (queued(store) for _ in range(3))
    undo = _made(store, changes.move(c, -1))
    assert store.queue.order() == [a, c, b]
    store.queue.move(b, "first")
    assert undo(store).problems
    assert store.queue.order() == [b, a, c]
    undo = _made(store, changes.move(c, -1))
    _taken_up(store, b)
    undo(store)
    assert store.queue.order() == [a, c]


def _held(store: Store, was_held: bool) -> Change:
    if was_held:
        store.queue.pause_queue("the disk is full")
    return _made(store, changes.pause_or_resume_queue)


@pytest.mark.parametrize("was_held", [False, True])
def test_the_queue_is_again_as_it_was(store: Store, was_held: bool) -> None:
    undo = _held(store, was_held)
    assert (store.queue.current_pause() is None) == was_held
    undo(store)
    pause = store.queue.current_pause()
    assert (pause.reason if pause else None) == ("the disk is full" if was_held else None)


@pytest.mark.parametrize("was_held", [False, True])
def test_a_queue_that_somebody_else_resumed_or_paused_stays_so(store: Store, was_held: bool) -> None:
    undo = _held(store, was_held)
    if was_held:
        store.queue.pause_queue("by somebody else")
    else:
        store.queue.resume_queue()
    now = store.queue.current_pause()
    assert "so nothing was undone" in undo(store).problems[0]
    assert store.queue.current_pause() == now


def test_a_queue_that_was_paused_again_stays_paused(store: Store) -> None:
    undo = _held(store, False)
    store.queue.resume_queue()
    store.queue.pause_queue("by the user")
    assert undo(store).problems
    assert store.queue.current_pause() is not None


def test_new_runs_go_out_of_the_queue_unless_they_were_taken_up(store: Store) -> None:
    undo = _made(store, changes.queue([NewRun(config(seed=seed), BUILT_IN) for seed in range(3)], ("t",)))
    first, *others = store.queue.order()
    _taken_up(store, first)
    made = undo(store)
    assert made.message == "2 runs removed from the queue"
    assert "is now running" in made.problems[0]
    assert [row.id for row in store.runs.search()] == [first]
    assert store.problems() == []
    assert not {*others} & {*store.runs.statuses(others)}


def test_data_that_were_registered_again_stay_so(store: Store) -> None:
    spec = BUILT_IN.model_copy(update={"name": "mine"})
    store.data.add(spec, counts=COUNTS)
    undo = _made(store, changes.forget_data("mine"))
    undo(store)
    assert store.data.counts() == {"mine": COUNTS}
    undo = _made(store, changes.forget_data("mine"))
    store.data.add(spec)
    assert undo(store) == ChangeMade("", ("mine was registered again in the meantime, so nothing was undone",))


def test_a_retry_from_the_start_cannot_be_undone(store: Store) -> None:
    run_id, attempt = running(store)
    with store.writing(run_id, attempt) as writer:
        writer.checkpoint(best(10))
    end(store, run_id, attempt, "diverged")
    assert changes.retry([run_id], from_start=True)(store).undo is None
    assert store.runs.checkpoints(run_id) == []


def _named(store: Store, run_id: int) -> str:
    return f"run {run_id} ({store.runs.get(run_id).name})"
