"""The whole picture of a chart, line by line: what it says above, beside and below the plot, and at the cursor."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from ageui.tui.chart import axes, captions, curves, paint, reading
from ageui.tui.chart.captions import Item, StyledText
from ageui.tui.chart.curves import Layer, Mark, Series, Sheet
from ageui.tui.chart.paint import Cursor, Frame, Inks, Label

_VALUE, _BOTH_VALUES = 9, 18


@dataclass(frozen=True, eq=False)
class Picture:
    """What is to be seen besides the curves. `cursor` is the x that is read, `seconds` says that x is a time."""

    series: Sequence[Series]
    layers: Sequence[Layer]
    marks: Sequence[Mark]
    x_name: str
    y_name: str
    seconds: bool
    smoothing: float
    cursor: float | None

    def lines(self, sheet: Sheet, frame: Frame, inks: Inks) -> list[Strip]:
        """All lines of the chart, from the top."""
        rows = paint.y_ticks(sheet)
        inside, beside = self._ends(sheet, frame, inks)
        plot = paint.plot(sheet, inks, list(rows), self.marks, inside, self._cursor_on(sheet), self._why_empty(sheet))
        above = [self._head(sheet, frame, inks)] if frame.title else []
        above += self._legend(frame, inks)
        below = paint.x_axis(frame, inks, paint.x_ticks(sheet, self.seconds), self.x_name) if frame.axis else []
        return above + paint.body(frame, inks, plot, rows, beside) + below

    def _head(self, sheet: Sheet, frame: Frame, inks: Inks) -> Strip:
        """Name and modes at the left; at the right the x that is read and what cannot be seen."""
        width = frame.left + frame.width + frame.right
        told = [f"{sheet.hidden:,} {_values(sheet.hidden)} ≤ 0 not shown"] if sheet.hidden else []
        told += [f"{sheet.lost:,} {_values(sheet.lost)} not finite"] if sheet.lost else []
        notice = captions.shortened(" · ".join(told), width)
        x = f"{self.x_name} {self._x_label(self.cursor)}" if self.cursor is not None else ""
        x = captions.shortened(x, max(width - cell_len(notice) - 2, 0))
        room = width - cell_len(notice) - cell_len(x) - 2 * bool(notice) - 2 * bool(x)
        modes = [" · log"] if sheet.log else []
        modes += [f" · smoothed {self.smoothing:.2f} (raw)"] if self.smoothing else []
        name = captions.shortened(self.y_name, max(room - len("".join(modes)), min(room, cell_len(self.y_name), 8)))
        mode = captions.shortened("".join(modes), max(room - cell_len(name), 0))
        gap = max(room - cell_len(name) - cell_len(mode), 0)
        parts: list[StyledText] = [(name, inks.title), (mode, inks.axis), (" " * gap, inks.ground)]
        parts += [("  ", inks.ground), (x, inks.cursor)] if x else []
        parts += [("  ", inks.ground), (notice, inks.notice)] if notice else []
        return captions.strip_of(parts, width, inks.ground)

    def _x_label(self, x: float) -> str:
        if self.seconds:
            return axes.duration_label(x)
        return f"{round(x):,}" if abs(x) < 1e15 and x == round(x) else axes.number_label(x, 6)

    def legend_rows(self, width: int) -> int:
        """How many rows of a width the whole legend takes."""
        return len(captions.legend(self._items(None), len(self.series), width, self._value_width, Style.null()))

    @property
    def _value_width(self) -> int:
        return _BOTH_VALUES if self.smoothing else _VALUE

    def _items(self, inks: Inks | None) -> list[Item]:
        """The entries of the legend; without inks only as long as they will be."""
        lasts = curves.last_layers(self.layers)
        return [
            Item(
                one.marker,
                one.label,
                self._value(place, lasts) if inks else "",
                inks.layers[lasts[place]] if inks else Style.null(),
                self._weight(place),
            )
            for place, one in enumerate(self.series)
        ]

    def _legend(self, frame: Frame, inks: Inks) -> list[Strip]:
        """Marker, name and value of each series: the one at the cursor, or the last."""
        if not frame.legend:
            return []
        width = frame.left + frame.width + frame.right
        lines = captions.legend(self._items(inks), frame.legend, width, self._value_width, inks.axis)
        lines += [[] for _ in range(frame.legend - len(lines))]
        return [captions.strip_of(line, width, inks.ground) for line in lines]

    def _value(self, place: int, lasts: dict[int, int]) -> str:
        one = self.series[place]
        raw = reading.value_at(one.x, one.y, self.cursor)
        if raw is None:
            return "—"
        shown = reading.value_at(one.x, self.layers[lasts[place]].y, self.cursor)
        if not self.smoothing or shown is None:
            return axes.number_label(raw)
        return f"{axes.number_label(shown)} ({axes.number_label(raw, 3)})"

    def _weight(self, place: int) -> int:
        """What lies on top of another is worth more room."""
        return place + (0 if self.series[place].faint else len(self.series))

    def _ends(self, sheet: Sheet, frame: Frame, inks: Inks) -> tuple[list[Label], dict[int, StyledText]]:
        """Names next to the last values: in the plot where there is room, the others by row to the right of it."""
        if len(self.series) < 2:
            return [], {}
        lasts = curves.last_layers(self.layers)
        empty = sheet.patterns == 0
        inside: list[Label] = []
        wanted: dict[int, int] = {}
        for place, layer in sorted(lasts.items(), key=lambda pair: -self._weight(pair[0])):
            row, column = sheet.ends.get(layer, (-1, 0))
            name = captions.shortened(self.series[place].label, frame.width // 3)
            cells = empty[row, column + 1 : column + 2 + cell_len(name)]
            if row >= 0 and len(cells) == cell_len(name) + 1 and cells.all():
                inside.append((row, column + 2, name, inks.layers[layer]))
                cells[:] = False
            elif row >= 0 and frame.right:
                wanted[place] = row
        rows = captions.spread(wanted, {place: self._weight(place) for place in wanted}, frame.height)
        names = {place: f"{self.series[place].marker} {self.series[place].label}" for place in rows}
        return inside, {row: (names[place], inks.layers[lasts[place]]) for place, row in rows.items()}

    def _cursor_on(self, sheet: Sheet) -> Cursor | None:
        column = sheet.column_of(self.cursor) if self.cursor is not None else None
        if column is None:
            return None
        points = []
        for place, layer in sorted(curves.last_layers(self.layers).items(), key=lambda pair: pair[1]):
            held = self.layers[layer]
            value = reading.value_at(held.x, held.y, self.cursor)
            row = sheet.row_of(value) if value is not None else None
            if row is not None:
                points.append((row, self.series[place].marker, layer))
        return Cursor(column, tuple(points))

    def _why_empty(self, sheet: Sheet) -> str:
        if sheet.patterns.any():
            return ""
        if not any(one.x.size for one in self.series):
            return "no points yet"
        if sheet.hidden:
            return "no values > 0 to show on a log scale"
        return "no finite values" if sheet.lost else "no points here"


def _values(count: int) -> str:
    return "value" if count == 1 else "values"
