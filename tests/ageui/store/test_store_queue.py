"""Who gets which run, in which order, and what commands may do to a run in which state."""

from collections.abc import Callable
from typing import Any

import pytest
from store_rows import best, claimed, config, end, epoch, epoch_scores, evaluated, queued, running, state

from ageui.store import Claim, Claimant, NewRun, Store, runs
from engine.config import build_config
from engine.data.spec import BUILT_IN
from engine.errors import ConfigError, StoreError

WORKER = Claimant("cpu", "cpu")
TAKES = ("auto", "cpu")
FINAL = ("done", "diverged", "failed", "cancelled")


def _next(store: Store, hold: Callable[[int], bool] = lambda run_id: True, devices: Any = TAKES) -> Claim | None:
    return store.queue.claim_next(WORKER, devices, hold)


def _order(store: Store) -> list[int]:
    return [row.id for row in store.queue.waiting()]


def _taken(store: Store) -> list[int]:
    taken = []
    while (claim := _next(store)) is not None:
        taken.append(claim.run_id)
    return taken


def _in_status(store: Store, status: str) -> int:
    """A run that came to this status as runs do."""
    if status == "queued":
        return queued(store)
    if status == "paused":
        run_id = queued(store)
        store.queue.pause(run_id)
        return run_id
    run_id, attempt = running(store)
    if status == "cancelled":
        store.queue.cancel(run_id)
        with store.writing(run_id, attempt) as writer:
            writer.stop("queued", "")
    elif status != "running":
        end(store, run_id, attempt, status, "why")
    assert store.runs.get(run_id).status == status
    return run_id


def test_runs_are_taken_by_priority_then_in_the_order_they_came(store: Store) -> None:
    ids = [store.runs.add(config(), BUILT_IN, name=None, priority=priority) for priority in (0, 5, 0, -1, 5)]
    expected = [ids[place] for place in (1, 4, 0, 2, 3)]
    assert _order(store) == expected
    assert _taken(store) == expected
    assert _next(store) is None


def test_a_claim_tells_all_that_an_attempt_needs(store: Store) -> None:
    run_id, attempt = running(store, "first", loss="mape")
    with store.writing(run_id, attempt) as writer:
        writer.started({"device": "cpu"})
        writer.checkpoint(state(10))
        writer.checkpoint(state(20))
        writer.checkpoint(best(10))
        writer.crash("killed", "gone")
    claim = _next(store)
    assert claim is not None
    assert (claim.run_id, claim.attempt, claim.name, claim.manifest) == (run_id, 2, "first", {"device": "cpu"})
    assert claim.run_config() == config(loss="mape")
    assert claim.run_data() == BUILT_IN
    assert [checkpoint.step for checkpoint in claim.states] == [20, 10]
    assert [checkpoint.kind for checkpoint in claim.checkpoints].count("best") == 1


def test_a_worker_takes_the_runs_of_its_device(store: Store) -> None:
    ids = {device: queued(store, device=device) for device in ("cuda", "cuda:1", "cpu", "auto")}
    assert store.queue.has_work(("cuda:0",)) is False
    claims = [_next(store, devices=("cpu",)), _next(store, devices=("cpu",))]
    assert [claim and claim.run_id for claim in claims] == [ids["cpu"], None]
    claims = [_next(store, devices=("cuda:1", "cuda", "auto")) for _ in range(4)]
    assert [claim and claim.run_id for claim in claims] == [ids["cuda"], ids["cuda:1"], ids["auto"], None]


def test_a_run_that_cannot_be_held_is_passed_over_and_stays_queued(store: Store) -> None:
    first, second = queued(store), queued(store)
    seen: list[tuple[int, str]] = []

    def hold(run_id: int) -> bool:
        # The claim is not visible to others before it is held.
        with Store.open(store.path, read_only=True) as other:
            seen.append((run_id, other.runs.get(run_id).status))
        return run_id != first

    claim = _next(store, hold)
    assert claim is not None
    assert claim.run_id == second
    assert seen == [(first, "queued"), (second, "queued")]
    assert (store.runs.get(first).status, store.runs.get(first).attempt) == ("queued", 0)
    assert store.runs.detail(first).attempts == ()
    assert store.queue.claim(first, WORKER, lambda run_id: False) is None
    assert store.runs.get(first).attempt == 0


def test_a_run_of_the_foreground_is_nobody_elses_from_the_start(store: Store) -> None:
    def hold(run_id: int) -> bool:
        with Store.open(store.path, read_only=True) as other:
            assert other.queue.waiting() == []
        return True

    claim = store.runs.add_claimed(NewRun(config(), BUILT_IN, "mine"), Claimant(None, "cpu"), hold, tags=["t"])
    assert (claim.attempt, claim.name) == (1, "mine")
    row = store.runs.get(claim.run_id)
    assert (row.status, row.tags) == ("running", ("t",))
    assert store.runs.detail(claim.run_id).attempts[0].worker is None


