"""Keeps tracebacks of unexpected errors in a file, so that people can report them."""

import contextlib
import traceback
from datetime import datetime
from pathlib import Path

import platformdirs

from engine.files import make_private_folder


def keep_traceback(error: BaseException) -> Path:
    """Appends a traceback to the user's error log if it is writable. Returns the log's path."""
    path = platformdirs.user_state_path("ageui", appauthor=False) / "tui-errors.log"
    with contextlib.suppress(OSError):
        make_private_folder(path.parent)
        with path.open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now().astimezone().isoformat(timespec='seconds')}\n")
            traceback.print_exception(error, file=log)
    return path
