"""The queue as a person uses it: real workers in the background, real runs, real kills."""

import json
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from living import processes_of, stop_between_writes
from store_like import a_done_and_a_paused_run
from terminal import LONG, TINY, PatchEngine, Terminal, stored_losses, wait_until

from ageui.store import Store
from ageui.worker.worker_files import take_worker_lock
from engine.config import PRESETS, build_config
from engine.data.spec import BUILT_IN


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
    assert "4 runs would be queued" in dry.err
    assert queue("ls", "--json").json == []

    queued = queue(*plan, "--name", "grid")
    assert queued.code == 0
    assert queued.out.split() == ["1", "2", "3", "4"]
    assert "a worker on cpu was started" in queued.err
    waited = queue("wait")
    assert waited.code == 0
    assert "run 4 grid-4 is done" in waited.err
    rows = queue("ls", "tag=grid", "--json").json
    assert [(row["name"], row["status"]) for row in rows] == [(f"grid-{n}", "done") for n in (4, 3, 2, 1)]
    assert all(row["summary"]["mae"] for row in rows)

    again = queue(*plan, "--json")
    assert again.json == []
    assert "left out, as there is such a run: 1 (done), 2 (done), 3 (done), 4 (done)" in again.err
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
    assert f"goes on after step {newest}" in followed.out
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
    assert "no worker is running for them: ageui worker start --device cpu" in queue("queue").err
    assert "died without a word" in queue("worker", "status").out
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
    assert "has a worker on cpu already" in queue("worker", "start").err
    assert "the worker on cpu has left" in queue("worker", "stop").err
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
    assert "has left" in stopped.err
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
    assert "the queue is resumed" in queue("resume").err
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


@pytest.fixture(scope="module")
def done_and_paused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "runs.db"
    a_done_and_a_paused_run(path)
    return path


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["cancel", "9"], 2, "there is no run '9'"),
        (["pause", "nobody"], 2, "there is no run 'nobody'"),
        (["resume", "1"], 2, "is done; only paused and interrupted runs"),
        (["retry", "1"], 2, "is done; only failed, cancelled"),
        (["cancel", "1"], 2, "is done already"),
        (["move", "1", "--first"], 2, "only queued runs have a place"),
        (["move", "1"], 2, "say where to"),
        (["move", "1", "--first", "--last"], 2, "say where to"),
        (["logs", "2"], 3, "has no log yet"),
        (["logs", "1", "--attempt", "3"], 2, "give --attempt a number from 1 to 1"),
        (["worker", "start", "--device", "gpu"], 2, "give cpu or cuda:N"),
        (["worker", "start", "--parallel", "many"], 2, "give auto, or a number from 1 to 64"),
        (["worker", "start", "--parallel", "0"], 2, "give auto, or a number from 1 to 64"),
        (["worker", "start", "--device", "cuda:1"], 4, "torch finds no CUDA device"),
        (["worker", "stop", "--device", "cuda:1"], 2, "no worker is running on cuda:1"),
        (["run", "--detach", "--device", "cuda"], 4, "torch finds no CUDA device"),
        (["run", "--device", "cuda", "--preset", "quick"], 4, "torch finds no CUDA device"),
        (["run", "--priority", "3"], 2, "goes with --detach"),
        (["run", "--share", "--detach"], 2, "--share is for runs in the foreground"),
        (["run", "--detach", "--priority", "5000"], 2, "from -1000 to 1000"),
        (["sweep", "--loss", "mse,,mape"], 2, "a value is empty"),
        (["sweep", "--loss", "mse,mea"], 2, "loss 'mea': choose one of"),
        (["sweep", "--seeds", "0"], 2, "give at least 1"),
        (["sweep", "--seeds", "20000"], 2, "give at most 10,000"),
        (["resume", "1", "2", "--here"], 2, "--here works on one run"),
        (["resume", "--here"], 2, "--here and --json are for runs"),
        (["resume", "--json"], 2, "--here and --json are for runs"),
    ],
)
def test_a_wrong_input_gets_a_message_its_exit_code_and_changes_nothing(
    ageui: Terminal,
    done_and_paused: Path,
    arguments: Sequence[str],
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    no_memory_forecast: None,
) -> None:
    monkeypatch.setattr("engine.cuda._DRIVERS", ())
    shutil.copy(done_and_paused, "runs.db")
    before = ageui("ls", "--json").json
    done = ageui(*arguments)
    assert said in done.err
    assert done.code == code
    assert "Traceback" not in done.err
    assert ageui("ls", "--json").json == before
    assert not processes_of(ageui.folder)


