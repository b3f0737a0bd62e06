"""Lists all keys of a screen and their actions, and the marks and symbols of tables."""

import re
from collections.abc import Iterable
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Input, Static

from ageui.present.marks import MEANINGS
from ageui.text.states import SYMBOLS
from ageui.tui import keys
from ageui.tui.dialogs.dialog import Dialog

Group = tuple[str, list[tuple[str, str]]]
"""A title with its rows: keys, and what they do; or marks, and what they mean."""
_SIGNS: tuple[Group, ...] = (
    ("Marks", list(MEANINGS.items())),
    ("States", [(symbol, status) for status, symbol in SYMBOLS.items()]),
)


class HelpScreen(Dialog[None]):
    """Lists the active keys of the screen `of`, of its focused widgets and of every screen, then marks and symbols.

    Typing searches them.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll('up')", "up", show=False),
        Binding("down", "scroll('down')", "down", show=False),
        Binding("pageup", "scroll('page_up')", "page up", show=False),
        Binding("pagedown", "scroll('page_down')", "page down", show=False),
    ]

    def __init__(self, of: Screen[object]) -> None:
        super().__init__()
        self._groups = [*key_groups(of), *_SIGNS]

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Keys"
            box.border_subtitle = "↑ ↓ scroll · esc closes"
            yield Input(placeholder="Type to search", compact=True)
            with VerticalScroll(can_focus=False):
                yield Static(_table(self._groups, ""))

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        self.query_one(Static).update(_table(self._groups, event.value))

    def action_scroll(self, way: str) -> None:
        getattr(self.query_one(VerticalScroll), f"scroll_{way}")(animate=False)


def key_groups(screen: Screen[object]) -> list[Group]:
    """The active keys of a screen by their owner, in the order of the owners' tables."""
    owners: dict[DOMNode, dict[tuple[str, str], list[str]]] = {}
    for active in keys.in_order(screen.active_bindings.values()):
        binding, node = active.binding, active.node
        what = binding.tooltip or binding.description.capitalize()
        if what:
            shown = screen.app.get_key_display(binding)
            names = owners.setdefault(node, {}).setdefault((binding.action, what), [])
            if shown not in names:
                names.append(shown)
    ordered = sorted(owners, key=lambda node: (isinstance(node, App), not isinstance(node, Screen)))
    return [(_title(node), [(" ".join(names), what) for (_, what), names in owners[node].items()]) for node in ordered]


def _title(node: DOMNode) -> str:
    if isinstance(node, App):
        return "Every screen"
    if isinstance(node, Screen):
        return "This screen"
    return node.BINDING_GROUP_TITLE or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).capitalize()


def _table(groups: Iterable[Group], sought: str) -> Table:
    """The lines that contain all sought words."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    words = sought.lower().split()
    for title, rows in groups:
        found = [row for row in rows if all(word in " ".join(row).lower() for word in words)]
        if found:
            table.add_row(Text(), Text(title, style="dim"))
        for key, what in found:
            table.add_row(Text(key), Text(what))
    if not table.row_count:
        table.add_row(Text(), Text(f"Nothing matches {sought}"))
    return table
