"""Follows the end of a growing log file."""

import os
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text
from textual import events
from textual.widgets import RichLog

from ageui.text.clean import clean

_KEPT_LINES = 2000
_READ_AT_ONCE = 1 << 18


@dataclass(frozen=True)
class LogPart:
    """Lines of a log, and the byte offset of their end. `starts_anew` if they do not continue the part before."""

    path: Path
    lines: tuple[str, ...]
    end: int
    starts_anew: bool


def read_log(path: Path, before: LogPart | None) -> LogPart:
    """Reads the lines of a log since `before`, at most the last 256 KiB; none if the file is missing."""
    start = before.end if before is not None and before.path == path else 0
    starts_anew = before is None or before.path != path
    try:
        with path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            if size < start:
                start, starts_anew = 0, True
            if size - start > _READ_AT_ONCE:
                start, starts_anew = size - _READ_AT_ONCE, True
            log.seek(start)
            content = log.read(size - start)
    except OSError:
        return LogPart(path, (), 0, starts_anew)
    whole = content[: content.rfind(b"\n") + 1]
    lines = tuple(clean(line) for line in whole.decode("utf-8", "replace").splitlines())
    return LogPart(path, lines, start + len(whole), starts_anew)


class LogTail(RichLog):
    """Shows parts of a log, wrapped for every width. Stays at the end unless a person scrolls away."""

    DEFAULT_CSS = """
    LogTail { scrollbar-gutter: stable; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, max_lines=_KEPT_LINES, wrap=True, markup=False, highlight=False, min_width=20)
        self._kept: deque[str] = deque(maxlen=_KEPT_LINES)
        self._wrapped_at = 0

    @property
    def has_lines(self) -> bool:
        return bool(self._kept)

    def show_part(self, part: LogPart) -> None:
        if part.starts_anew:
            self._kept.clear()
            self.clear()
        self._kept.extend(part.lines)
        if self._wrapped_at:
            self._add(part.lines)

    def on_resize(self, event: events.Resize) -> None:
        width = self.scrollable_content_region.width
        if width and width != self._wrapped_at:
            self._wrapped_at = width
            self.clear()
            self._add(self._kept)

    def _add(self, lines: Iterable[str]) -> None:
        """Wraps lines at the log's width, or its width before it was hidden."""
        at_end = self.is_vertical_scroll_end
        for line in lines:
            style = "bold" if line.startswith("warning:") else ""
            self.write(Text(line, style=style), width=self._wrapped_at, scroll_end=False)
        if at_end:
            self.scroll_end(animate=False)
