"""The page in place of a table without runs: why it is empty, and what to press."""

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.widgets import Static

from ageui.text.clean import clean
from ageui.tui import keys


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

    def show(self, filter: str, why: Sequence[tuple[str, str]], archived: int) -> None:
        """Shows why no run matches `filter`, term by term, or, without a filter, that all runs are archived or none
        was made yet."""
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


def _page(title: str, why: Sequence[tuple[str, str]], lines: Sequence[tuple[str, str]], end: str = "") -> Text:
    text = Text().append(f"{title}\n\n", style="bold")
    for part, style in ((why, ""), (lines, "bold")):
        width = max((cell_len(first) for first, _ in part), default=0)
        for first, second in part:
            text.append(f"  {set_cell_size(first, width)}", style=style).append(f"   {second}\n")
        text.append("\n" if part else "")
    return text.append(end, style="dim")