def test_a_new_run_whose_folder_somebody_works_in_is_not_added(store: Store) -> None:
    with pytest.raises(StoreError, match=rf"holds the lock of .*{store.run_folder(1)}.*choose another --db"):
        store.runs.add_claimed(NewRun(config(), BUILT_IN), Claimant(None, "cpu"), lambda run_id: False)
    assert store.runs.count() == 0


def test_a_paused_queue_gives_no_run_until_resumed(store: Store) -> None:
    run_id = queued(store)
    assert store.queue.current_pause() is None
    store.queue.pause_queue("the disk is full")
    held = store.queue.current_pause()
    assert held is not None
    assert held.reason == "the disk is full"
    assert not store.queue.has_work(TAKES)
    assert _next(store) is None
    assert claimed(store, queued(store), worker=None) == 1  # a run in the foreground is no matter of the queue
    assert store.queue.resume_queue() == held
    assert store.queue.resume_queue() is None
    assert store.queue.has_work(TAKES)
    assert _taken(store) == [run_id]


# Commands


@pytest.mark.parametrize("status", ["queued", "paused", "interrupted"])
def test_a_run_that_nobody_works_on_is_cancelled_at_once(store: Store, status: str) -> None:
    run_id = _in_status(store, status)
    assert store.queue.cancel(run_id).with_status("cancelled") == [run_id]
    assert store.runs.get(run_id).status == "cancelled"


@pytest.mark.parametrize(("ask", "request_", "status"), [
    (lambda queue, run: queue.pause(run), "pause", "paused"),
    (lambda queue, run: queue.cancel(run), "cancel", "cancelled"),
    (lambda queue, run: queue.cancel(run, at_once=True), "kill", "cancelled"),
    (lambda queue, run: (queue.pause(run), queue.cancel(run)), "cancel", "cancelled"),
    (lambda queue, run: (queue.cancel(run, at_once=True), queue.cancel(run)), "kill", "cancelled"),
])  # fmt: skip
@pytest.mark.parametrize("ending", ["stop", "crash", "lost"])
def test_a_running_run_is_asked_and_obeys_however_it_ends(
    store: Store, ask: Callable[..., Any], request_: str, status: str, ending: str
) -> None:
    run_id, attempt = running(store)
    assert store.queue.request(run_id, attempt) is None
    ask(store.queue, run_id)
    assert store.runs.get(run_id).status == "running"
    assert store.runs.get(run_id).request == store.queue.request(run_id, attempt) == request_
    if ending == "lost":
        assert store.queue.end_lost(store.queue.running()[0], "gone") == status
    else:
        with store.writing(run_id, attempt) as writer:
            found = writer.stop("queued", "stopped") if ending == "stop" else writer.crash("killed", "died")
        assert found == status
    row = store.runs.get(run_id)
    assert (row.status, row.request) == (status, None)
    assert store.queue.request(run_id, attempt) == "lost"


def test_a_run_that_is_done_before_it_hears_of_the_request_is_done(store: Store) -> None:
    run_id, attempt = running(store)
    store.queue.cancel(run_id)
    end(store, run_id, attempt, "done")
    assert (store.runs.get(run_id).status, store.runs.get(run_id).request) == ("done", None)


@pytest.mark.parametrize("status", ["paused", "interrupted"])
def test_a_stopped_run_is_resumed_at_its_old_place(store: Store, status: str) -> None:
    run_id = _in_status(store, status)
    later = queued(store)
    store.queue.resume(run_id)
    assert _order(store) == [run_id, later]
    assert store.runs.get(run_id).error is None


@pytest.mark.parametrize("status", ["failed", "cancelled", "interrupted"])
def test_a_run_that_ended_badly_is_tried_again_from_its_checkpoint(store: Store, status: str) -> None:
    run_id, attempt = running(store)
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch(1))
        writer.checkpoint(state(10))
    if status == "cancelled":
        store.queue.cancel(run_id)
        with store.writing(run_id, attempt) as writer:
            writer.stop("queued", "")
    else:
        end(store, run_id, attempt, status, "why")
    assert store.queue.retry(run_id).files == ()
    row = store.runs.get(run_id)
    assert (row.status, row.error, row.failure, row.ended_at) == ("queued", None, None, None)
    claim = _next(store)
    assert claim is not None
    assert [checkpoint.step for checkpoint in claim.states] == [10]
    assert len(store.runs.detail(run_id).history) == 1


@pytest.mark.parametrize("status", ["failed", "diverged"])
def test_from_the_start_all_that_was_measured_is_forgotten(store: Store, status: str) -> None:
    run_id, attempt = running(store, "again", ("t",))
    with store.writing(run_id, attempt) as writer:
        writer.started({"device": "cpu", "data": {"hash": "d00d", "splits": {}}})
        writer.points([("step/loss", 1, 0.5)])
        writer.epoch(epoch(1, scores=epoch_scores()))
        writer.checkpoint(best(10))
        writer.evaluated(evaluated(), "apparent", "synthetic")
        writer.end(status, "why")
    fresh = store.runs.get(queued(store)).summary
    assert store.queue.retry(run_id, from_start=True).files == (f"runs/{run_id}/weights.safetensors",)
    detail = store.runs.detail(run_id)
    assert (detail.history, detail.results, detail.checkpoints, detail.manifest) == ((), (), (), None)
    assert detail.row.summary == fresh
    assert store.runs.metric(run_id, "step/loss") == []
    assert (detail.name, detail.row.tags, len(detail.attempts)) == ("again", ("t",), 1)
    with store.writing(run_id, claimed(store, run_id) or 0) as writer:
        writer.epoch(epoch(1))
    assert [epoch.scores for epoch in store.runs.detail(run_id).history] == [None]


