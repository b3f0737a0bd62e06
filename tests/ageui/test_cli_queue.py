"""The queue as a person uses it: real workers in the background, real runs, real kills."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from living import stop_between_writes
from terminal import LONG, TINY, PatchEngine, Terminal, stored_losses, wait_until

from ageui.store import Store
from engine.config import build_config


def _status(terminal: Terminal, run: object) -> str:
    return str(terminal("show", str(run), "--json").json["status"])


def _worker_pid(terminal: Terminal) -> int:
    return int(terminal("worker", "status", "--json").json[0]["pid"])


def test_a_sweep_is_queued_trained_and_found_done(queue: Terminal) -> None:
    plan = ("sweep", *TINY, "--epochs", "1", "--loss", "mse,mape", "--weights", "none,gender+age", "--tag", "grid")
    dry = queue(*plan, "--dry-run", "--json")
    assert [(config["loss"], config["weights"]) for config in dry.json] == [
        ("mse", []),
        ("mse", ["gender", "age"]),
        ("mape", []),
        ("mape", ["gender", "age"]),
    ]
    assert "dry run: 4 runs to queue" in dry.err
    assert queue("ls", "--json").json == []

    queued = queue(*plan, "--name", "grid")
    assert queued.code == 0
    assert queued.out.split() == ["1", "2", "3", "4"]
    assert "started a worker on cpu" in queued.err
    waited = queue("wait")
    assert waited.code == 0
    assert "run 4 grid-4 is done" in waited.err
    rows = queue("ls", "tag=grid", "--json").json
    assert [(row["name"], row["status"]) for row in rows] == [(f"grid-{n}", "done") for n in (4, 3, 2, 1)]
    assert all(row["summary"]["mae"] for row in rows)

    again = queue(*plan, "--json")
    assert again.json == []
    assert "left out runs that already exist: 1 (done), 2 (done), 3 (done), 4 (done)" in again.err
    assert [row["id"] for row in queue(*plan, "--again", "--seeds", "1", "--json").json] == [5, 6, 7, 8]
    assert queue("cancel", "5", "6", "7", "8", "--now").code == 0


def test_seeds_are_counted_up(queue: Terminal) -> None:
    def seeds(*arguments: str) -> list[int]:
        return [config["seed"] for config in queue("sweep", *TINY, *arguments, "--dry-run", "--json").json]

    assert seeds("--seeds", "3") == [0, 1, 2]
    assert seeds("--seeds", "2", "--seed", "7") == [7, 8]
    assert seeds("--seed", "4,5") == [4, 5]
    assert queue("sweep", *TINY, "--seeds", "2", "--seed", "4,5", "--dry-run").code == 2


def test_a_detached_run_is_paused_and_resumed_and_ends_as_if_nothing_had_happened(
    queue: Terminal, wait_for_stop: Callable[..., None]
) -> None:
    wait_for_stop(2)
    short = (*TINY, "--augment", "standard")
    undisturbed = queue("run", *short, "--json").json
    queued = queue("run", *short, "--detach", "--name", "night")
    assert (queued.code, queued.out) == (0, "2\n")
    wait_until(lambda: len(stored_losses(2)) > 2)
    paused = queue("pause", "night")
    assert "run 2 night is paused" in paused.err
    shown = queue("show", "night", "--json").json
    assert shown["status"] == "paused"
    newest = max(file["step"] for file in shown["checkpoints"])
    assert 2 < newest == len(stored_losses(2)) < len(stored_losses(1))
    assert queue("resume", "night").code == 0
    followed = queue("logs", "night", "-f")
    assert f"continuing after step {newest}" in followed.out
    assert "run 2 is done" in followed.err
    resumed = queue("show", "night", "--json").json
    assert resumed["results"] == undisturbed["results"]
    assert stored_losses(2) == stored_losses(1)
    assert resumed["checkpoints"][0]["sha256"] == undisturbed["checkpoints"][0]["sha256"]


def test_whoever_looks_next_finds_a_killed_worker_and_its_run_goes_on(
    queue: Terminal, wait_for_stop: Callable[..., None]
) -> None:
    wait_for_stop(1)
    queue("run", *LONG, "--detach", "--checkpoint-seconds", "0")
    wait_until(lambda: len(stored_losses(1)) > 2)
    os.kill(_worker_pid(queue), signal.SIGKILL)
    seen: list[str] = []
    wait_until(lambda: bool(seen.append(queue("ls").err) or seen[-1]))
    assert "run 1 is lost: the processes are gone" in seen[-1]
    assert _status(queue, 1) == "lost"
    recovered = queue("worker", "stop").err
    assert "run 1 was running, but the processes are gone" in recovered
    assert "queued again" in recovered
    assert "no worker is running for them; to start one: ageui worker start --device cpu" in queue("queue").err
    assert "ended without a reason" in queue("worker", "status").out
    waited = queue("wait")
    assert waited.code == 1
    assert "no worker is running" in waited.err
    assert queue("worker", "start").code == 0
    wait_until(lambda: _status(queue, 1) == "running" and len(queue("show", "1", "--json").json["attempts"]) == 2)
    wait_until(lambda: (queue("show", "1", "--json").json["attempts"][1]["step"] or 0) > 0)
    assert queue("cancel", "1").code == 0
    assert _status(queue, 1) == "cancelled"
    attempts = queue("show", "1", "--json").json["attempts"]
    assert [attempt["outcome"] for attempt in attempts] == ["lost", "cancelled"]
    assert attempts[1]["differing"] == 0


def test_a_stopped_worker_puts_its_run_back(queue: Terminal, wait_for_stop: Callable[..., None]) -> None:
    wait_for_stop(1)
    queue("run", *LONG, "--detach")
    wait_until(lambda: len(stored_losses(1)) > 2)
    status = queue("worker", "status", "--json").json
    assert (status[0]["is_alive"], status[0]["run_id"], status[0]["device"]) == (True, 1, "cpu")
    assert "already has a worker on cpu" in queue("worker", "start").err
    assert "stopped the worker on cpu" in queue("worker", "stop").err
    shown = queue("show", "1", "--json").json
    assert (shown["status"], shown["attempts"][0]["outcome"]) == ("queued", "stopped")
    assert max(file["step"] for file in shown["checkpoints"]) == len(stored_losses(1))
    assert "stopped by the user" in queue("worker", "status").out
    assert "no worker is running" in queue("worker", "stop").err


def test_a_worker_that_does_not_answer_is_killed(
    queue: Terminal, wait_for_stop: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for_stop(1)
    queue("run", *LONG, "--detach")
    wait_until(lambda: len(stored_losses(1)) > 2)
    stop_between_writes(_worker_pid(queue), Path("runs.db"))
    monkeypatch.setattr("ageui.worker.background_workers.SECONDS_TO_STOP", 0.5)
    stopped = queue("worker", "stop")
    assert "has not answered for 0 s: killing it" in stopped.err
    assert "stopped the worker on cpu" in stopped.err
    wait_until(lambda: _status(queue, 1) == "lost")
    assert "it is queued again" in queue("pause", "1").err
    assert _status(queue, 1) == "paused"


def test_a_run_whose_engine_hangs_is_killed_by_cancel_now(queue: Terminal, patch_engine: PatchEngine) -> None:
    patch_engine(
        """
        import signal, time
        import engine.train_metrics as train_metrics
        import engine.trainer as training
        train_metrics.SECONDS_BETWEEN_STEP_EVENTS = 0.0
        real = training.Trainer._between_steps

        def hang_after_step_two(self):
            real(self)
            if self.position.step == 2:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                time.sleep(600)

        training.Trainer._between_steps = hang_after_step_two
        """
    )
    queue("run", *LONG, "--detach")
    wait_until(lambda: len(stored_losses(1)) == 2)
    assert "run 1" in queue("cancel", "1", "--now").err
    assert _status(queue, 1) == "cancelled"


def test_the_queue_is_shown_in_order_moved_and_paused(queue: Terminal) -> None:
    assert queue("pause").code == 0
    for name, priority in (("first", "0"), ("second", "0"), ("urgent", "5")):
        done = queue("run", *TINY, "--seed", priority, "--detach", "--name", name, "--priority", priority)
        assert "the queue is paused by the user; to continue: ageui resume" in done.err
    assert [row["name"] for row in queue("queue", "--json").json["queued"]] == ["urgent", "first", "second"]
    assert "run 2 is number 1 of 3" in queue("move", "second", "--first").err
    assert "run 3 is number 3 of 3" in queue("move", "urgent", "--after", "first").err
    assert "run 1 is number 3 of 3" in queue("move", "first", "--priority", "-1").err
    shown = queue("queue")
    assert shown.out.index("second") < shown.out.index("urgent") < shown.out.index("first")
    assert "the queue is paused by the user; to continue: ageui resume" in shown.err
    waited = queue("wait")
    assert waited.code == 1
    assert "3 runs wait, but the queue is paused by the user; to continue: ageui resume" in waited.err
    assert queue("queue", "--json").json["held"] == "by the user"
    assert queue("pause", "1").code == 0
    assert [row["name"] for row in queue("queue", "--json").json["paused"]] == ["first"]
    assert "⏸ paused" in queue("queue").out
    assert queue("cancel", "status=queued").code == 0
    assert [_status(queue, run) for run in ("first", "second", "urgent")] == ["paused", "cancelled", "cancelled"]
    assert "resumed the queue" in queue("resume").err
    assert "was not paused" in queue("resume").err


def test_waiting_ends_with_what_became_of_the_runs(queue: Terminal, wait_for_stop: Callable[..., None]) -> None:
    wait_for_stop(2)
    with Store.open(Path("runs.db")) as store:
        # No command queues such a run: its problem shows before.
        tiny = {"backbone": "resnet18@layer1", "size": 32, "epochs": 2, "device": "cpu", "strategy": "scratch"}
        store.runs.add(build_config({**tiny, "weights": "height"}), store.data.get("faces"), name="bad")
    queue("resume")
    waited = queue("wait", "bad")
    assert waited.code == 1
    assert "no attribute 'height'" in waited.err
    shown = queue("show", "bad", "--json").json
    assert (shown["status"], shown["failure"], len(shown["attempts"])) == ("failed", "config", 1)
    queue("run", *LONG, "--detach", "--name", "long")
    assert queue("wait", "long", "--timeout", "0.5").code == 1
    assert queue("cancel", "long").code == 0
    assert queue("wait", "long").code == 1


def test_a_failed_run_is_tried_again_once_its_cause_is_gone(queue: Terminal) -> None:
    queue("pause")
    queue("run", *TINY, "--data", "faces", "--detach")
    (queue.folder / "drawn").rename(queue.folder / "moved")
    queue("resume")
    assert queue("wait", "1").code == 1
    assert queue("show", "1", "--json").json["failure"] == "data"
    (queue.folder / "moved").rename(queue.folder / "drawn")
    assert queue("retry", "1").code == 0
    assert queue("wait").code == 0
    assert _status(queue, 1) == "done"


def test_another_run_on_the_device_is_waited_for_or_shared_with(
    queue: Terminal, wait_for_stop: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for_stop(1)
    queue("run", *LONG, "--detach", "--name", "long")
    wait_until(lambda: len(stored_losses(1)) > 2)
    shared = queue("run", *TINY, "--share", "--json")
    assert (shared.code, shared.json["status"]) == (0, "done")
    with monkeypatch.context() as patch:
        interrupted = SimpleNamespace(sleep=lambda seconds: os.kill(os.getpid(), signal.SIGINT))
        patch.setattr("ageui.worker.foreground.time", interrupted)
        # A shell that starts the tests in the background has them ignore it.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            waited = queue("run", *TINY, "--name", "waits")
        finally:
            signal.signal(signal.SIGINT, before)
    assert waited.code == 130
    assert "cpu is in use by run 1 (long) of" in waited.err
    assert queue("show", "waits").code == 2
    assert queue("cancel", "long").code == 0
