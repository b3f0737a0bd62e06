"""The preferences of a user, kept between sessions: theme, columns and order."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import platformdirs

from engine.bounded_files import SETTINGS_BYTES, read_regular
from engine.files import make_private_folder, write_atomically


@dataclass
class Prefs:
    """`columns` and `order` belong to the table of runs; empty means the default."""

    theme: str = ""
    columns: tuple[str, ...] = ()
    order: str = "turn"

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Loads the preferences; returns the defaults without a readable file."""
        try:
            stored: Any = json.loads(read_regular(path or prefs_file(), SETTINGS_BYTES))
            return cls(str(stored["theme"]), tuple(str(name) for name in stored["columns"]), str(stored["order"]))
        except (OSError, ValueError, RecursionError, KeyError, TypeError):
            return cls()

    def save(self, path: Path | None = None) -> None:
        """Raises `OSError` if the file cannot be written."""
        file = path or prefs_file()
        make_private_folder(file.parent)
        content = json.dumps(asdict(self), indent=2).encode()
        write_atomically(file, lambda stream: stream.write(content))


def prefs_file() -> Path:
    return platformdirs.user_state_path("ageui", appauthor=False) / "tui.json"
