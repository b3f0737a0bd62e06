"""The input of the engine's process: requests to train runs, and the request to leave."""

import os
import queue
import signal
import socket
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from engine.request import RunRequest
from engine.wire import EXIT_STOPPED

SECONDS_TO_LEAVE = 60.0
_STDIN = 0
_MOST_FILES = 16
_READ_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Order:
    """A run to train, and the open files sent with its request: the log, and locks to hold."""

    request: RunRequest
    files: tuple[int, ...]

    def release(self) -> None:
        """Closes the files, which frees the locks."""
        for file in self.files:
            os.close(file)


class Control:
    """Reads stdin, a socket or a pipe, in a separate thread.

    Each line is a `RunRequest`. A socket also carries files: the first becomes stdout and stderr, the others are locks,
    held until `Order.release`. The end of stdin and SIGTERM ask the process to leave; a process that then hangs in the
    middle of a run is ended by force.
    """

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[tuple[bytes, tuple[int, ...]] | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        signal.signal(signal.SIGTERM, self._on_signal)
        threading.Thread(target=self._listen, name="control", daemon=True).start()

    def next_order(self) -> Order | None:
        """Waits for a request. Returns None when the process should leave. Raises `ValueError` for other input."""
        found = None if self._stop.is_set() and self._orders.empty() else self._orders.get()
        if found is None:
            return None
        line, files = found
        if files:
            for output in (1, 2):
                os.dup2(files[0], output)
        return Order(RunRequest.from_line(line), files)

    def should_stop(self) -> bool:
        """Whether the process was asked to leave."""
        return self._stop.is_set()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop.set()
        self._orders.put(None)

    def _listen(self) -> None:
        receive = self._receiver()
        line, files = bytearray(), list[int]()
        while True:
            content, sent = receive()
            files += sent
            if not content:
                break
            line += content
            while b"\n" in line:
                request, _, rest = line.partition(b"\n")
                self._orders.put((bytes(request), tuple(files)))
                line, files = rest, []
        self._stop.set()
        self._orders.put(None)
        time.sleep(SECONDS_TO_LEAVE)
        os._exit(EXIT_STOPPED)

    def _receiver(self) -> Callable[[], tuple[bytes, list[int]]]:
        if not stat.S_ISSOCK(os.fstat(_STDIN).st_mode):
            return lambda: (os.read(_STDIN, _READ_AT_ONCE), [])
        control = socket.socket(fileno=_STDIN)
        close_on_exec = getattr(socket, "MSG_CMSG_CLOEXEC", 0)

        def receive() -> tuple[bytes, list[int]]:
            content, files, *_ = socket.recv_fds(control, _READ_AT_ONCE, _MOST_FILES, close_on_exec)
            return content, files

        return receive
