"""Renders a whole chart as strips: title and legend, the plot with its labels, and the values at the cursor."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from ageui.present.terminal import shortened
from ageui.text.sentences import counted
from ageui.tui.chart import axis_ticks
from ageui.tui.chart.drawn_plot import CurveLayer, DrawnPlot, top_layers
from ageui.tui.chart.nearest_points import value_at
from ageui.tui.chart.plot_strips import (
    ChartAreas,
    ChartStyles,
    PlacedText,
    ReadingCursor,
    plot_strips,
    with_side_labels,
    x_axis,
    x_ticks,
    y_ticks,
)
from ageui.tui.chart.series import Series, VerticalLine
from ageui.tui.chart.text_layout import LegendEntry, StyledText, distinct_rows, legend_lines, strip_of

MARKED = "◎"
_VALUE, _BOTH_VALUES = 9, 18


@dataclass(frozen=True, eq=False)
class ChartRenderer:
    """The contents of a chart besides the drawn plot. `cursor` is an x; `seconds` marks x as a time."""

    series: Sequence[Series]
    layers: Sequence[CurveLayer]
    vertical_lines: Sequence[VerticalLine]
    x_name: str
    y_name: str
    seconds: bool
    smoothing: float
    cursor: float | None

    def strips(self, plot: DrawnPlot, areas: ChartAreas, styles: ChartStyles) -> list[Strip]:
        """All lines of the chart, from the top."""
        labels = y_ticks(plot)
        inside, beside = self._end_labels(plot, areas, styles)
        cursor, message = self._cursor_on(plot), self._why_empty(plot)
        marks = list(self._marks(plot, styles))
        body = plot_strips(plot, styles, list(labels), self.vertical_lines, [*marks, *inside], cursor, message)
        above = [self._title(plot, areas, styles)] if areas.title else []
        above += self._legend(areas, styles)
        below = x_axis(areas, styles, x_ticks(plot, seconds=self.seconds), self.x_name) if areas.axis else []
        return above + with_side_labels(areas, styles, body, labels, beside) + below

    def _title(self, plot: DrawnPlot, areas: ChartAreas, styles: ChartStyles) -> Strip:
        """The name and modes at the left; the x of the cursor and the number of values not shown at the right."""
        width = areas.full_width
        missing = [f"{counted(plot.hidden, 'value')} ≤ 0 not shown"] if plot.hidden else []
        missing += [f"{counted(plot.lost, 'value')} not finite"] if plot.lost else []
        notice = shortened(" · ".join(missing), width)
        x = f"{self.x_name} {self._x_label(self.cursor)}" if self.cursor is not None else ""
        x = shortened(x, max(width - cell_len(notice) - 2, 0))
        room = width - cell_len(notice) - cell_len(x) - 2 * bool(notice) - 2 * bool(x)
        modes = " · log" if plot.log else ""
        modes += f" · smoothed {self.smoothing:.2f} (raw)" if self.smoothing else ""
        name = shortened(self.y_name, max(room - len(modes), min(room, cell_len(self.y_name), 8)))
        modes = shortened(modes, max(room - cell_len(name), 0))
        gap = max(room - cell_len(name) - cell_len(modes), 0)
        parts: list[StyledText] = [(name, styles.title), (modes, styles.axis), (" " * gap, styles.ground)]
        parts += [("  ", styles.ground), (x, styles.cursor)] if x else []
        parts += [("  ", styles.ground), (notice, styles.notice)] if notice else []
        return strip_of(parts, width, styles.ground)

    def _x_label(self, x: float) -> str:
        if self.seconds:
            return axis_ticks.duration_label(x)
        return f"{round(x):,}" if abs(x) < 1e15 and x == round(x) else axis_ticks.number_label(x, 6)

    def legend_rows(self, width: int) -> int:
        """The number of rows that the whole legend needs."""
        return len(legend_lines(self._entries(None), len(self.series), width, self._value_width, Style.null()))

    @property
    def _value_width(self) -> int:
        marked = (cell_len(one.marked.text) for one in self.series if one.marked is not None)
        return max(_BOTH_VALUES if self.smoothing else _VALUE, *marked, 0)

    def _entries(self, styles: ChartStyles | None) -> list[LegendEntry]:
        """The entries of the legend; without styles, unstyled and without values, for measuring."""
        top = top_layers(self.layers)
        return [
            LegendEntry(
                one.marker,
                one.label,
                self._value(one, self.layers[top[place]]) if styles else "",
                styles.layers[top[place]] if styles else Style.null(),
                self._weight(place),
            )
            for place, one in enumerate(self.series)
        ]

    def _legend(self, areas: ChartAreas, styles: ChartStyles) -> list[Strip]:
        """The marker, name and value of each series: the value at the cursor, else the marked or the last one."""
        if not areas.legend:
            return []
        lines = legend_lines(self._entries(styles), areas.legend, areas.full_width, self._value_width, styles.axis)
        lines += [[] for _ in range(areas.legend - len(lines))]
        return [strip_of(line, areas.full_width, styles.ground) for line in lines]

    def _value(self, series: Series, top: CurveLayer) -> str:
        if series.marked is not None and series.marked.text and self.cursor is None:
            return series.marked.text
        raw = value_at(series.x, series.y, self.cursor)
        if raw is None:
            return "—"
        shown = value_at(series.x, top.y, self.cursor)
        if not self.smoothing or shown is None:
            return axis_ticks.number_label(raw)
        return f"{axis_ticks.number_label(shown)} ({axis_ticks.number_label(raw, 3)})"

    def _weight(self, place: int) -> int:
        """Larger for series that lie on top of others; their labels are kept longer."""
        return place + (0 if self.series[place].faint else len(self.series))

    def _end_labels(
        self, plot: DrawnPlot, areas: ChartAreas, styles: ChartStyles
    ) -> tuple[list[PlacedText], dict[int, StyledText]]:
        """Names beside the last values: inside the plot where they fit, else by row to the right of it."""
        if len(self.series) < 2:
            return [], {}
        top = top_layers(self.layers)
        empty = plot.patterns == 0
        inside: list[PlacedText] = []
        wanted: dict[int, int] = {}
        for place, layer in sorted(top.items(), key=lambda pair: -self._weight(pair[0])):
            row, column = plot.ends.get(layer, (-1, 0))
            name = shortened(self.series[place].label, areas.width // 3)
            cells = empty[row, column + 1 : column + 2 + cell_len(name)]
            if row >= 0 and len(cells) == cell_len(name) + 1 and cells.all():
                inside.append((row, column + 2, name, styles.layers[layer]))
                cells[:] = False
            elif row >= 0 and areas.right:
                wanted[place] = row
        rows = distinct_rows(wanted, {place: self._weight(place) for place in wanted}, areas.height)
        return inside, {
            row: (f"{self.series[place].marker} {self.series[place].label}", styles.layers[top[place]])
            for place, row in rows.items()
        }

    def _marks(self, plot: DrawnPlot, styles: ChartStyles) -> Iterator[PlacedText]:
        """The marked points in sight, on the lines as they are drawn."""
        for place, layer in top_layers(self.layers).items():
            marked, line = self.series[place].marked, self.layers[layer]
            value = value_at(line.x, line.y, marked.x) if marked is not None else None
            column = plot.column_of(marked.x) if marked is not None else None
            row = plot.row_of(value) if value is not None else None
            if row is not None and column is not None:
                yield row, column, MARKED, styles.layers[layer]

    def _cursor_on(self, plot: DrawnPlot) -> ReadingCursor | None:
        column = plot.column_of(self.cursor) if self.cursor is not None else None
        if column is None:
            return None
        points = []
        for place, layer in sorted(top_layers(self.layers).items(), key=lambda pair: pair[1]):
            line = self.layers[layer]
            value = value_at(line.x, line.y, self.cursor)
            row = plot.row_of(value) if value is not None else None
            if row is not None:
                points.append((row, self.series[place].marker, layer))
        return ReadingCursor(column, tuple(points))

    def _why_empty(self, plot: DrawnPlot) -> str:
        if plot.patterns.any():
            return ""
        if not any(one.x.size for one in self.series):
            return "no points yet"
        if plot.hidden:
            return "no values > 0 to show on a log scale"
        return "no finite values" if plot.lost else "no points here"
