"""Answers of queue commands that train nothing: refusals, exit codes, missing workers, and JSON."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from living import processes_of
from store_like import a_done_and_a_paused_run
from terminal import TINY, Terminal

from ageui.store import Store
from ageui.worker.worker_files import take_worker_lock
from engine.config import PRESETS, build_config
from engine.data.spec import BUILT_IN


@pytest.fixture(scope="module")
def done_and_paused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "runs.db"
    a_done_and_a_paused_run(path)
    return path


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["cancel", "9"], 2, "run '9' does not exist"),
        (["pause", "nobody"], 2, "run 'nobody' does not exist"),
        (["resume", "1"], 2, "is done; only paused and interrupted runs"),
        (["retry", "1"], 2, "is done; only failed, cancelled"),
        (["cancel", "1"], 2, "is done; only queued, running and paused runs"),
        (["move", "1", "--first"], 2, "only queued runs can be moved"),
        (["move", "1"], 2, "give one target"),
        (["move", "1", "--first", "--last"], 2, "give one target"),
        (["logs", "2"], 3, "has no log yet"),
        (["logs", "1", "--attempt", "3"], 2, "--attempt 3: run 1 has 1 attempt; choose a number from 1 to 1"),
        (["worker", "start", "--device", "gpu"], 2, "choose cpu or cuda:N"),
        (["worker", "start", "--parallel", "many"], 2, "choose auto, or a number from 1 to 64"),
        (["worker", "start", "--parallel", "0"], 2, "choose auto, or a number from 1 to 64"),
        (["worker", "start", "--device", "cuda:1"], 4, "torch finds no CUDA device"),
        (["worker", "stop", "--device", "cuda:1"], 2, "no worker is running on cuda:1"),
        (["run", "--detach", "--device", "cuda"], 4, "torch finds no CUDA device"),
        (["run", "--device", "cuda", "--preset", "quick"], 4, "torch finds no CUDA device"),
        (["run", "--device", "mps"], 2, "device 'mps': choose auto, cpu, cuda or cuda:N"),
        (["run", "--priority", "3"], 2, "add --detach"),
        (["run", "--share", "--detach"], 2, "--share is for runs in this terminal"),
        (["run", "--detach", "--priority", "5000"], 2, "from -1000 to 1000"),
        (["sweep", "--loss", "mse,,mape"], 2, "a value is empty"),
        (["sweep", "--loss", "mse,mea"], 2, "loss 'mea': choose one of"),
        (["sweep", "--seeds", "0"], 2, "give at least 1"),
        (["sweep", "--seeds", "20000"], 2, "give at most 10,000"),
        (["resume", "1", "2", "--here"], 2, "--here trains one run"),
        (["resume", "--here"], 2, "--here, --on-end and --json need a run"),
        (["resume", "--json"], 2, "--here, --on-end and --json need a run"),
    ],
)
def test_a_wrong_input_gets_a_message_its_exit_code_and_changes_nothing(
    ageui: Terminal,
    done_and_paused: Path,
    arguments: Sequence[str],
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    no_network_checks: None,
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
    assert "is done; only queued, running and paused runs" in done.err
    assert "run 2 fast-finch is cancelled" in done.err


@pytest.mark.parametrize("command", ["resume", "retry"])
def test_runs_that_can_go_on_get_a_worker_beside_one_that_cannot(
    ageui: Terminal, command: str, monkeypatch: pytest.MonkeyPatch, no_network_checks: None
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
        assert (done.code, f"{options[0]} would have no effect; stop it first: ageui worker stop" in done.err) == (
            2,
            True,
        )
    lock.release()


def test_a_run_whose_device_has_no_worker_is_told_and_not_waited_for(ageui: Terminal) -> None:
    with Store.open(Path("runs.db")) as store:
        for device in ("cpu", "cuda:1"):
            store.runs.add(build_config({**PRESETS["quick"], "device": device}), BUILT_IN, name=None)
        store.workers.register("cpu")
        lock = take_worker_lock(store, "cpu")
        assert lock is not None
        alone = "no worker is running for those with --device cuda:1; to start one: ageui worker start --device cuda:1"
        assert alone in ageui("queue").err
        waited = ageui("wait", "2")
        assert waited.code == 1
        assert (
            "1 run waits, but no worker is running for them; to start one: ageui worker start --device cuda:1"
            in waited.err
        )
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
        assert ageui(*command, "--json").json is not None, command
