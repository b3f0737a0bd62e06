"""Where errors that nobody foresaw are kept, so that they can be reported."""

import contextlib
import traceback
from datetime import datetime
from pathlib import Path

import platformdirs

from engine.files import make_private_folder


def keep_traceback(error: BaseException) -> Path:
    """Appends an error's traceback to a file of the user's, as far as that can be written; returns its path."""
    path = platformdirs.user_state_path("ageui", appauthor=False) / "tui-errors.log"
    with contextlib.suppress(OSError):
        make_private_folder(path.parent)
        with path.open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now().astimezone().isoformat(timespec='seconds')}\n")
            traceback.print_exception(error, file=log)
    return path
