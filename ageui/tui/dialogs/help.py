"""Lists all keys of a screen and their actions."""

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from ageui.tui.dialogs.dialog import Dialog


class HelpScreen(Dialog[None]):
    """Lists the active bindings of the screen `of`, those of its focused widget first."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark,q", "leave", "leave", show=False)]

    def __init__(self, of: Screen[object]) -> None:
        super().__init__()
        self._rows = [
            (binding.key_display or binding.key, binding.tooltip)
            for binding in dict.fromkeys(active.binding for active in of.active_bindings.values())
            if binding.tooltip
        ]

    def compose(self) -> ComposeResult:
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(style="bold", no_wrap=True)
        table.add_column()
        seen: set[str] = set()
        for key, what in self._rows:
            if what not in seen:
                seen.add(what)
                table.add_row(Text(key), Text(what))
        with VerticalScroll() as scroll:
            scroll.border_title = "Keys"
            scroll.border_subtitle = "esc leaves"
            yield Static(table)

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
