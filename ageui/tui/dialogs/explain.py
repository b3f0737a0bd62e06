"""Explains the figures and marks of a screen."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from ageui.text.clean import clean
from ageui.tui.dialogs.dialog import Dialog


class ExplainScreen(Dialog[None]):
    """Shows lines of text, each a paragraph."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("E,i,q", "leave", "leave", show=False)]

    def __init__(
        self, lines: Sequence[str], title: str = "Figures and marks", more: str = "More: ageui explain bias"
    ) -> None:
        super().__init__()
        self._title, self._lines = title, (*lines, more) if more else lines

    def compose(self) -> ComposeResult:
        with VerticalScroll() as scroll:
            scroll.border_title = self._title
            scroll.border_subtitle = "esc closes"
            yield Static(Text("\n".join(map(clean, self._lines))), markup=False)

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
