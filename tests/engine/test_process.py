"""The engine's process: a request in, events out, and when it leaves."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny_runs import FACES, TINY

from engine.config import build_config
from engine.data.spec import DataSpec
from engine.events import (
    CheckpointWritten,
    EpochEnded,
    Event,
    MemoryPeaked,
    RunEnded,
    RunFailed,
    RunStarted,
    StepsEnded,
)
from engine.request import RunRequest
from engine.wire import EXIT_STOPPED, Decoder, Message


class Process:
    """An engine's process that is asked for a run; `messages` reads what it tells until it ends."""

    def __init__(self, folder: Path, spec: DataSpec = FACES, attempt: int = 1, **changes: Any) -> None:
        request = RunRequest(
            config=build_config({**TINY, **changes}), spec=spec, folder=folder, attempt=attempt, cache=folder / "cache"
        )
        self.read, write = os.pipe()
        self.log = folder / "log"
        folder.mkdir(exist_ok=True)
        with self.log.open("wb") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-P", "-m", "engine", str(folder), "--events", str(write)],
                stdin=subprocess.PIPE, stdout=log, stderr=log, pass_fds=[write], cwd=folder,
            )  # fmt: skip
        os.close(write)
        assert self.child.stdin is not None
        self.child.stdin.write(request.line())
        self.child.stdin.flush()

    def messages(self) -> Iterator[Message]:
        decoder = Decoder()
        while content := os.read(self.read, 65536):
            yield from decoder.feed(content)

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


def test_a_run_is_told_from_its_start_to_its_end(tmp_path: Path) -> None:
    process = Process(tmp_path / "run", attempt=3)
    messages = list(process.messages())
    assert process.wait() == 0
    assert [message.number for message in messages] == list(range(len(messages)))
    assert {message.attempt for message in messages} == {3}
    assert isinstance(messages[-1].event, RunEnded)
    assert (tmp_path / "run" / "weights-3.safetensors").exists()
    log = process.log.read_text()
    assert "epoch 2/2 · train loss" in log
    assert "scored valid: 33 images" in log
    assert "done after" in log


@pytest.mark.parametrize("how", ["end of stdin", "SIGTERM"])
def test_asked_to_leave_it_writes_a_checkpoint(tmp_path: Path, how: str) -> None:
    process = Process(tmp_path / "run", epochs=100_000, patience="none")
    events = process.until(EpochEnded)
    if how == "SIGTERM":
        process.child.send_signal(signal.SIGTERM)
    else:
        assert process.child.stdin is not None
        process.child.stdin.close()
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


def test_it_leaves_without_a_checkpoint_where_nobody_reads_any_more(tmp_path: Path) -> None:
    process = Process(tmp_path / "run", epochs=100_000, patience="none")
    process.until(RunStarted)
    os.close(process.read)
    assert process.wait() == EXIT_STOPPED
    assert not list((tmp_path / "run").glob("state-*"))
    assert "nobody watches this run any more" in process.log.read_text()


@pytest.mark.parametrize(
    ("changes", "failure", "code", "said"),
    [
        ({"weights": "height"}, "config", 2, "no attribute 'height'"),
        ({"device": "cuda:7"}, "device", 4, "CUDA device"),
        ({"spec": DataSpec(name="gone", format="course", path="/no/such/folder")}, "data", 3, "is not there"),
    ],
)
def test_what_a_person_has_to_change_is_its_last_word(
    tmp_path: Path, changes: dict[str, Any], failure: str, code: int, said: str
) -> None:
    process = Process(tmp_path / "run", **changes)
    last = process.rest()[-1]
    assert isinstance(last, RunFailed)
    assert (last.failure, last.exit_code) == (failure, code)
    assert said in last.message
    assert process.wait() == code


def test_it_runs_the_installed_engine_and_not_one_that_lies_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "engine.py").write_text("raise SystemExit(99)")
    process = Process(tmp_path / "run", epochs=1)
    assert isinstance(process.rest()[-1], RunEnded)
    assert process.wait() == 0


def test_a_path_that_is_not_utf8_is_asked_for_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    spec = DataSpec(name="gone", format="course", path=str(folder / "faces"))
    request = RunRequest(config=build_config(TINY), spec=spec, folder=folder)
    assert RunRequest.from_line(request.line()) == request
    last = Process(folder, spec=spec).rest()[-1]
    assert isinstance(last, RunFailed)
    assert "caf" in last.message


def test_what_is_no_request_is_refused(tmp_path: Path) -> None:
    for line in (b"", b"{", b"{}\n", b'{"config": {}}\n', b"[1]\n"):
        with pytest.raises(ValueError, match=r"."):
            RunRequest.from_line(line)
