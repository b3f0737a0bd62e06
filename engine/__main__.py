"""The engine's process: trains one run after another.

    python -P -m engine --events FD

`engine.control` describes stdin: requests, and its end, which asks the process to leave. Events go to the file
descriptor FD, see `engine.wire`; stdout and stderr are the log. A run in training when stdin ends or SIGTERM arrives
finishes its step and writes a checkpoint, and the process leaves with exit code 75. If the supervisor stops reading
events, the process leaves without a checkpoint, because nobody would learn of it.

After a run that ended normally, the process waits for the next request, with everything imported and loaded. After
any other run it leaves, so that the next run gets a fresh process.
"""

import argparse
import faulthandler
import gc
import os
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from engine.control import Control
from engine.errors import AgeUIError
from engine.events import Event, Progressed, Released, RunFailed
from engine.narration import Narrator
from engine.release_memory import release_memory
from engine.request import RunRequest
from engine.wire import EXIT_STOPPED, Message, encode

_SECONDS_BETWEEN_PROGRESS = 0.25


class _UnwatchedError(Exception):
    """The supervisor stopped reading the events."""


class _Sender:
    """Writes events to the supervising process, and as sentences to the log."""

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
    """Writes a line to the log, with the local time.

    Text that is not UTF-8, or a full disk, loses the line but does not stop the run.
    """
    stamped = f"{datetime.now():%Y-%m-%d %H:%M:%S}  {line}\n"
    try:
        sys.stderr.buffer.write(stamped.encode("utf-8", "replace"))
        sys.stderr.flush()
    except OSError:
        return


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m engine", description="Trains runs; see engine.__main__.")
    parser.add_argument("--events", type=int, required=True, metavar="FD", help="file descriptor that takes the events")
    arguments = parser.parse_args()
    faulthandler.enable()
    _forbid_core_dumps()
    control = Control()
    _import_libraries()
    while (order := control.next_order()) is not None:
        emit = _Sender(arguments.events, order.request)
        try:
            code = _attempt(order.request, emit, control.should_stop)
            if code != 0 or control.should_stop():
                return code
            release_memory()
            order.release()
            emit(Released())
        except _UnwatchedError:
            log("the supervisor of this run is gone: leaving the run to the next attempt")
            return EXIT_STOPPED
    return EXIT_STOPPED


def _import_libraries() -> None:
    """Imports the modules that runs need: this takes seconds, and garbage collection would add a seventh."""
    gc.disable()
    with suppress(Exception):  # the first run reports the problem
        import engine.train  # noqa: F401
    gc.freeze()
    gc.enable()


def _attempt(request: RunRequest, emit: _Sender, should_stop: Callable[[], bool]) -> int:
    try:
        from engine.train import train

        ended = train(request, emit=emit, should_stop=should_stop)
    except AgeUIError as error:
        emit(RunFailed(error.failure, str(error), error.exit_code))
        return error.exit_code
    except _UnwatchedError:
        raise
    except Exception as error:
        first_line, *_ = traceback.format_exception_only(error)[-1].splitlines()
        emit(RunFailed(AgeUIError.failure, f"{first_line}\n{traceback.format_exc()}", AgeUIError.exit_code))
        return AgeUIError.exit_code
    return EXIT_STOPPED if ended.outcome == "interrupted" else 0


def _forbid_core_dumps() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, ValueError, OSError):
        return


if __name__ == "__main__":
    sys.exit(main())
