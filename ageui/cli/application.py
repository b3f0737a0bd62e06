"""The terminal and Python settings that the application needs before it opens."""

import gc
import sys
from typing import Final

from ageui.cli.streams import is_utf8
from engine.errors import ConfigError

USUAL_COLLECTION: Final = gc.get_threshold()


def has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()


def prepare_application() -> None:
    """Raises `ConfigError` if this terminal cannot show the application."""
    if not is_utf8(sys.__stderr__):
        raise ConfigError(
            "the application needs UTF-8, but this terminal's locale uses another encoding; start it with "
            "LC_ALL=C.UTF-8 and without PYTHONIOENCODING, or use the commands: ageui --help"
        )
    gc.set_threshold(*USUAL_COLLECTION)  # the application runs for days, and its screens are full of cycles
