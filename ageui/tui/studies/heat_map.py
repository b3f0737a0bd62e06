"""The heat map of a study's grid, with a cursor on its cells."""

from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.color import Color
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from ageui.tui.studies.heat_map_text import MapContents, heat_map


class HeatMap(Static, can_focus=True):
    """Shows `MapContents`. Its cursor is on a cell."""

    DEFAULT_CSS = """
    HeatMap { height: auto; width: auto; min-width: 100%; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1, 0)", "up", show=False),
        Binding("down,j", "move(1, 0)", "down", show=False),
        Binding("left", "move(0, -1)", "left", show=False),
        Binding("right", "move(0, 1)", "right", show=False),
    ]

    cursor: reactive[tuple[int, int]] = reactive((0, 0))

    @dataclass
    class Moved(Message):
        """The cursor is on the cell at this place in the study."""

        place: int

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._contents: MapContents | None = None

    def show(self, contents: MapContents, place: int | None) -> None:
        """Shows contents with the cursor on the cell at `place`, if the grid has it."""
        self._contents = contents
        where = {at: (row, column) for row, line in enumerate(contents.grid.places) for column, at in enumerate(line)}
        self.set_reactive(HeatMap.cursor, where.get(place if place is not None else -1, (0, 0)))
        self._redraw()

    def on_resize(self) -> None:
        self._redraw()

    def on_focus(self) -> None:
        self._redraw()

    def on_blur(self) -> None:
        self._redraw()

    def action_move(self, down: int, right: int) -> None:
        if self._contents is None:
            return
        row, column = self.cursor
        lines = self._contents.grid.places
        self.cursor = min(max(0, row + down), len(lines) - 1), min(max(0, column + right), len(lines[0]) - 1)

    def watch_cursor(self) -> None:
        if self._contents is not None:
            self._redraw()
            row, column = self.cursor
            self.post_message(self.Moved(self._contents.grid.places[row][column]))

    def _redraw(self) -> None:
        if self._contents is not None:
            theme = self.app.theme_variables
            colors = Color.parse(theme["surface"]), Color.parse(theme["warning"])
            parent = self.parent
            width = (parent.size.width if isinstance(parent, Widget) else self.size.width) - 2
            self.update(heat_map(self._contents, width, self.cursor if self.has_focus else None, colors))
