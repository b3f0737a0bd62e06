"""What is asked of an engine in the middle of its run, and what becomes of one that does not obey."""

import os
import signal
import time

import pytest
from worker_runs import FAKE, claim_run, expected_losses, losses_of, orders, queue_run, supervise, wait_until

from ageui.files.locks import is_held, read_note
from ageui.store import Changed, Store
from ageui.worker import supervisor as supervising
from ageui.worker.places.local import EngineProcess, Engines
from ageui.worker.supervisor import Policy, Supervisor, kill_engine
from engine.events import Event, StepsEnded

pytestmark = pytest.mark.process


@pytest.mark.parametrize(("ask", "status"), [("pause", "paused"), ("cancel", "cancelled")])
def test_a_request_is_obeyed_after_the_step_with_a_checkpoint(
    store: Store, ask: str, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=100_000, step_seconds=0.02)
    run_id = queue_run(store)
    with Store.open(store.path) as other:

        def ask_at_step_five(event: Event) -> None:
            if isinstance(event, StepsEnded) and event.step == 5:
                getattr(other.queue, ask)(run_id)

        outcome = supervise(store, run_id, emit=ask_at_step_five, policy=Policy(stop_seconds=30, engine=FAKE.engine))
    assert outcome.status == status
    detail = store.runs.detail(run_id)
    newest = max(file.step for file in detail.checkpoints)
    assert losses_of(store, run_id) == expected_losses(newest)
    assert detail.attempts[0].outcome == status


@pytest.mark.parametrize(("worker", "status"), [("cpu", "queued"), (None, "interrupted")])
def test_a_request_withdrawn_while_the_engine_leaves_is_not_obeyed(
    store: Store, worker: str | None, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=100_000, step_seconds=0.02)
    run_id = queue_run(store)
    real = EngineProcess.ask_to_stop

    def withdrawn_at_once(engine: EngineProcess, seconds: float) -> None:
        real(engine, seconds)
        for change in asked:
            store.edits.restore(change)

    monkeypatch.setattr(EngineProcess, "ask_to_stop", withdrawn_at_once)
    asked: list[Changed] = []

    def cancel_at_step_five(event: Event) -> None:
        if isinstance(event, StepsEnded) and event.step == 5:
            asked.append(store.queue.cancel(run_id))

    policy = Policy(stop_seconds=30, engine=FAKE.engine)
    assert supervise(store, run_id, worker=worker, emit=cancel_at_step_five, policy=policy).status == status
    row = store.runs.get(run_id)
    assert (row.status, row.request) == (status, None)


def test_a_paused_run_continues_where_it_stopped(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=40, step_seconds=0.02)
    run_id = queue_run(store)
    store_steps: list[int] = []

    def stop_at_five(event: Event) -> None:
        if isinstance(event, StepsEnded):
            store_steps.append(event.step)

    supervise(store, run_id, emit=stop_at_five, should_stop=lambda: len(store_steps) >= 5)
    assert store.runs.get(run_id).status == "queued"
    first = store.runs.detail(run_id).attempts[0]
    assert (first.outcome, first.failure) == ("stopped", None)
    assert supervise(store, run_id).status == "done"
    second = store.runs.detail(run_id).attempts[1]
    assert second.step is not None
    assert second.step >= 5
    assert second.replayed == 0
    assert losses_of(store, run_id) == expected_losses(40)


def test_in_the_foreground_a_stopped_run_is_interrupted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=100_000, step_seconds=0.02)
    run_id = queue_run(store)
    outcome = supervise(store, run_id, worker=None, should_stop=lambda: bool(store.runs.metric(run_id, "step/loss")))
    assert (outcome.status, outcome.ending.exit_code) == ("interrupted", 130)
    assert store.runs.detail(run_id).attempts[0].worker is None


@pytest.mark.parametrize("how", ["hang", "SIGSTOP"])
def test_an_engine_that_does_not_leave_is_killed(store: Store, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, plan={"1": [5, how]})
    monkeypatch.setattr("ageui.worker.places.engine_child._SECONDS_FROM_TERM_TO_KILL", 0.2)
    run_id = queue_run(store)
    begin = time.monotonic()
    outcome = supervise(store, run_id, should_stop=lambda: len(losses_of(store, run_id)) >= 3)
    assert outcome.status == "queued"
    assert time.monotonic() - begin < 15
    assert store.runs.detail(run_id).attempts[0].outcome == "stopped"


def test_the_second_request_to_cancel_kills_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, plan={"1": [2, "hang"]})
    run_id = queue_run(store)
    policy = Policy(stop_seconds=600, engine=FAKE.engine)
    asked: list[None] = []

    def ask_twice() -> bool:
        if len(losses_of(store, run_id)) >= 2 and not asked:
            asked.append(None)
            store.queue.cancel(run_id)
            store.queue.cancel(run_id, at_once=True)
        return False

    assert supervise(store, run_id, policy=policy, should_stop=ask_twice).status == "cancelled"


def test_an_engine_that_hangs_after_its_last_word_is_done(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "_SECONDS_TO_EXIT", 0.2)
    orders(monkeypatch, steps=9, plan={"1": [8, "hang-at-the-end"]})
    run_id = queue_run(store)
    assert supervise(store, run_id).status == "done"


def test_an_attempt_that_lost_its_run_stores_nothing_more_and_ends_its_engine(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=100_000, step_seconds=0.01)
    run_id = queue_run(store)
    engines: list[int] = []

    def lose_it(event: Event) -> None:
        if isinstance(event, StepsEnded) and event.step == 5:
            engines.append(read_note(store.run_lock_file(run_id))["engine"]["pid"])
            with Store.open(store.path) as other:
                other.queue.end_lost(other.queue.running()[0], "taken for dead")

    outcome = supervise(store, run_id, emit=lose_it)
    assert outcome.status == "lost"
    assert store.runs.get(run_id).status == "queued"
    assert store.runs.detail(run_id).attempts[0].outcome == "lost"
    assert len(losses_of(store, run_id)) < 100
    with pytest.raises(ProcessLookupError):
        os.kill(engines[0], 0)


def test_the_engine_holds_the_lock_as_long_as_it_lives(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=100_000, step_seconds=0.01)
    run_id = queue_run(store)
    claim, lock = claim_run(store, run_id)
    pid = os.fork()
    if pid == 0:  # a watcher that is killed
        with Store.open(store.path) as own:
            Supervisor(own, claim, device="cpu", locks=[lock], policy=FAKE, place=Engines(FAKE.engine)).run()
        os._exit(0)
    lock.release()
    path = store.run_lock_file(run_id)
    wait_until(lambda: "engine" in read_note(path) and len(losses_of(store, run_id)) > 3)
    note = read_note(path)
    assert (note["run"], note["db"], note["in_foreground"]) == (run_id, str(store.path), False)
    os.kill(note["engine"]["pid"], signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert is_held(path)
    os.kill(note["engine"]["pid"], signal.SIGCONT)
    wait_until(lambda: not is_held(path))
    assert store.runs.get(run_id).status == "running"


def test_an_engine_whose_watcher_does_not_answer_can_be_killed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=8, plan={"1": [3, "hang"]})
    run_id = queue_run(store)
    assert kill_engine(store, run_id) is False
    killed: list[bool] = []

    def kill_it() -> bool:
        if len(losses_of(store, run_id)) == 3 and not killed:
            killed.append(kill_engine(store, run_id))
        return False

    assert supervise(store, run_id, should_stop=kill_it).status == "queued"
    assert killed == [True]
