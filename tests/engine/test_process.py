"""The engine's process: a request in, events out, and when it leaves."""

import fcntl
import functools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tiny_runs import FACES, TINY

from engine.config import build_config
from engine.data.spec import DataSpec
from engine.events import (
    CheckpointWritten,
    EpochEnded,
    Evaluated,
    Event,
    MemoryPeaked,
    Noted,
    Released,
    RunEnded,
    RunFailed,
    RunStarted,
    StepsEnded,
)
from engine.request import RunRequest
from engine.wire import EXIT_STOPPED, Decoder, Message

pytestmark = pytest.mark.process


class Process:
    """An engine's process that is asked for a run; `messages` reads what it tells until it ends."""

    def __init__(self, folder: Path, spec: DataSpec = FACES, attempt: int = 1, **changes: Any) -> None:
        self.folder = folder
        self.read, write = os.pipe()
        self.log = folder / "log"
        folder.mkdir(exist_ok=True)
        self.control, control = socket.socketpair()
        with self.log.open("wb") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-P", "-m", "engine", "--events", str(write)],
                stdin=control, stdout=log, stderr=log, pass_fds=[write], cwd=folder,
            )  # fmt: skip
        os.close(write)
        control.close()
        self.ask(folder, spec, attempt, **changes)

    def ask(self, folder: Path, spec: DataSpec = FACES, attempt: int = 1, **changes: Any) -> None:
        cache = self.folder / "cache"
        config = build_config({**TINY, **changes})
        request = RunRequest(config=config, spec=spec, folder=folder, attempt=attempt, cache=cache)
        self.control.sendall(request.line())

    def messages(self) -> Iterator[Message]:
        """What it tells until it has let the run go, or ended."""
        decoder = Decoder()
        while content := os.read(self.read, 65536):
            for message in decoder.feed(content):
                if isinstance(message.event, Released):
                    return
                yield message

    def until(self, kind: type[Event]) -> list[Event]:  # type: ignore[valid-type]
        """What it tells up to the first event of a kind."""
        events: list[Event] = []
        for message in self.messages():
            events.append(message.event)
            if isinstance(message.event, kind):
                break
        return events

    def rest(self) -> list[Event]:
        return [message.event for message in self.messages()]

    def wait(self) -> int:
        return self.child.wait(60)

    def leave(self) -> int:
        self.control.close()
        return self.wait()


@dataclass
class WholeRun:
    """A run that a process of its own trained, and what it told. A module named `engine` lies in its folder."""

    folder: Path
    messages: list[Message]
    code: int
    log: str


@pytest.fixture
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> WholeRun:
    return _whole_run(tmp_path_factory.getbasetemp() / "whole-run")


@functools.cache
def _whole_run(folder: Path) -> WholeRun:
    folder.mkdir()
    (folder / "engine.py").write_text("raise SystemExit(99)")
    process = Process(folder, attempt=3)
    messages = list(process.messages())
    return WholeRun(folder, messages, process.leave(), process.log.read_text())


def test_a_run_is_reported_from_its_start_to_its_end(whole_run: WholeRun) -> None:
    messages = whole_run.messages
    assert whole_run.code == EXIT_STOPPED
    assert [message.number for message in messages] == list(range(len(messages)))
    assert {message.attempt for message in messages} == {3}
    assert isinstance(messages[-1].event, RunEnded)
    assert (whole_run.folder / "weights-3.safetensors").exists()
    assert "epoch 2/2 · train loss" in whole_run.log
    assert "scored valid: 33 images" in whole_run.log
    assert "done after" in whole_run.log


@pytest.mark.parametrize("how", ["end of stdin", "SIGTERM"])
def test_asked_to_leave_it_writes_a_checkpoint(tmp_path: Path, how: str) -> None:
    process = Process(tmp_path / "run", epochs=100_000, patience="none")
    events = process.until(EpochEnded)
    if how == "SIGTERM":
        process.child.send_signal(signal.SIGTERM)
    else:
        process.control.close()
    events += process.rest()
    assert process.wait() == EXIT_STOPPED
    *_, state, best, peaked, ended = events
    assert isinstance(peaked, MemoryPeaked)
    assert isinstance(state, CheckpointWritten)
    assert isinstance(best, CheckpointWritten)
    assert isinstance(ended, RunEnded)
    assert (state.kind, best.kind, ended.outcome) == ("state", "best", "interrupted")
    told = [step for event in events if isinstance(event, StepsEnded) for step, _ in event.losses]
    assert told == list(range(1, state.step + 1))


def test_it_leaves_without_a_checkpoint_once_nobody_reads(tmp_path: Path) -> None:
    process = Process(tmp_path / "run", epochs=100_000, patience="none")
    process.until(RunStarted)
    os.close(process.read)
    assert process.wait() == EXIT_STOPPED
    assert not list((tmp_path / "run").glob("state-*"))
    assert "the supervisor of this run is gone" in process.log.read_text()


