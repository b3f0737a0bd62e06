"""Picks and orders the columns of the table of runs."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Label, OptionList
from textual.widgets.option_list import Option

from ageui.tui.dialogs.dialog import Dialog
from ageui.tui.runs.columns import COLUMNS, known


class ColumnPicker(Dialog[tuple[str, ...]]):
    """Lists the chosen columns first, in order. Returns None after escape, and no columns for those that fit."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "toggle_column", "toggle"),
        Binding("K,shift+up", "move(-1)", "up"),
        Binding("J,shift+down", "move(1)", "down"),
        Binding("0", "reset", "as many as fit"),
        Binding("enter", "save", "save", priority=True),
    ]

    def __init__(self, chosen: tuple[str, ...]) -> None:
        super().__init__()
        self._chosen = list(chosen)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Label(Text("Columns", style="bold"))
            yield OptionList()
            hint = "space toggles · K J move · 0 as many as fit · enter saves · esc closes"
            yield Label(Text(hint, style="dim"))

    def on_mount(self) -> None:
        self._fill(self._chosen[0])
        self.query_one(OptionList).focus()

    def _fill(self, at: str) -> None:
        names = [*self._chosen, *(name for name in COLUMNS if name not in self._chosen)]
        options = self.query_one(OptionList)
        options.clear_options()
        for name in names:
            column, mark = COLUMNS[name], "[✓] " if name in self._chosen else "[ ] "
            options.add_option(Option(Text.assemble(mark, column.title.ljust(16), (column.what, "dim")), name))
        options.highlighted = names.index(at)

    def _current(self) -> str:
        options = self.query_one(OptionList)
        return str(options.get_option_at_index(options.highlighted or 0).id)

    def action_toggle_column(self) -> None:
        name = self._current()
        if name in self._chosen:
            self._chosen.remove(name)
        else:
            self._chosen.append(name)
        self._chosen = list(known(self._chosen))
        self._fill(name)

    def action_move(self, by: int) -> None:
        name = self._current()
        if name not in self._chosen:
            return
        place = self._chosen.index(name)
        self._chosen.insert(min(max(1, place + by), len(self._chosen)), self._chosen.pop(place))
        self._chosen = list(known(self._chosen))
        self._fill(name)

    def action_reset(self) -> None:
        self.dismiss(())

    def action_save(self) -> None:
        self.dismiss(tuple(self._chosen))
