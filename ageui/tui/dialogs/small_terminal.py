"""Covers the application while the terminal is too small for it."""

from rich.text import Text
from textual.app import ComposeResult
from textual.events import Resize
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Static

LEAST_ROOM = Size(60, 16)


def is_too_small(size: Size) -> bool:
    return size.width < LEAST_ROOM.width or size.height < LEAST_ROOM.height


class SmallTerminal(ModalScreen[None]):
    """Shows the size that the application needs, and how to leave it."""

    def compose(self) -> ComposeResult:
        yield Static(markup=False)

    def on_resize(self, event: Resize) -> None:
        needed, has = (f"{size.width}×{size.height}" for size in (LEAST_ROOM, event.size))
        text = f"ageui needs {needed} cells; this terminal has {has}. Enlarge it, or press ^q to quit."
        self.query_one(Static).update(Text(text, justify="center"))
