"""The page shown in place of an empty table of runs: the reason, and what to press."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from textual.widgets import Static

from ageui.text.clean import clean
from ageui.tui import keys

_LONGEST_FIRST = 32


class EmptyTable(Static):
    """A page of text in place of the rows; its screen decides when it is visible."""

    DEFAULT_CSS = """
    EmptyTable {
        display: none;
        height: 1fr;
        padding: 1 3;
        color: $foreground;
        overflow: hidden;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)

    def show(self, filter: str, why: Sequence[tuple[str, str]], archived: int, problem: str = "") -> None:
        """Shows the `problem` of an invalid filter, else the reason why no run matches `filter`, term by term, or,
        without a filter, that all runs are archived or none exists yet."""
        if problem:
            lines = [("backspace", "edit the filter; tab completes a field"), ("esc", "undo the edit")]
            self.update(_page("The filter is not valid yet.", (("", clean(problem)),), lines))
            return
        if filter.strip():
            lines = [("esc", "clear the filter"), ("/", "edit it; ↑ brings earlier ones back"), ("F3", "choose a view")]
            self.update(_page(f"No run matches {clean(filter.strip())}", why, lines))
            return
        lines, end = _first_steps(), "A background worker starts with the first run and trains on after you quit."
        if archived:
            lines = [("/", "filter by archived=true to list them"), *lines]
        self.update(_page("All runs are archived." if archived else "No runs yet.", (), lines, end))


def _first_steps() -> list[tuple[str, str]]:
    demo = [key for place in keys.TABLE.values() for key in place if key.action.endswith("open_demo")]
    return [
        ("n", "new run: choose loss, sample weights and network"),
        *((key.display, "open the demo: a copy of the shipped runs to try keys on") for key in demo),
        ("D", "data sets: drawn faces are built in, add your own"),
        ("G", "studies: published figures beside your own"),
        ("?", "list all keys; ^p searches all commands"),
    ]


def _page(title: str, why: Sequence[tuple[str, str]], lines: Sequence[tuple[str, str]], end: str = "") -> Group:
    parts: list[RenderableType] = [Text(title, style="bold")]
    for part, style in ((why, ""), (lines, "bold")):
        table = Table.grid(padding=(0, 3, 0, 0))
        table.add_column(style=style, max_width=_LONGEST_FIRST, overflow="fold")
        table.add_column(ratio=1, overflow="fold")
        for first, second in part:
            table.add_row(Text(first), Text(second))
        parts += ["", Padding(table, (0, 0, 0, 2))] if part else []
    return Group(*parts, "", Text(end, style="dim"))