def test_one_run_that_cannot_be_changed_keeps_no_other_from_it(ageui: Terminal) -> None:
    a_done_and_a_paused_run(Path("runs.db"))
    done = ageui("cancel", "1", "2")
    assert done.code == 2
    assert "is done already" in done.err
    assert "run 2 fast-finch is cancelled" in done.err


@pytest.mark.parametrize("command", ["resume", "retry"])
def test_runs_that_can_go_on_get_a_worker_beside_one_that_cannot(
    ageui: Terminal, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_done_and_a_paused_run(Path("runs.db"))
    if command == "retry":
        assert ageui("cancel", "2").code == 0
    started: list[str] = []
    monkeypatch.setattr(
        "ageui.worker.background_workers.start_worker", lambda store, device, **options: started.append(device)
    )
    done = ageui(command, "1", "2", "--json")
    assert done.code == 2
    assert "run 1 (" in done.err
    assert "run 2 fast-finch is queued" in done.err
    assert len(started) == 1
    assert [row["status"] for row in done.json] == ["done", "queued"]


def test_a_worker_that_lives_is_not_started_with_other_settings(ageui: Terminal, store: Store) -> None:
    lock = take_worker_lock(store, "cpu")
    assert lock is not None
    assert ageui("worker", "start", "--device", "cpu").code == 0
    for options in (["--parallel", "2"], ["--stay"], ["--checkpoint-seconds", "5"]):
        done = ageui("worker", "start", "--device", "cpu", *options)
        assert (done.code, f"to apply {options[0]}, stop it first: ageui worker stop" in done.err) == (2, True)
    lock.release()


def test_a_run_whose_device_has_no_worker_is_told_and_not_waited_for(ageui: Terminal) -> None:
    with Store.open(Path("runs.db")) as store:
        for device in ("cpu", "cuda:1"):
            store.runs.add(build_config({**PRESETS["quick"], "device": device}), BUILT_IN, name=None)
        store.workers.register("cpu")
        lock = take_worker_lock(store, "cpu")
        assert lock is not None
        alone = "no worker is running for those with --device cuda:1: ageui worker start --device cuda:1"
        assert alone in ageui("queue").err
        waited = ageui("wait", "2")
        assert waited.code == 1
        assert "1 run waits, but no worker is running for them: ageui worker start --device cuda:1" in waited.err
        still = ageui("wait", "--timeout", "0")
        assert still.code == 1
        assert "2 runs have not ended after 0 s" in still.err
        store.queue.cancel(1)
        assert "1 run waits" in ageui("wait").err
        store.queue.cancel(2)
        assert "no worker" not in ageui("queue").err
        lock.release()


def test_a_bad_interval_between_checkpoints(ageui: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGEUI_CHECKPOINT_SECONDS", "soon")
    done = ageui("run", *TINY)
    assert done.code == 2
    assert "AGEUI_CHECKPOINT_SECONDS=soon: give a number" in done.err
    assert ageui("run", *TINY, "--checkpoint-seconds", "-1").code == 2


def test_logs_hold_nothing_that_a_terminal_obeys(ageui: Terminal) -> None:
    a_done_and_a_paused_run(Path("runs.db"))
    log = ageui.folder / "runs" / "1" / "log.1.txt"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"epoch 1/2\n\x1b[2J\x1b]0;owned\x07 caf\xe9 end")
    shown = ageui("logs", "1").out
    assert "\x1b" not in shown
    assert shown.endswith(" caf\ufffd end\n")


def test_json_of_every_reading_command(ageui: Terminal) -> None:
    a_done_and_a_paused_run(Path("runs.db"))
    with Store.open(Path("runs.db")) as store:
        store.workers.register("cpu")
    for command in (("queue",), ("worker", "status"), ("db", "check"), ("db", "prune"), ("doctor",)):
        done: Any = ageui(*command, "--json")
        assert json.loads(done.out) is not None, command
