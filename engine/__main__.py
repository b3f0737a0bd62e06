"""The engine's process: one attempt at a run.

    python -P -m engine RUN_FOLDER --events FD

The first line of stdin is a `RunRequest` as JSON; events go to the file descriptor FD, see `engine.wire`; stdout and
stderr are for the log. Stdin then stays open: when it ends, or on SIGTERM, the run finishes its step, writes a
checkpoint and leaves with exit code 75. Where nobody reads the events any more it leaves without a checkpoint, since
nobody would learn of it. RUN_FOLDER is named so that a list of processes tells which run each belongs to.
"""

import argparse
import faulthandler
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import FrameType

from engine.errors import AgeUIError
from engine.events import Event, Progressed, RunFailed
from engine.narration import Narrator
from engine.request import RunRequest
from engine.wire import EXIT_STOPPED, Message, encode

SECONDS_TO_LEAVE = 60.0
_SECONDS_BETWEEN_PROGRESS = 0.25


class _UnwatchedError(Exception):
    """Nobody reads the events any more."""


class _Sender:
    """Writes events to the watching process, and in words to the log."""

    def __init__(self, descriptor: int, request: RunRequest) -> None:
        self._descriptor, self._attempt = descriptor, request.attempt
        self._narrator = Narrator(sum(request.config.epochs))
        self._number = 0
        self._progressed = 0.0

    def __call__(self, event: Event) -> None:
        if isinstance(event, Progressed):
            now = time.monotonic()
            if event.done < event.total and now - self._progressed < _SECONDS_BETWEEN_PROGRESS:
                return
            self._progressed = now
        self._send(encode(Message(self._attempt, self._number, event)))
        self._number += 1
        if (line := self._narrator.line(event)) is not None:
            log(line)

    def _send(self, content: bytes) -> None:
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except BrokenPipeError:
            raise _UnwatchedError from None


def log(line: str) -> None:
    """A line in the log, with the local time. Text that is not UTF-8 and a full disk cost the line, not the run."""
    stamped = f"{datetime.now():%Y-%m-%d %H:%M:%S}  {line}\n"
    try:
        sys.stderr.buffer.write(stamped.encode("utf-8", "replace"))
        sys.stderr.flush()
    except OSError:
        return


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m engine", description="One attempt at a run; see engine.__main__.")
    parser.add_argument("folder", type=Path, help="the run's folder, as in the request")
    parser.add_argument("--events", type=int, required=True, metavar="FD", help="file descriptor that takes the events")
    arguments = parser.parse_args()
    faulthandler.enable()
    _forbid_core_dumps()
    request = RunRequest.from_line(_first_line(0))
    stop = _stop_when_asked()
    emit = _Sender(arguments.events, request)
    try:
        return _attempt(request, emit, stop)
    except _UnwatchedError:
        log("nobody watches this run any more: leaving it to the next attempt")
        return EXIT_STOPPED


def _attempt(request: RunRequest, emit: _Sender, should_stop: Callable[[], bool]) -> int:
    try:
        from engine.train import train

        ended = train(request, emit=emit, should_stop=should_stop)
    except AgeUIError as error:
        emit(RunFailed(error.failure, str(error), error.exit_code))
        return error.exit_code
    except _UnwatchedError:
        raise
    except Exception:
        emit(RunFailed(AgeUIError.failure, traceback.format_exc(), AgeUIError.exit_code))
        return AgeUIError.exit_code
    return EXIT_STOPPED if ended.outcome == "interrupted" else 0


def _first_line(descriptor: int) -> bytes:
    """The request. Nothing follows it, so that no more than it is read."""
    line = bytearray()
    while not line.endswith(b"\n") and (content := os.read(descriptor, 65536)):
        line += content
    return bytes(line)


def _stop_when_asked() -> Callable[[], bool]:
    """A function that is true once stdin has ended or SIGTERM came. An engine that then hangs leaves all the same."""
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    def watch() -> None:
        while os.read(0, 4096):
            pass
        stop.set()
        time.sleep(SECONDS_TO_LEAVE)
        os._exit(EXIT_STOPPED)

    signal.signal(signal.SIGTERM, on_signal)
    threading.Thread(target=watch, name="stdin", daemon=True).start()
    return stop.is_set


def _forbid_core_dumps() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, ValueError, OSError):
        return


if __name__ == "__main__":
    sys.exit(main())
