"""Hands links to the person who started the server, and to no log."""

import os
import sys
from contextlib import suppress

import platformdirs

from engine.errors import ConfigError
from engine.files import make_private_folder, write_atomically


class Link:
    """Shows the newest link on the terminal. Without a terminal, keeps it in a file that its owner alone can read."""

    def __init__(self) -> None:
        self._file = platformdirs.user_state_path("ageui", appauthor=False) / f"serve-{os.getpid()}.link"

    def place(self) -> str:
        return "below" if sys.stdout.isatty() else f"in {self._file}"

    def show(self, link: str) -> None:
        """Raises `ConfigError` if the file cannot be written."""
        if sys.stdout.isatty():
            sys.stdout.write(f"{link}\n")
            sys.stdout.flush()
            return
        try:
            make_private_folder(self._file.parent)
            write_atomically(self._file, lambda stream: stream.write(f"{link}\n".encode()))
        except OSError as error:
            raise ConfigError(f"the link cannot be written to {self._file}: {error.strerror}") from error

    def remove(self) -> None:
        with suppress(OSError):
            self._file.unlink()
