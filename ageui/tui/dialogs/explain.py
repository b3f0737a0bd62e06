"""What the figures and marks of a screen mean, in full."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from ageui.text.clean import clean


class ExplainScreen(ModalScreen[None]):
    """Shows lines of text, each a paragraph."""

    DEFAULT_CSS = """
    ExplainScreen {
        align: center middle;
        background: $background 30%;
        & > VerticalScroll {
            width: 100; max-width: 100%; height: auto; max-height: 100%;
            background: $panel; border: round $primary; padding: 0 1;
        }
        & Static { height: auto; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,E,q", "leave", "leave", show=False)]

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__()
        self._lines = (*lines, "More: ageui explain bias")

    def compose(self) -> ComposeResult:
        with VerticalScroll() as scroll:
            scroll.border_title = "Figures and marks"
            scroll.border_subtitle = "esc leaves"
            yield Static(Text("\n".join(map(clean, self._lines))), markup=False)

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

    def action_leave(self) -> None:
        self.dismiss(None)
