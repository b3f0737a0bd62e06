"""This machine as a place: an engine's process trains one run after another, and is kept between them."""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ageui.worker.processes import Process
from engine.events import Released
from engine.request import RunRequest
from engine.wire import Decoder, Message

ENGINE = (sys.executable, "-P", "-m", "engine")
IDLE_SECONDS = 15.0
_READ_AT_ONCE = 1 << 20
_SECONDS_FROM_TERM_TO_KILL = 5.0


class EngineProcess:
    """A process in its own session and process group, which trains one run at a time.

    Its stdin is the control socket, which carries requests. Closing the socket asks the engine to write a checkpoint
    and exit.
    """

    def __init__(self, log: Path, command: Sequence[str], environment: Mapping[str, str]) -> None:
        events, sent = os.pipe()
        os.set_blocking(events, False)
        self._control, control = socket.socketpair()
        try:
            log_file = _open_log(log)
            try:
                self._child = subprocess.Popen(
                    [*command, "--events", str(sent)],
                    stdin=control.fileno(),
                    stdout=log_file,
                    stderr=log_file,
                    start_new_session=True,
                    pass_fds=(sent,),
                    env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
                )
            finally:
                os.close(log_file)
        except BaseException:
            os.close(events)
            self._control.close()
            raise
        finally:
            os.close(sent)
            control.close()
        self._events: int | None = events
        self._decoder = Decoder()
        self._stop_by: float | None = None
        self._terminated = False
        self.is_idle = True
        self.process = Process.of(self._child.pid)

    def begin(self, request: RunRequest, log: Path, locks: Sequence[int] = ()) -> None:
        """Hands a run to an idle engine, with its own log file.

        `locks` are file descriptors of locks. The engine holds them, too, until the run ends or the engine dies.
        """
        self.is_idle = False
        log_file = _open_log(log)
        try:
            line = request.line()
            sent = socket.send_fds(self._control, [line], [log_file, *locks])
            self._control.sendall(line[sent:])
        except (BrokenPipeError, ConnectionResetError):
            return  # the engine died at once; its exit code shows why
        finally:
            os.close(log_file)

    @property
    def has_ended(self) -> bool:
        if not hasattr(os, "waitid"):
            return self._child.poll() is not None
        # The process stays unreaped until `close`, so its id cannot be reused, and signals reach no other group.
        return os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def read(self, seconds: float) -> Iterator[Message]:
        """Waits up to `seconds` for events and yields those that arrived. Raises `ProtocolError`."""
        if self._events is None:
            time.sleep(seconds)
            return
        poll = select.poll()
        poll.register(self._events, select.POLLIN)
        if poll.poll(seconds * 1000):
            yield from self._messages(self._receive() or b"")

    def rest(self) -> Iterator[Message]:
        """Yields the complete events left in the pipe of an ended process. Raises `ProtocolError`."""
        while content := self._receive():
            yield from self._messages(content)

    def _messages(self, content: bytes) -> Iterator[Message]:
        for message in self._decoder.feed(content):
            if isinstance(message.event, Released):
                self.is_idle = True
            else:
                yield message

    def ask_to_stop(self, grace: float) -> None:
        """Asks the engine to write a checkpoint and exit; after `grace` seconds, `enforce_stop` ends it."""
        if self._stop_by is None:
            self._stop_by = time.monotonic() + grace
            self._control.close()

    @property
    def is_stopping(self) -> bool:
        return self._stop_by is not None

    def enforce_stop(self) -> None:
        """Ends the process group of an engine that did not leave when asked: with SIGTERM, then SIGKILL."""
        if self._stop_by is None or time.monotonic() < self._stop_by:
            return
        if not self._terminated:
            self._terminated = True
            self._stop_by += _SECONDS_FROM_TERM_TO_KILL
            self._signal_group(signal.SIGTERM)
        else:
            self.kill()

    def kill(self) -> None:
        """Kills the whole process group at once."""
        self._signal_group(signal.SIGKILL)

    def close(self) -> int:
        """Ends the rest of the group, waits for the process and returns its exit code."""
        self.kill()
        code = self._child.wait()
        self._control.close()
        self._close_events()
        return code

    def _receive(self) -> bytes | None:
        """The bytes in the pipe now; None if it is empty or has ended."""
        if self._events is None:
            return None
        try:
            content = os.read(self._events, _READ_AT_ONCE)
        except BlockingIOError:
            return None
        if not content:
            self._close_events()
        return content

    def _close_events(self) -> None:
        if self._events is not None:
            os.close(self._events)
            self._events = None

    def _signal_group(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._child.pid, number)
        except (ProcessLookupError, PermissionError):
            return


class Engines:
    """Starts engines, and keeps an engine whose run ended normally for the next run.

    `close` ends the kept engine, which occupies memory until then.
    """

    def __init__(self, command: Sequence[str] = ENGINE, environment: Mapping[str, str] | None = None) -> None:
        """`environment` is added to this process's own."""
        self._command, self._environment = command, environment or {}
        self._kept: EngineProcess | None = None
        self._kept_since = 0.0

    def start_ahead(self) -> None:
        """Starts an engine while its first run is being prepared, if possible; the run itself reports a problem."""
        if self._kept is None:
            with suppress(OSError):
                self.keep(EngineProcess(Path(os.devnull), self._command, self._environment))

    def take(self, log: Path) -> EngineProcess:
        """Returns an idle engine. A new engine writes to `log` until its first run brings its own log."""
        kept, self._kept = self._kept, None
        if kept is not None:
            if not kept.has_ended:
                return kept
            kept.close()
        return EngineProcess(log, self._command, self._environment)

    def keep(self, engine: EngineProcess) -> None:
        """Takes back an idle engine."""
        self.close()
        self._kept, self._kept_since = engine, time.monotonic()

    def close(self, idle_seconds: float = 0.0) -> None:
        """Ends the kept engine if it has been idle for `idle_seconds`."""
        if self._kept is not None and time.monotonic() - self._kept_since >= idle_seconds:
            self._kept.close()
            self._kept = None


def _open_log(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
