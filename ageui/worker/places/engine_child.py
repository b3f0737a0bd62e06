"""The engine's process: trains one run after another, and is stopped gently, then by force.

Imports nothing heavy: a cluster's node imports it before each attempt.
"""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ageui.worker.processes import Process

ENGINE = (sys.executable, "-P", "-m", "engine")
_READ_AT_ONCE = 1 << 20
_SECONDS_FROM_TERM_TO_KILL = 5.0


class EngineChild:
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
        self._stop_by: float | None = None
        self._terminated = False
        self.process = Process.of(self._child.pid)

    def send(self, request: bytes, log: Path, locks: Sequence[int] = ()) -> None:
        """Hands a request, a line, to an idle engine, with the log file of its run.

        `locks` are file descriptors of locks. The engine holds them, too, until the run ends or the engine dies.
        """
        log_file = _open_log(log)
        try:
            sent = socket.send_fds(self._control, [request], [log_file, *locks])
            self._control.sendall(request[sent:])
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

    def wait(self, seconds: float) -> None:
        """Waits up to `seconds` for bytes to receive."""
        if self._events is None:
            time.sleep(seconds)
            return
        poll = select.poll()
        poll.register(self._events, select.POLLIN)
        poll.poll(seconds * 1000)

    def receive(self) -> bytes:
        """The bytes in the pipe now; empty if there are none, or the pipe has ended."""
        if self._events is None:
            return b""
        try:
            content = os.read(self._events, _READ_AT_ONCE)
        except BlockingIOError:
            return b""
        if not content:
            self._close_events()
        return content

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

    def _close_events(self) -> None:
        if self._events is not None:
            os.close(self._events)
            self._events = None

    def _signal_group(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._child.pid, number)
        except (ProcessLookupError, PermissionError):
            return


def _open_log(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
