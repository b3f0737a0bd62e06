"""A table of things to compare, as columns or as rows. Titles and names stay in view; the cursor selects one."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ageui.present.table import Tone
from ageui.present.terminal import shortened
from ageui.tui.tones import tone_styles
from ageui.tui.widgets.background import background_style
from ageui.tui.widgets.side_table import Piece, Pieces, SideTable, width_of

_GAP, _NARROW_GAP = 2, 1
_PLAIN = Style()
_MORE = "›"


class SideBySide(ScrollView, can_focus=True):
    """Shows a table given by `show`, which keeps the cursor on its thing and the scroll position."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"side-by-side--head", "side-by-side--cursor"}
    DEFAULT_CSS = """
    SideBySide {
        height: 1fr;
        background: $surface;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
        & > .side-by-side--head { background: $panel; color: $foreground; }
        & > .side-by-side--cursor { background: $primary 18%; }
        &:focus > .side-by-side--cursor { background: $primary 32%; }
    }
    """
    BINDING_GROUP_TITLE = "Table"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "across(-1)", "left", show=False, tooltip="To the column on the left"),
        Binding("right", "across(1)", "right", show=False, tooltip="To the column on the right"),
        Binding("up,k", "down(-1)", "up", show=False),
        Binding("down,j", "down(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home", "end_of_page(-1)", "top", show=False),
        Binding("end", "end_of_page(1)", "bottom", show=False),
    ]

    cursor: reactive[int] = reactive(0)

    @dataclass
    class CursorMoved(Message):
        key: str | None

    @dataclass
    class Opened(Message):
        """A thing was clicked twice."""

        key: str

    @dataclass
    class TitleClicked(Message):
        """The title of a property was clicked; an empty key is that of the names."""

        key: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._table = SideTable()
        self._widths: list[int] = []
        # The distance of each column after the fixed ones, and of the end of the last one, from the first, in cells.
        self._starts: list[int] = [0]
        self._label_width = 0
        # The line of each line on the screen, and whether it is the second one.
        self._rows: list[tuple[int, bool]] = []
        self._tones: Mapping[Tone, Style] = {}

    # Contents

    def show(self, table: SideTable) -> None:
        """Replaces all columns and lines; draws nothing if none changed."""
        if table == self._table:
            return
        key, is_turned = self.cursor_key, table.by_line != self._table.by_line
        self._table = table
        self._label_width = table.label_width or max((width_of(line.label) for line in table.lines), default=0)
        self._widths = [
            max(map(width_of, (*column.head, *(line.cells[place] for line in table.lines))), default=0)
            if column.width is None
            else column.width
            for place, column in enumerate(table.columns)
        ]
        self._starts = list(accumulate((width + self._gap for width in self._widths[table.fixed :]), initial=0))
        parts = (False, True) if table.shows_below else (False,)
        self._rows = [(place, is_second) for place in range(len(table.lines)) for is_second in parts]
        self.cursor = table.keys.index(key) if key in table.keys else min(self.cursor, max(0, len(table.keys) - 1))
        self.virtual_size = Size(self.natural_width, self.natural_height)
        if is_turned:
            self.scroll_to(0, 0, animate=False)
            self.call_after_refresh(self._reveal)
        self.refresh()
        if self.cursor_key != key:
            self.post_message(self.CursorMoved(self.cursor_key))

    @property
    def table(self) -> SideTable:
        return self._table

    @property
    def natural_width(self) -> int:
        """The cells that all columns need."""
        return self._fixed_width + self._starts[-1]

    @property
    def natural_height(self) -> int:
        """The lines that the whole table needs."""
        return self._head_height + len(self._rows) + self._foot_height

    @property
    def cursor_key(self) -> str | None:
        keys = self._table.keys
        return keys[self.cursor] if self.cursor < len(keys) else None

    def text(self) -> list[str]:
        """All lines, head first, with all columns."""
        every = range(len(self._table.columns))
        strips = [self._head_strip(line, every) for line in range(self._head_height)]
        strips += [self._line_strip(place, is_second, every) for place, is_second in self._rows]
        return [strip.text.rstrip() for strip in strips]

    # Moving

    def action_across(self, by: int) -> None:
        if not self._table.by_line:
            self.move_to(self.cursor + by)
            return
        first, stop = self._scrolling_in_view
        if by < 0 or stop < len(self._table.columns) - self._table.fixed:
            self.scroll_to(x=self._starts[max(0, first + by)], animate=False)

    def action_down(self, by: int) -> None:
        if self._table.by_line:
            self.move_to(self.cursor + by)
        else:
            self.scroll_to(y=self.scroll_offset.y + by, animate=False)

    def action_page(self, by: int) -> None:
        height = max(1, self._body_height - 1)
        self.action_down(by * (max(1, height // 2) if self._table.shows_below else height))

    def action_end_of_page(self, by: int) -> None:
        if self._table.by_line:
            self.move_to(0 if by < 0 else len(self._table.lines) - 1)
        else:
            self.scroll_to(y=0 if by < 0 else self.max_scroll_y, animate=False)

    def move_to(self, place: int) -> None:
        """Moves the cursor to the nearest existing thing, and scrolls it into view."""
        things = len(self._table.keys)
        if things:
            self.cursor = min(max(0, place), things - 1)
            self._reveal()

    def _reveal(self) -> None:
        if self._table.by_line:
            at = [row for row, (place, _) in enumerate(self._rows) if place == self.cursor]
            top, height = int(self.scroll_offset.y), max(1, self._body_height)
            if at and at[0] < top:
                self.scroll_to(y=at[0], animate=False)
            elif at and at[-1] >= top + height:
                self.scroll_to(y=at[-1] - height + 1, animate=False)
            return
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
        """The first visible scrolling column, and the column after the last. Only whole columns are visible, but at
        least one."""
        first, stop = self._scrolling_in_view
        return first + self._table.fixed, stop + self._table.fixed

    @property
    def _scrolling_in_view(self) -> tuple[int, int]:
        columns = len(self._starts) - 1
        first = bisect_left(self._starts, int(self.scroll_offset.x), hi=columns)
        first = first if first < columns else 0
        stop = first + 1
        while stop < columns and self._fit(first, stop + 1):
            stop += 1
        return first, min(stop, columns)

    def _fit(self, first: int, stop: int) -> bool:
        # The gap after the last column may be cut.
        return self._starts[stop] - self._starts[first] - self._gap < self.size.width - self._fixed_width

    def watch_cursor(self, old: int, new: int) -> None:
        if self._table.by_line:
            top = self._head_height - int(self.scroll_offset.y)
            lines = [top + row for row, (place, _) in enumerate(self._rows) if place in (old, new)]
            self.refresh(*(Region(0, y, self.size.width, 1) for y in (*lines, self.size.height - 1) if y > 0))
        else:
            self.refresh()
        if old != new:
            self.post_message(self.CursorMoved(self.cursor_key))

    def on_click(self, event: events.Click) -> None:
        table, by_line = self._table, self._table.by_line
        column = self._column_at(event.x)
        row = event.y - self._head_height + int(self.scroll_offset.y)
        line = self._rows[row][0] if event.y >= self._head_height and row < len(self._rows) else None
        title = None
        if by_line and line is None and event.y < self._head_height:
            title = "" if column is None else table.columns[column].key
        elif not by_line and column is None and event.x < self._left_width:
            title = "" if line is None else table.lines[line].key
        thing = line if by_line else column
        if title is not None:
            self.post_message(self.TitleClicked(title))
        elif thing is not None:
            self.move_to(thing)
            if event.chain == 2:
                self.post_message(self.Opened(table.keys[thing]))

    def _column_at(self, x: int) -> int | None:
        at = x - self._left_width
        for place in self._shown_columns if at >= 0 else ():
            at -= self._widths[place] + self._gap
            if at < 0:
                return place
        return None

    # Drawing

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._tones = {}

    @property
    def _gap(self) -> int:
        return _NARROW_GAP if self._table.by_line else _GAP

    @property
    def _head_height(self) -> int:
        return max((len(column.head) for column in self._table.columns), default=0)

    @property
    def _foot_height(self) -> int:
        return int(self._table.by_line and not self._table.shows_below)

    @property
    def _body_height(self) -> int:
        return self.size.height - self._head_height - self._foot_height

    @property
    def _left_width(self) -> int:
        return 1 + self._label_width + _GAP

    @property
    def _fixed_width(self) -> int:
        return self._left_width + sum(width + self._gap for width in self._widths[: self._table.fixed])

    @property
    def _shown_columns(self) -> list[int]:
        return [*range(self._table.fixed), *range(*self.columns_in_view)]

    def render_line(self, y: int) -> Strip:
        width, shown, lines = self.size.width, self._shown_columns, self._table.lines
        if y < self._head_height:
            strip, style = self._head_strip(y, shown), self.get_component_rich_style("side-by-side--head")
            hidden = len(self._table.columns) - len(shown)
            if self._table.by_line and y == 0 and hidden and self.columns_in_view[1] < len(self._table.columns):
                strip = Strip([*strip.adjust_cell_length(width - 1), Segment(_MORE)])
        elif self._foot_height and y == self.size.height - 1:
            style = self.get_component_rich_style("side-by-side--head")
            strip = self._line_strip(self.cursor, True, shown) if self.cursor < len(lines) else Strip.blank(0)
        else:
            row = y - self._head_height + int(self.scroll_offset.y)
            style = self.rich_style
            place, is_second = self._rows[row] if row < len(self._rows) else (len(lines), False)
            strip = self._line_strip(place, is_second, shown) if place < len(lines) else Strip.blank(0)
            if self._table.by_line and place == self.cursor and lines:
                style = background_style(self, "side-by-side--cursor")
        return Strip(list(Segment.apply_style(strip.adjust_cell_length(width), style)), width)

    def _head_strip(self, line: int, shown: Sequence[int]) -> Strip:
        """A line of the head. In its first label, columns count those out of view."""
        columns, label = self._table.columns, self._table.corner if line == 0 else ()
        if not self._table.by_line and line == 0:
            first, after = (shown[0], len(columns) - shown[-1] - 1) if shown else (0, 0)
            sides = [f"‹ {first} more" if first else "", f"{after} more {_MORE}" if after else ""]
            label = (Piece(shortened(" ".join(filter(None, sides)), self._label_width), "dim"),)
        return self._strip(label, [(place, columns[place].head[line], columns[place].is_right) for place in shown])

    def _line_strip(self, place: int, is_second: bool, shown: Sequence[int]) -> Strip:
        line, by_line = self._table.lines[place], self._table.by_line
        label, cells = (line.below_label, line.below) if is_second else (line.label, line.cells)
        if line.instead and not is_second:
            return Strip([*self._strip(label, []), *self._segments(line.instead, 0, _PLAIN, False)])
        rights = {column: self._table.columns[column].is_right if by_line else line.right for column in shown}
        return self._strip(label, [(column, cells[column], right) for column, right in rights.items() if cells])

    def _strip(self, label: Pieces, cells: Sequence[tuple[int, Pieces, bool]]) -> Strip:
        """The label and cells, each with its column and whether it is right-aligned."""
        segments = [Segment(" "), *self._segments(label, self._label_width, _PLAIN, False), Segment(" " * _GAP)]
        for place, pieces, is_right in cells:
            is_under_cursor = place == self.cursor and not self._table.by_line
            style = Style(bgcolor=background_style(self, "side-by-side--cursor").bgcolor) if is_under_cursor else _PLAIN
            segments += self._segments(pieces, self._widths[place], style, is_right)
            segments.append(Segment(" " * self._gap, style))
        return Strip(segments)

    def _segments(self, pieces: Pieces, width: int, under: Style, is_right: bool) -> list[Segment]:
        if not self._tones:
            self._tones = tone_styles(self.app.theme_variables)
        segments = [Segment(piece.text, under + self._style_of(piece)) for piece in pieces]
        padding = Segment(" " * (width - width_of(pieces)), under)
        return [padding, *segments] if is_right else [*segments, padding]

    def _style_of(self, piece: Piece) -> Style:
        style = Style(color=piece.color) if piece.color else self._tones[piece.tone]
        return style + Style(dim=True, bold=False) if piece.is_faint else style
