"""Commands, workers and crashes in any order: the queue against a model of it that is a few dictionaries."""

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from store_rows import config, queued, state

from ageui.store import Changed, Claim, Claimant, LostRunError, NewRun, RunningRun, Store
from engine.data.spec import BUILT_IN
from engine.errors import ConfigError

ASKED = {"pause": "paused", "cancel": "cancelled", "kill": "cancelled"}
COMMANDS = ("cancel", "kill", "pause", "resume", "resume", "retry", "from_start")
MOST_RUNS = 4  # few, so that much happens to each
OVER = ("done", "diverged", "failed", "cancelled")


@dataclass
class Model:
    """What one run should be. `points` are the losses that were stored, `pointer` the newest checkpoint's step."""

    status: str = "queued"
    attempt: int = 0
    priority: int = 0
    request: str | None = None
    strikes: int = 0
    worker: str | None = "cpu"
    points: set[int] = field(default_factory=set)
    pointer: int = 0
    began_at: int | None = None  # None until its engine has told that it started

    def finish(self, status: str) -> None:
        self.status, self.request = status, None
        if status in ("done", "diverged"):
            self.pointer = 0

    def die(self, failure: str) -> None:
        got_further = self.began_at is not None and self.pointer > self.began_at
        self.strikes = 0 if got_further else self.strikes + 1
        if self.request:
            self.finish(ASKED[self.request])
        elif failure == "lost" and self.worker is None:
            self.finish("interrupted")
        else:
            limit = 2 if failure == "oom_killed" else 3
            self.finish("failed" if self.strikes >= limit else "queued")


