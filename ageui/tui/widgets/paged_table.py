"""A table of any length that holds only the rows around the visible part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
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
from ageui.tui.tones import tone_styles
from ageui.tui.widgets.background import background_style
from ageui.tui.widgets.table_rows import TableColumn, TableRow
from ageui.tui.widgets.table_strips import PREFIX, header_strip, row_strip


class PagedTable(ScrollView, can_focus=True):
    """A table with `total` rows. Its owner answers `PageWanted` with `put`.

    The first `fixed` columns do not scroll sideways. The cursor stays on its row when rows are inserted before it. Text
    that is too long for its column continues over blank cells at its right.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "paged-table--header", "paged-table--cursor", "paged-table--hover", "paged-table--selected",
        "paged-table--bar", "paged-table--heading",
    }  # fmt: skip
    DEFAULT_CSS = """
    PagedTable {
        height: 1fr;
        background: $surface;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
        & > .paged-table--header { background: $panel; color: $foreground; text-style: bold; }
        & > .paged-table--cursor { background: $primary 25%; }
        & > .paged-table--hover { background: $boost; }
        & > .paged-table--selected { background: $accent 15%; }
        & > .paged-table--bar { background: $secondary 22%; }
        & > .paged-table--heading { background: $boost; text-style: bold; }
        &:focus > .paged-table--cursor { background: $primary 35%; text-style: bold; }
    }
    """
    BINDING_GROUP_TITLE = "Table"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home", "first", "first", show=False),
        Binding("end", "last", "last", show=False),
        Binding("left", "scroll_columns(-1)", "left", show=False),
        Binding("right", "scroll_columns(1)", "right", show=False),
    ]

    cursor: reactive[int] = reactive(0)
    hovered: reactive[int] = reactive(-1)

    @dataclass
    class PageWanted(Message):
        """The table needs `count` rows, starting at place `first`."""

        first: int
        count: int

    @dataclass
    class CursorMoved(Message):
        key: int | None

    @dataclass
    class Opened(Message):
        """A row was double-clicked."""

        key: int

    @dataclass
    class SelectionChanged(Message):
        keys: frozenset[int]

    @dataclass
    class OrderWanted(Message):
        order: str

    def __init__(self, *, fixed: int = 1, id: str | None = None) -> None:
        super().__init__(id=id)
        self._fixed = fixed
        self._columns: tuple[TableColumn, ...] = ()
        self._widths: list[int] = []
        self._order = ""
        self._rows: dict[int, TableRow] = {}
        self._total = 0
        self._selected: frozenset[int] = frozenset()
        self._strips: dict[tuple[int, bool], Strip] = {}
        self._tones: Mapping[Tone, Style] = {}
        self._bar = Style()

    # Contents

    def show_columns(self, columns: Sequence[TableColumn], order: str = "", *, fixed: int | None = None) -> None:
        """Replaces the columns; `put` rows again afterwards. `order` begins with `-` if descending."""
        fixed = self._fixed if fixed is None else fixed
        if (tuple(columns), order, fixed) == (self._columns, self._order, self._fixed):
            return
        if tuple(columns) != self._columns:
            self._rows.clear()
        self._columns, self._order, self._fixed = tuple(columns), order, fixed
        # The title needs one more cell for the arrow of the order.
        self._set_widths(
            [column.width if column.is_fixed else min(column.width, cell_len(column.title) + 1) for column in columns]
        )

    def put(self, first: int, rows: Sequence[TableRow], total: int, *, keeps_row: bool = True) -> None:
        """Replaces all rows by `rows`, which start at place `first`. Redraws only changed lines.

        The cursor stays on its row if it `keeps_row`, else at its place.
        """
        before, key = self._rows, self.cursor_key
        self._rows = {first + place: row for place, row in enumerate(rows)}
        for place in {place for place, _ in self._strips} - self._rows.keys():
            self._forget_strips(place)
        self._widen(rows)
        if total != self._total:
            self._total = total
            self._resize()
        self._follow(key if keeps_row else None)
        for place in {*before, *self._rows}:
            if before.get(place) != self._rows.get(place):
                self._redraw_row(place)
        if self.cursor_key != key:
            self.post_message(self.CursorMoved(self.cursor_key))

    def _widen(self, rows: Sequence[TableRow]) -> None:
        """Widens columns to fit their cells. Columns never shrink, so that nothing moves unnecessarily."""
        needed = list(self._widths)
        growing = [place for place, column in enumerate(self._columns) if not column.is_fixed]
        for row in rows if growing else ():
            for place in growing:
                needed[place] = max(needed[place], cell_len(row.texts[place]))
        widths = [min(column.width, width) for column, width in zip(self._columns, needed, strict=True)]
        if widths != self._widths:
            self._set_widths(widths)

    def _set_widths(self, widths: list[int]) -> None:
        self._widths = widths
        self._strips.clear()
        self._resize()
        self.refresh()

    @property
    def window(self) -> tuple[int, int]:
        """First place and number of the rows to hold: the visible ones and half a screenful on either side."""
        height = max(2, self._body_height)
        first = max(0, int(self.scroll_offset.y) - height // 2)
        return first, 2 * height

    @property
    def columns(self) -> tuple[TableColumn, ...]:
        return self._columns

    @property
    def total(self) -> int:
        return self._total

    @property
    def cursor_key(self) -> int | None:
        row = self._rows.get(self.cursor)
        return row.key if row is not None else None

    @property
    def selected(self) -> frozenset[int]:
        return self._selected

    def text_of(self, key: int) -> tuple[str, ...]:
        """The texts of a row; empty if the table does not hold it."""
        found = next((row for row in self._rows.values() if row.key == key), None)
        return found.texts if found else ()

    def keys_in_view(self) -> list[int]:
        """The keys of the rows that the table holds, in order."""
        return [self._rows[place].key for place in sorted(self._rows)]

    def select(self, keys: frozenset[int]) -> None:
        changed = keys ^ self._selected
        self._selected = keys
        for place, row in self._rows.items():
            if not changed.isdisjoint(row.selects):
                self._redraw_row(place)
        self.refresh(Region(0, 0, self.size.width, 1))
        self.post_message(self.SelectionChanged(keys))

    def toggle_selected(self) -> None:
        """Toggles the selection of the row under the cursor, and moves to the next one."""
        if self._toggle_row():
            self.action_move(1)

    def _toggle_row(self) -> bool:
        row = self._rows.get(self.cursor)
        if row is None or not row.selects:
            return False
        members = frozenset(row.selects)
        self.select(self._selected - members if members <= self._selected else self._selected | members)
        return True

    def go_to(self, place: int) -> None:
        """Moves the cursor to a place whose row the table may not hold yet."""
        self._go_to(place)

    # Moving

    def action_move(self, by: int) -> None:
        self._go_to(self.cursor + by)

    def action_page(self, by: int) -> None:
        self._go_to(self.cursor + by * max(1, self._body_height - 1))

    def action_first(self) -> None:
        self._go_to(0)

    def action_last(self) -> None:
        self._go_to(self._total - 1)

    def action_scroll_columns(self, by: int) -> None:
        """Scrolls by one column, so that the first column after the fixed ones is shown from its start."""
        starts = [0]
        for width, column in list(zip(self._widths, self._columns, strict=True))[self._fixed :]:
            starts.append(starts[-1] + width + column.gap)
        at = int(self.scroll_offset.x)
        others = [x for x in starts if (x < at if by < 0 else x > at)]
        if others:
            self.scroll_to(x=others[-1 if by < 0 else 0], animate=False)

    def _go_to(self, place: int) -> None:
        self.cursor = min(max(0, place), max(0, self._total - 1))
        top, height = int(self.scroll_offset.y), max(1, self._body_height)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False)

    def _follow(self, key: int | None) -> None:
        """Keeps the cursor on its row, and the row in place on the screen."""
        is_found = key is None or self.cursor_key == key
        place = None if is_found else next((place for place, row in self._rows.items() if row.key == key), None)
        if place is None:
            self.cursor = min(self.cursor, max(0, self._total - 1))
            return
        moved = place - self.cursor
        self.cursor = place
        if self.scroll_offset.y > 0:
            self.scroll_to(y=self.scroll_offset.y + moved, animate=False)

    def watch_cursor(self, old: int, new: int) -> None:
        for place in (old, new):
            self._refresh_row(place)
        self.post_message(self.CursorMoved(self.cursor_key))

    def watch_hovered(self, old: int, new: int) -> None:
        for place in (old, new):
            self._refresh_row(place)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        first, count = int(new_value), self._body_height
        if any(place not in self._rows for place in range(first, min(first + count, self._total))):
            self.post_message(self.PageWanted(*self.window))

    # Mouse

    def on_mouse_move(self, event: events.MouseMove) -> None:
        place = event.y - 1 + int(self.scroll_offset.y)
        self.hovered = place if event.y > 0 and place < self._total else -1

    def on_leave(self) -> None:
        self.hovered = -1

    def on_click(self, event: events.Click) -> None:
        if event.y == 0:
            column = self._column_at(event.x)
            if column is not None and column.order is not None:
                self.post_message(self.OrderWanted(column.order))
            return
        place = event.y - 1 + int(self.scroll_offset.y)
        if place >= self._total:
            return
        self.cursor = place
        if event.ctrl or event.x < PREFIX:
            self._toggle_row()
        elif event.chain == 2 and (key := self.cursor_key) is not None:
            self.post_message(self.Opened(key))

    def _column_at(self, x: int) -> TableColumn | None:
        at = x - PREFIX if x < self._fixed_width else x - PREFIX + int(self.scroll_offset.x)
        for column, width in zip(self._columns, self._widths, strict=True):
            if at < width + column.gap:
                return column
            at -= width + column.gap
        return None

    # Drawing

    def on_resize(self) -> None:
        self._resize()
        self.post_message(self.PageWanted(*self.window))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()
        self._tones = {}

    def _resize(self) -> None:
        self.virtual_size = Size(self._width_of(len(self._widths)), self._total + 1)

    @property
    def _body_height(self) -> int:
        return self.scrollable_content_region.height - 1

    @property
    def _fixed_width(self) -> int:
        return self._width_of(self._fixed)

    def _width_of(self, count: int) -> int:
        """The width of the first columns, with what precedes them."""
        return PREFIX + sum(self._widths[:count]) + sum(column.gap for column in self._columns[:count])

    def _redraw_row(self, place: int) -> None:
        self._forget_strips(place)
        self._refresh_row(place)

    def _forget_strips(self, place: int) -> None:
        for is_selected in (False, True):
            self._strips.pop((place, is_selected), None)

    def _refresh_row(self, place: int) -> None:
        y = place + 1 - int(self.scroll_offset.y)
        if 0 < y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        width, scroll = self.size.width, int(self.scroll_offset.x)
        if y == 0:
            return self._windowed(self._header(), scroll, width, self.get_component_rich_style("paged-table--header"))
        place = y - 1 + int(self.scroll_offset.y)
        row = self._rows.get(place)
        if row is None:
            text = "  …" if place < self._total else ""
            return Strip([Segment(text.ljust(width), self.rich_style)], width)
        is_selected = bool(row.selects) and self._selected.issuperset(row.selects)
        strip = self._strips.get((place, is_selected))
        if strip is None:
            strip = self._strips[place, is_selected] = self._row_strip(row, is_selected)
        return self._windowed(strip, scroll, width, self._line_style(place, is_selected))

    def _line_style(self, place: int, is_selected: bool) -> Style:
        states = (
            ("heading", self._rows[place].is_heading),
            ("selected", is_selected),
            ("hover", place == self.hovered),
            ("cursor", place == self.cursor),
        )
        return background_style(self, *(f"paged-table--{state}" for state, holds in states if holds))

    def _windowed(self, strip: Strip, scroll: int, width: int, style: Style) -> Strip:
        """The visible part of a line: the fixed columns, then the others from the scroll offset on."""
        fixed = self._fixed_width
        if scroll:
            rest = strip.crop(fixed + scroll, fixed + scroll + max(0, width - fixed))
            strip = Strip.join([strip.crop(0, fixed), rest])
        return strip.adjust_cell_length(width).apply_style(style)

    def _header(self) -> Strip:
        return header_strip(self._columns, self._widths, self._order, has_selected=bool(self._selected))

    def _row_strip(self, row: TableRow, is_selected: bool) -> Strip:
        if not self._tones:
            self._tones = tone_styles(self.app.theme_variables)
            self._bar = Style(bgcolor=background_style(self, "paged-table--bar").bgcolor)
        return row_strip(row, self._columns, self._widths, self._tones, self._bar, is_selected=is_selected)