@pytest.mark.parametrize(
    ("changes", "failure", "code", "said"),
    [
        ({"weights": "height"}, "config", 2, "no attribute 'height'"),
        ({"device": "cuda:7"}, "device", 4, "CUDA device"),
        ({"spec": DataSpec(name="gone", format="course", path="/no/such/folder")}, "data", 3, "is missing"),
    ],
)
def test_a_problem_for_a_person_is_its_last_event(
    tmp_path: Path, changes: dict[str, Any], failure: str, code: int, said: str
) -> None:
    process = Process(tmp_path / "run", **changes)
    last = process.rest()[-1]
    assert isinstance(last, RunFailed)
    assert (last.failure, last.exit_code) == (failure, code)
    assert said in last.message
    assert process.wait() == code


def test_it_runs_the_installed_engine_and_not_one_that_lies_in_the_folder(whole_run: WholeRun) -> None:
    assert (whole_run.folder / "engine.py").exists()
    assert isinstance(whole_run.messages[-1].event, RunEnded)


def test_a_path_that_is_not_utf8_is_asked_for_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    spec = DataSpec(name="gone", format="course", path=str(folder / "faces"))
    request = RunRequest(config=build_config(TINY), spec=spec, folder=folder)
    assert RunRequest.from_line(request.line()) == request
    last = Process(folder, spec=spec).rest()[-1]
    assert isinstance(last, RunFailed)
    assert "caf" in last.message


def test_other_input_than_requests_is_refused(tmp_path: Path) -> None:
    for line in (b"", b"{", b"{}\n", b'{"config": {}}\n', b"[1]\n"):
        with pytest.raises(ValueError, match=r"."):
            RunRequest.from_line(line)


OTHERS: tuple[dict[str, Any], ...] = (
    {"loss": "scce", "deterministic": False, "precision": "bf16"},
    {"strategy": "freeze", "init": "random", "epochs": "1,1", "bn": "frozen", "augment": "standard"},
    {"optimizer": "sgd", "lr": 100, "head": "none"},
)


def test_an_earlier_run_of_the_process_leaves_no_trace_in_a_run(tmp_path: Path, whole_run: WholeRun) -> None:
    used = Process(tmp_path / "used", **OTHERS[0])
    used.rest()
    for number, changes in enumerate(OTHERS[1:]):
        used.ask(tmp_path / f"other {number}", **changes)
        assert isinstance(used.rest()[-1], RunEnded)
    used.ask(tmp_path / "last", attempt=3)
    found = used.rest()
    assert used.leave() == EXIT_STOPPED
    assert results_of(found) == results_of([message.event for message in whole_run.messages])
    weights = "weights-3.safetensors"
    assert (tmp_path / "last" / weights).read_bytes() == (whole_run.folder / weights).read_bytes()


def results_of(events: list[Event]) -> list[object]:
    """All that a run tells and no clock decides."""
    results: list[object] = []
    for event in events:
        match event:
            case StepsEnded():
                results += event.losses
            case EpochEnded():
                results.append((event.epoch, event.step, event.train_loss, event.val_loss, event.val_mae))
            case Evaluated():
                results.append((event.split, event.predicted.tolist(), event.result))
            case Noted() | CheckpointWritten():
                results.append(event)
    return results


def test_a_run_that_fails_ends_its_process(tmp_path: Path) -> None:
    process = Process(tmp_path / "run")
    process.rest()
    process.ask(tmp_path / "next", weights="height")
    assert isinstance(process.rest()[-1], RunFailed)
    assert process.wait() == 2


def test_a_run_requested_and_withdrawn_at_once_is_interrupted(tmp_path: Path) -> None:
    process = Process(tmp_path / "run", epochs=100_000, patience="none")
    process.control.close()
    ended = process.rest()[-1]
    assert isinstance(ended, RunEnded)
    assert ended.outcome == "interrupted"
    assert process.wait() == EXIT_STOPPED


def test_files_that_come_with_a_request_are_held_as_long_as_the_run(tmp_path: Path) -> None:
    process = Process(tmp_path / "run")
    process.rest()
    config = build_config({**TINY, "epochs": 100_000, "patience": "none"})
    request = RunRequest(config=config, spec=FACES, folder=tmp_path / "next", cache=tmp_path / "run" / "cache")
    log, lock = tmp_path / "next.log", tmp_path / "lock"
    with log.open("wb") as log_file, lock.open("wb") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        socket.send_fds(process.control, [request.line()], [log_file.fileno(), lock_file.fileno()])
    process.until(EpochEnded)
    with lock.open("rb") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    process.child.send_signal(signal.SIGKILL)
    process.wait()
    with lock.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert "100,000 epochs" in log.read_text()
    assert "100,000 epochs" not in process.log.read_text()