class QueueMachine(RuleBasedStateMachine):
    runs = Bundle("runs")
    claims = Bundle("claims")

    @initialize()
    def open(self) -> None:
        # In memory where there is such a folder: this is about order, not about disks.
        self._folder = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        self.store = Store.open(Path(self._folder.name) / "runs.db")
        self.models: dict[int, Model] = {}
        self.order: list[int] = []  # of all runs, by position; the queue is those that are queued, by priority first
        self.is_held = False
        self.changed = Changed()

    def teardown(self) -> None:
        self.store.close()
        self._folder.cleanup()

    def waiting(self) -> list[int]:
        found = [run for run in self.order if self.models[run].status == "queued"]
        return sorted(found, key=lambda run: -self.models[run].priority)

    def refused(self, run: int, allowed: bool, command: str) -> bool:
        """Whether a command is refused, as it should be where it is not allowed."""
        try:
            self.changed = getattr(self.store.queue, command)(run)
        except ConfigError:
            assert not allowed
            return True
        assert allowed
        return False

    # People

    @precondition(lambda self: len(self.models) < MOST_RUNS)
    @rule(target=runs, priority=st.integers(-1, 1))
    def add(self, priority: int) -> int:
        run = self.store.runs.add(config(), BUILT_IN, name=None, priority=priority)
        self.models[run] = Model(priority=priority)
        self.order.append(run)
        return run

    @rule(run=runs, command=st.sampled_from(COMMANDS))
    def command(self, run: int, command: str) -> None:
        """One of what people may tell a run to do; more often what sets it going again."""
        getattr(self, f"_{command}")(run, self.models[run])

    def _cancel(self, run: int, model: Model, at_once: bool = False) -> None:
        if model.status in OVER:
            assert self.refused(run, False, "cancel")
            return
        self.changed = self.store.queue.cancel(run, at_once=at_once)
        if model.status == "running":
            model.request = "kill" if at_once or model.request == "kill" else "cancel"
        else:
            model.status = "cancelled"

    def _kill(self, run: int, model: Model) -> None:
        self._cancel(run, model, at_once=True)

    def _pause(self, run: int, model: Model) -> None:
        allowed = model.status == "queued" or (model.status == "running" and model.request in (None, "pause"))
        if not self.refused(run, allowed, "pause"):
            if model.status == "running":
                model.request = "pause"
            else:
                model.status = "paused"

    def _resume(self, run: int, model: Model) -> None:
        if not self.refused(run, model.status in ("paused", "interrupted"), "resume"):
            model.status, model.strikes = "queued", 0

    def _retry(self, run: int, model: Model) -> None:
        if not self.refused(run, model.status in ("failed", "cancelled", "interrupted"), "retry"):
            model.status, model.strikes = "queued", 0

    def _from_start(self, run: int, model: Model) -> None:
        if model.status in ("failed", "cancelled", "interrupted", "diverged"):
            self.store.queue.retry(run, from_start=True)
            model.status, model.strikes, model.points, model.pointer = "queued", 0, set(), 0

    @rule(run=runs, command=st.sampled_from(["cancel", "pause", "resume", "retry"]), is_disturbed=st.booleans())
    def change_and_undo(self, run: int, command: str, is_disturbed: bool) -> None:
        """Undo restores what was. If somebody else changed the run meanwhile, it says so and changes nothing."""
        before, self.changed = replace(self.models[run]), Changed()
        getattr(self, f"_{command}")(run, self.models[run])
        if not any(change.before for change in self.changed.runs):
            return
        changed = self.changed
        if is_disturbed:
            disturb = self._retry if self.models[run].status == "cancelled" else self._kill
            disturb(run, self.models[run])
        assert bool(self.store.edits.restore(changed).problems) == is_disturbed
        if not is_disturbed:
            self.models[run] = before

    @rule(run=runs, other=runs, place=st.sampled_from(["first", "last", "before", "after"]), comes_back=st.booleans())
    def move(self, run: int, other: int, place: str, comes_back: bool) -> None:
        waiting = self.waiting()
        if run not in waiting or (place in ("before", "after") and (other not in waiting or other == run)):
            return
        changed = self.store.queue.move(run, place, other)  # type: ignore[arg-type]
        if comes_back:
            assert not self.store.edits.restore(changed).problems
            return
        rest = [one for one in waiting if one != run]
        if rest:
            beside = {"first": rest[0], "last": rest[-1]}.get(place, other)
            self.models[run].priority = self.models[beside].priority
            alike = [one for one in rest if self.models[one].priority == self.models[beside].priority]
            alike.insert(alike.index(beside) + (place in ("last", "after")), run)
            places = sorted(self.order.index(one) for one in alike)
            for one, at in zip(alike, places, strict=True):
                self.order[at] = one

    @rule(often=st.sampled_from([True, False, False, False]))
    def hold_or_release(self, often: bool) -> None:
        if not (self.is_held or often):
            return
        if self.is_held:
            assert self.store.queue.resume_queue() is not None
        else:
            self.store.queue.pause_queue("for a while")
        self.is_held = not self.is_held

    # Workers

    @rule(target=claims, can_hold=st.sampled_from([True, True, True, False]))
    def claim_next(self, can_hold: bool) -> object:
        waiting = self.waiting()
        claim = self.store.queue.claim_next(Claimant("cpu", "cpu"), ("auto", "cpu"), lambda run: can_hold)
        if self.is_held or not waiting or not can_hold:
            assert claim is None
            return multiple()
        assert claim is not None
        assert claim.run_id == waiting[0]
        return self._begin(claim, "cpu")

    @rule(target=claims, run=runs)
    def claim_in_foreground(self, run: int) -> object:
        claim = self.store.queue.claim(run, Claimant(None, "cpu"), lambda run: True)
        assert (claim is not None) == (self.models[run].status == "queued")
        return multiple() if claim is None else self._begin(claim, None)

    @precondition(lambda self: len(self.models) < MOST_RUNS)
    @rule(target=claims)
    def add_in_foreground(self) -> object:
        new = NewRun(config(), BUILT_IN)
        claim = self.store.runs.add_claimed(new, Claimant(None, "cpu"), lambda run: True)
        self.models[claim.run_id] = Model()
        self.order.append(claim.run_id)
        return self._begin(claim, None)

    def _begin(self, claim: Claim, worker: str | None) -> Claim:
        model = self.models[claim.run_id]
        model.status, model.worker, model.request = "running", worker, None
        model.attempt += 1
        assert claim.attempt == model.attempt
        assert [checkpoint.step for checkpoint in claim.states][:1] == ([model.pointer] if model.pointer else [])
        model.began_at = None
        return claim

    def owns(self, claim: Claim) -> bool:
        model = self.models[claim.run_id]
        return model.status == "running" and model.attempt == claim.attempt

    @rule(claim=claims, count=st.integers(1, 3), with_checkpoint=st.booleans())
    def train(self, claim: Claim, count: int, with_checkpoint: bool) -> None:
        model = self.models[claim.run_id]
        # An attempt trains on from where it began, or from where its own points end.
        first = max([model.began_at or model.pointer, *(step for step in model.points if self.owns(claim))]) + 1
        steps = range(first, first + count)
        try:
            with self.store.writing(claim.run_id, claim.attempt) as writer:
                if model.began_at is None:
                    writer.started({}, model.pointer)
                writer.points(("step/loss", step, 1.0 / step) for step in steps)
                if with_checkpoint:
                    writer.checkpoint(state(steps[-1]))
        except LostRunError:
            assert not self.owns(claim)
            return
        assert self.owns(claim)
        model.began_at = model.pointer if model.began_at is None else model.began_at
        model.points |= set(steps)
        if with_checkpoint:
            model.pointer = steps[-1]

    @rule(claim=consumes(claims), how=st.sampled_from(["done", "failed", "obey", "killed", "killed", "oom_killed"]))
    def end(self, claim: Claim, how: str) -> None:
        """An attempt ends as its watcher tells it; refused to one that lost its run."""
        model = self.models[claim.run_id]
        otherwise = "queued" if model.worker else "interrupted"
        asked = self.store.queue.request(claim.run_id, claim.attempt)
        assert asked == (model.request if self.owns(claim) else "lost")
        try:
            with self.store.writing(claim.run_id, claim.attempt) as writer:
                if how in ("done", "failed"):
                    writer.end(how, "")
                elif how == "obey":
                    writer.stop(otherwise, "stopped")
                else:
                    writer.crash(how, "died")
        except LostRunError:
            assert asked == "lost"
            return
        assert asked != "lost"
        if how in ("done", "failed"):
            model.finish(how)
        elif how == "obey":
            model.finish(ASKED.get(asked or "", otherwise))
        else:
            model.die(how)

    @rule(claim=claims)
    def find_lost(self, claim: Claim) -> None:
        """Everything of the attempt was killed; a claim may live on, as that of a worker that was merely stopped."""
        model = self.models[claim.run_id]
        found = self.store.queue.end_lost(RunningRun(claim.run_id, claim.attempt, model.worker), "gone")
        if self.owns(claim):
            model.die("lost")
            assert found == model.status
        else:
            assert found is None

    # What always holds

    @invariant()
    def statuses_are_those_of_the_model(self) -> None:
        rows = {row.id: row for row in self.store.runs.search()}
        assert {run: (row.status, row.attempt, row.request, row.priority) for run, row in rows.items()} == {
            run: (model.status, model.attempt, model.request, model.priority) for run, model in self.models.items()
        }

    @invariant()
    def the_order_is_that_of_the_model(self) -> None:
        assert [row.id for row in self.store.queue.waiting()] == self.waiting()

    @invariant()
    def the_running_runs_are_those_with_an_open_attempt(self) -> None:
        running = {run.run_id: run.attempt for run in self.store.queue.running()}
        assert running == {run: m.attempt for run, m in self.models.items() if m.status == "running"}
        for run, model in self.models.items():
            attempts = self.store.runs.detail(run).attempts
            assert [attempt.number for attempt in attempts] == list(range(1, model.attempt + 1))
            still_open = [attempt.number for attempt in attempts if attempt.ended_at is None]
            assert still_open == ([model.attempt] if model.status == "running" else [])

    @invariant()
    def no_checkpoint_is_ahead_of_the_points_before_it(self) -> None:
        for run, model in self.models.items():
            points = [step for step, _ in self.store.runs.metric(run, "step/loss")]
            assert points == sorted(model.points)
            newest = max((file.step for file, *_ in self.store.runs.checkpoints(run)), default=0)
            assert newest == model.pointer
            assert set(range(1, model.pointer + 1)) <= set(points)


def test_a_queue_that_nobody_touched_is_empty(store: Store) -> None:
    assert store.queue.waiting() == store.queue.running() == []
    assert queued(store) == 1


QueueMachine.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestQueue = pytest.mark.simulation(QueueMachine.TestCase)
