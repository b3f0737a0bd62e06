"""The preferences of a user, kept between sessions: theme, contents of the table of runs, and its newest filters."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

import platformdirs

from ageui.text.clean import has_hidden
from engine.bounded_files import SETTINGS_BYTES, read_regular
from engine.files import make_private_folder, write_atomically

_MOST_FILTERS = 20


@dataclass
class Prefs:
    """`columns` to `grouped` belong to the table of runs; empty means the default.

    `folded` folds runs that differ only in their seed; `grouped` is the field by which rows are grouped. `filters`
    are the newest filters, the newest first. `preview` shows the run under the cursor if there is room for it.
    `comparison` makes compared runs `rows` or `columns`; if empty, their number decides.
    """

    theme: str = ""
    columns: tuple[str, ...] = ()
    order: str = "turn"
    folded: bool = False
    grouped: str = ""
    filters: tuple[str, ...] = ()
    preview: bool = True
    comparison: str = ""

    def __post_init__(self) -> None:
        self._stored = {field.name: field.default for field in fields(self)}
        self._kept = self.filters

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Loads the preferences. Values that are missing or invalid in the file get their defaults."""
        found = cls()
        try:
            stored: Any = json.loads(read_regular(path or prefs_file(), SETTINGS_BYTES))
        except (OSError, ValueError, RecursionError):
            return found
        if isinstance(stored, dict):
            for name, is_valid in _VALID.items():
                value = tuple(stored[name]) if isinstance(stored.get(name), list) else stored.get(name)
                if is_valid(value):
                    setattr(found, name, value)
        found._stored = asdict(found)
        return found

    def keep_filter(self, text: str) -> bool:
        """Puts a filter in front of the newest filters. Returns whether that changed them."""
        before = self.filters
        kept = text.strip()
        if kept:
            self.filters = _newest_first(kept, *before)
            self._kept = kept, *self._kept
        return self.filters != before

    def save(self, path: Path | None = None) -> None:
        """Writes the preferences changed here since loading or saving; keeps what another application wrote otherwise.

        Adds filters kept by other applications. Raises `OSError` if the file cannot be written.
        """
        file = path or prefs_file()
        make_private_folder(file.parent)
        stored = asdict(self.load(file))
        self.filters = _newest_first(*self._kept, *stored["filters"])
        own = asdict(self)
        changed = {name: value for name, value in own.items() if value != self._stored[name]}
        content = json.dumps({**stored, **changed, "filters": self.filters}, indent=2).encode()
        write_atomically(file, lambda stream: stream.write(content))
        self._stored, self._kept = own, ()


def _newest_first(*filters: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filters))[:_MOST_FILTERS]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _are_texts(value: object) -> bool:
    return isinstance(value, tuple) and all(map(_is_text, value))


def _are_filters(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, str) and not has_hidden(one) for one in value)


_VALID: dict[str, Callable[[object], bool]] = {
    "theme": _is_text,
    "columns": _are_texts,
    "order": _is_text,
    "folded": _is_flag,
    "grouped": _is_text,
    "filters": _are_filters,
    "preview": _is_flag,
    "comparison": lambda value: value in ("", "rows", "columns"),
}


def prefs_file() -> Path:
    return platformdirs.user_state_path("ageui", appauthor=False) / "tui.json"
