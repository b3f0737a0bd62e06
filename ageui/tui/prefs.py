"""What the application remembers from one time to the next: theme, columns, order. It is the user's."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import platformdirs

from engine.files import make_private_folder, write_atomically


@dataclass
class Prefs:
    """`columns` and `order` are those of the table of runs; empty means the default."""

    theme: str = ""
    columns: tuple[str, ...] = ()
    order: str = "turn"

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """What was remembered; the default where there is no file, or one that cannot be read."""
        try:
            found: Any = json.loads((path or prefs_file()).read_text(encoding="utf-8"))
            return cls(str(found["theme"]), tuple(str(name) for name in found["columns"]), str(found["order"]))
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def save(self, path: Path | None = None) -> None:
        """Raises `OSError` where it cannot be written."""
        file = path or prefs_file()
        make_private_folder(file.parent)
        content = json.dumps(asdict(self), indent=2).encode()
        write_atomically(file, lambda stream: stream.write(content))


def prefs_file() -> Path:
    return platformdirs.user_state_path("ageui", appauthor=False) / "tui.json"