def test_a_diverged_run_would_diverge_again(store: Store) -> None:
    run_id = _in_status(store, "diverged")
    with pytest.raises(ConfigError, match=r"would diverge again.*--from-start"):
        store.queue.retry(run_id)


@pytest.mark.parametrize(
    ("command", "allowed"),
    [
        ("cancel", {"queued", "running", "paused", "interrupted"}),
        ("pause", {"queued", "running"}),
        ("resume", {"paused", "interrupted"}),
        ("retry", {"failed", "cancelled", "interrupted"}),
        ("forget_states", set(FINAL)),
    ],
)
@pytest.mark.parametrize("status", ["queued", "running", "paused", "interrupted", *FINAL])
def test_a_command_for_a_run_in_another_state_is_refused_and_changes_nothing(
    store: Store, command: str, allowed: set[str], status: str
) -> None:
    run_id = _in_status(store, status)
    before = store.runs.detail(run_id)
    call = getattr(store.queue, command)
    if status in allowed:
        call(run_id)
        return
    with pytest.raises(ConfigError, match=rf"run {run_id} \(.*\) (is )?(being )?{status}"):
        call(run_id)
    assert store.runs.detail(run_id) == before


@pytest.mark.parametrize("command", ["cancel", "pause", "resume", "retry", "forget_states"])
def test_a_run_that_is_not_there_or_was_published(store: Store, command: str) -> None:
    with pytest.raises(ConfigError, match="run 7 does not exist"):
        getattr(store.queue, command)(7)


# Order


def _three(store: Store) -> list[int]:
    return [queued(store) for _ in range(4)]


@pytest.mark.parametrize(
    ("run", "place", "other", "order"),
    [
        (3, "first", None, [3, 1, 2, 4]),
        (1, "last", None, [2, 3, 4, 1]),
        (4, "before", 2, [1, 4, 2, 3]),
        (1, "before", 4, [2, 3, 1, 4]),
        (4, "after", 1, [1, 4, 2, 3]),
        (1, "after", 3, [2, 3, 1, 4]),
        (1, "first", None, [1, 2, 3, 4]),
        (2, "after", 1, [1, 2, 3, 4]),
    ],
)
def test_a_queued_run_is_moved(store: Store, run: int, place: Any, other: int | None, order: list[int]) -> None:
    assert _three(store) == [1, 2, 3, 4]
    store.queue.move(run, place, other)
    assert _order(store) == order
    assert _taken(store) == order


def test_a_moved_run_takes_the_priority_of_its_neighbour(store: Store) -> None:
    low, high = queued(store), store.runs.add(config(), BUILT_IN, name=None, priority=3)
    store.queue.move(low, "before", high)
    assert _order(store) == [low, high]
    assert store.runs.get(low).priority == 3
    store.queue.prioritise(low, 0)
    assert _order(store) == [high, low]
    store.queue.move(high, "last")
    assert _order(store) == [low, high]
    with pytest.raises(ConfigError, match="give a number from -1000 to 1000"):
        store.queue.prioritise(low, 5000)


def test_moves_leave_the_place_of_paused_runs_alone(store: Store) -> None:
    first, paused, third = queued(store), queued(store), queued(store)
    store.queue.pause(paused)
    store.queue.move(third, "first")
    store.queue.move(first, "first")
    later = queued(store)
    store.queue.resume(paused)
    assert _order(store) == [first, paused, third, later]


def test_only_queued_runs_have_a_place(store: Store) -> None:
    run_id, other = _in_status(store, "running"), queued(store)
    with pytest.raises(ConfigError, match="only queued runs can be moved"):
        store.queue.move(run_id, "first")
    with pytest.raises(ConfigError, match="is not queued, or is one of the runs to move"):
        store.queue.move(other, "before", run_id)
    store.queue.move(other, "first")
    assert _order(store) == [other]


def test_runs_that_differ_in_their_seeds_are_validated_once_before_they_are_tried_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [store.runs.add(config(seed=seed), BUILT_IN, name=None) for seed in range(5)]
    ids += [store.runs.add(config(loss="mae"), BUILT_IN, name=None)]
    store.queue.cancel(ids)
    validated = []
    monkeypatch.setattr(runs, "build_config", lambda values: validated.append(values) or build_config(values))

    again = store.runs.to_train_again(ids)

    assert sorted(run.config.loss for run in again) == ["mae", *["mse"] * 5]
    assert len(validated) == 2
