"""A table of things to compare, one per column. Labels and heads stay in view; the cursor selects a column."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ageui.present.table import Tone
from ageui.present.terminal import shortened
from ageui.tui.tones import tone_styles
from ageui.tui.widgets.background import background_style

_GAP = 2


@dataclass(frozen=True)
class Piece:
    """Clean text and its tone; `color` (#rrggbb) overrides the tone's colour."""

    text: str
    tone: Tone = "plain"
    color: str = ""


Pieces = tuple[Piece, ...]


@dataclass(frozen=True)
class SideColumn:
    """A column and its key. The `head` of all columns has the same number of lines."""

    key: str
    head: tuple[Pieces, ...]


@dataclass(frozen=True)
class SideLine:
    """A line: its label and a cell per column, right-aligned if `right` is set."""

    label: Pieces
    cells: tuple[Pieces, ...]
    right: bool = True


def width_of(pieces: Pieces) -> int:
    """In cells."""
    return sum(cell_len(piece.text) for piece in pieces)


class SideBySide(ScrollView, can_focus=True):
    """Lines and columns given by `show`, which keeps the cursor on its column and the scroll position."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"side-by-side--head", "side-by-side--cursor"}
    DEFAULT_CSS = """
    SideBySide {
        height: 1fr;
        background: $surface;
        & > .side-by-side--head { background: $panel; color: $foreground; }
        & > .side-by-side--cursor { background: $primary 18%; }
        &:focus > .side-by-side--cursor { background: $primary 32%; }
    }
    """
    BINDING_GROUP_TITLE = "Table"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", "left", show=False, tooltip="To the column on the left"),
        Binding("right", "move(1)", "right", show=False, tooltip="To the column on the right"),
        Binding("up,k", "scroll_up", "up", show=False),
        Binding("down,j", "scroll_down", "down", show=False),
        Binding("pageup", "page_up", "page up", show=False),
        Binding("pagedown", "page_down", "page down", show=False),
        Binding("home", "top", "top", show=False),
        Binding("end", "bottom", "bottom", show=False),
    ]

    cursor: reactive[int] = reactive(0)

    @dataclass
    class CursorMoved(Message):
        key: str | None

    @dataclass
    class Opened(Message):
        """A column was clicked twice."""

        key: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._columns: tuple[SideColumn, ...] = ()
        self._lines: tuple[SideLine, ...] = ()
        self._widths: list[int] = []
        # The distance of each column, and of the end of the last one, from the first column, in cells.
        self._starts: list[int] = [0]
        self._label_width = 0
        self._tones: Mapping[Tone, Style] = {}

    # Contents

    def show(self, columns: Sequence[SideColumn], lines: Sequence[SideLine]) -> None:
        """Replaces all columns and lines; draws nothing if none changed."""
        if (tuple(columns), tuple(lines)) == (self._columns, self._lines):
            return
        key = self.cursor_key
        self._columns, self._lines = tuple(columns), tuple(lines)
        self._label_width = max((width_of(line.label) for line in lines), default=0)
        self._widths = [
            max([width_of(line) for line in column.head] + [width_of(line.cells[place]) for line in lines])
            for place, column in enumerate(columns)
        ]
        self._starts = list(accumulate((width + _GAP for width in self._widths), initial=0))
        keys = [column.key for column in columns]
        self.cursor = keys.index(key) if key in keys else min(self.cursor, max(0, len(keys) - 1))
        self.virtual_size = Size(self.natural_width, self._head_height + len(lines))
        self.refresh()
        if self.cursor_key != key:
            self.post_message(self.CursorMoved(self.cursor_key))

    @property
    def natural_width(self) -> int:
        """The cells that all columns need."""
        return self._fixed_width + self._starts[-1]

    @property
    def cursor_key(self) -> str | None:
        return self._columns[self.cursor].key if self.cursor < len(self._columns) else None

    def text(self) -> list[str]:
        """All lines, head first, with all columns."""
        every = (0, len(self._columns))
        strips = [self._head_strip(line, *every) for line in range(self._head_height)]
        strips += [self._line_strip(line, *every) for line in self._lines]
        return [strip.text.rstrip() for strip in strips]

    # Moving

    def action_move(self, by: int) -> None:
        self.move_to(self.cursor + by)

    def action_top(self) -> None:
        self.scroll_to(y=0, animate=False)

    def action_bottom(self) -> None:
        self.scroll_to(y=self.max_scroll_y, animate=False)

    def move_to(self, place: int) -> None:
        """Moves the cursor to the nearest existing column, and scrolls it into view."""
        if not self._columns:
            return
        self.cursor = min(max(0, place), len(self._columns) - 1)
        first, stop = self.columns_in_view
        if self.cursor < first:
            self.scroll_to(x=self._starts[self.cursor], animate=False)
        elif self.cursor >= stop:
            first = self.cursor
            while first > 0 and self._fit(first - 1, self.cursor + 1):
                first -= 1
            self.scroll_to(x=self._starts[first], animate=False)

    @property
    def columns_in_view(self) -> tuple[int, int]:
        """The first visible column and the one after the last. Only whole columns are visible, but at least one."""
        columns = len(self._columns)
        first = bisect_left(self._starts, int(self.scroll_offset.x), hi=columns)
        first = first if first < columns else 0
        stop = first + 1
        while stop < columns and self._fit(first, stop + 1):
            stop += 1
        return first, stop

    def _fit(self, first: int, stop: int) -> bool:
        return self._starts[stop] - self._starts[first] <= self.size.width - self._fixed_width

    def watch_cursor(self, old: int, new: int) -> None:
        self.refresh()
        if old != new:
            self.post_message(self.CursorMoved(self.cursor_key))

    def on_click(self, event: events.Click) -> None:
        at = event.x - self._fixed_width
        for place in range(*self.columns_in_view) if at >= 0 else ():
            at -= self._widths[place] + _GAP
            if at < 0:
                self.move_to(place)
                if event.chain == 2:
                    self.post_message(self.Opened(self._columns[place].key))
                return

    # Drawing

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._tones = {}

    @property
    def _head_height(self) -> int:
        return max((len(column.head) for column in self._columns), default=0)

    @property
    def _fixed_width(self) -> int:
        return 1 + self._label_width + _GAP

    def render_line(self, y: int) -> Strip:
        width, view = self.size.width, self.columns_in_view
        if y < self._head_height:
            strip, style = self._head_strip(y, *view), self.get_component_rich_style("side-by-side--head")
        else:
            place = y - self._head_height + int(self.scroll_offset.y)
            strip = self._line_strip(self._lines[place], *view) if place < len(self._lines) else Strip.blank(0)
            style = self.rich_style
        return Strip(list(Segment.apply_style(strip.adjust_cell_length(width), style)), width)

    def _head_strip(self, line: int, first: int, stop: int) -> Strip:
        """A line of the head. Its first label counts the columns out of view."""
        after = len(self._columns) - stop
        sides = [f"‹ {first} more" if first else "", f"{after} more ›" if after else ""]
        label = shortened(" ".join(filter(None, sides)), self._label_width) if line == 0 else ""
        heads = {place: self._columns[place].head[line] for place in range(first, stop)}
        return self._strip((Piece(label, "dim"),), heads, right=False)

    def _line_strip(self, line: SideLine, first: int, stop: int) -> Strip:
        return self._strip(line.label, {place: line.cells[place] for place in range(first, stop)}, right=line.right)

    def _strip(self, label: Pieces, cells: Mapping[int, Pieces], *, right: bool) -> Strip:
        segments = [Segment(" "), *self._segments(label, self._label_width, Style(), right=False), Segment(" " * _GAP)]
        under = Style(bgcolor=background_style(self, "side-by-side--cursor").bgcolor)
        for place, pieces in cells.items():
            style = under if place == self.cursor else Style()
            segments += self._segments(pieces, self._widths[place], style, right=right)
            segments.append(Segment(" " * _GAP, style))
        return Strip(segments)

    def _segments(self, pieces: Pieces, width: int, under: Style, *, right: bool) -> list[Segment]:
        if not self._tones:
            self._tones = tone_styles(self.app.theme_variables)
        segments = [
            Segment(piece.text, under + (Style(color=piece.color) if piece.color else self._tones[piece.tone]))
            for piece in pieces
        ]
        padding = Segment(" " * (width - width_of(pieces)), under)
        return [padding, *segments] if right else [*segments, padding]
