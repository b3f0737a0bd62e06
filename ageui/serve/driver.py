"""Textual's driver for browsers, with whole packets and an end."""

import os
import threading
from functools import partial
from typing import Any, Final

from textual.drivers.web_driver import WebDriver
from textual.messages import ExitApp

SECONDS_TO_END: Final = 5.0


class SessionDriver(WebDriver):
    """Talks to the server through stdin and stdout.

    The application ends with its input, and so with the server, even one that was killed; a process that is still busy
    some seconds later ends at once.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._writing = threading.Lock()
        self._write = partial(self._write_whole)

    def _write_whole(self, packet: bytes) -> int:
        """The thread that reads input writes the packets of downloads, which must not split others."""
        with self._writing:
            size = len(packet)
            while packet:
                packet = packet[os.write(self.fileno, packet) :]
        return size

    def run_input_thread(self) -> None:
        super().run_input_thread()
        end = threading.Timer(SECONDS_TO_END, os._exit, (1,))
        end.daemon = True
        end.start()
        self._app.post_message(ExitApp())
