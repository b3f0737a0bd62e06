"""The titles of a screen's parts with their digits, in one line."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.message import Message

from ageui.tui.run.parts import Part
from ageui.tui.widgets.text_line import TextLine

_GAP = "  "


class PartLine(TextLine):
    """Shows the titles of parts, the current one bold, and reports clicks on them."""

    DEFAULT_CSS = """
    PartLine { padding: 0 1; background: $panel; }
    """

    @dataclass
    class Clicked(Message):
        digit: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._parts: Sequence[Part] = ()
        self._current: str | None = None
        self._ends: list[int] = []

    def show(self, parts: Sequence[Part], current: str | None) -> None:
        """Shows parts; `current` is the key of the one in sight, if any."""
        self._parts, self._current = parts, current
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        text, self._ends = Text(), []
        for part, title in zip(self._parts, self._titles(self.size.width), strict=True):
            style = "reverse bold" if part.key == self._current else "dim"
            text.append(_GAP if text else "").append(title, style=style)
            self._ends.append(text.cell_len)
        self.put(text)

    def _titles(self, room: int) -> list[str]:
        """Full titles, short ones, or digits beside that of the current part."""
        for titles in (
            [f" {part.digit} {part.title} " for part in self._parts],
            [f"{part.digit} {part.title}" for part in self._parts],
            [f"{part.digit} {part.short or part.title}" for part in self._parts],
        ):
            if sum(map(cell_len, titles)) + len(_GAP) * (len(titles) - 1) <= room:
                return titles
        return [
            f"{part.digit} {part.short or part.title}" if part.key == self._current else part.digit
            for part in self._parts
        ]

    def on_click(self, event: events.Click) -> None:
        x = event.x - self.gutter.left
        place = next((place for place, end in enumerate(self._ends) if x < end), None)
        if place is not None:
            self.post_message(self.Clicked(self._parts[place].digit))
