"""What the application needs of its terminal and of Python, before it opens."""

import gc
import sys
from typing import Final

from ageui.cli.streams import is_utf8
from engine.errors import ConfigError

USUAL_COLLECTION: Final = gc.get_threshold()


def has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()


def prepare_application() -> None:
    """Raises `ConfigError` if the application could not draw in this terminal."""
    if not is_utf8(sys.__stderr__):
        raise ConfigError(
            "the application draws with characters of UTF-8, which this terminal's locale lacks; start it with "
            "LC_ALL=C.UTF-8 and without PYTHONIOENCODING. All commands work as they are: ageui --help"
        )
    gc.set_threshold(*USUAL_COLLECTION)  # the application lives for days, and its screens are full of cycles
