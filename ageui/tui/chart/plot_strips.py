"""Renders a drawn plot and its axes as strips of styled text: curves, grid, vertical lines, cursor and labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ageui.present.terminal import shortened
from ageui.tui.chart import axis_ticks
from ageui.tui.chart.drawn_plot import DrawnPlot
from ageui.tui.chart.series import VerticalLine
from ageui.tui.chart.text_layout import StyledText, labelled, room_beside, strip_of, tick_label_line

PlacedText = tuple[int, int, str, Style]
"""Row, column, text and its style."""

_BRAILLE = 0x2800
_GROUND, _GRID, _VERTICAL_LINE, _CURSOR, _LAYERS = range(5)


@dataclass(frozen=True)
class ChartAreas:
    """How the cells of a chart are divided: rows of title, legend, plot and x axis; columns of labels and plot."""

    title: int
    legend: int
    height: int
    axis: int
    left: int
    width: int
    right: int

    @classmethod
    def fit(cls, width: int, height: int, *, legend: int, label: int, end_label: int) -> "ChartAreas":
        """Divides width x height cells, as far as possible with the given rows of legend and cells of side labels."""
        title = int(height >= 4)
        axis = 2 if height >= 6 else 0
        legend = min(legend, max(height // 8, 1)) if height >= 8 else 0
        left = label + 1 if width >= 24 else 0
        right = min(end_label + 1, width // 5) if end_label and width >= 60 else 0
        plot = (max(height - title - axis - legend, 1), max(width - left - right, 1))
        return cls(title, legend, plot[0], axis, left, plot[1], right)

    @property
    def full_width(self) -> int:
        return self.left + self.width + self.right


@dataclass(frozen=True)
class ChartStyles:
    """The styles of a chart's parts; `layers` has one per layer, `cursor_column` is the cursor's background."""

    ground: Style
    title: Style
    axis: Style
    grid: Style
    vertical_line: Style
    cursor: Style
    notice: Style
    cursor_column: Style
    layers: tuple[Style, ...]


@dataclass(frozen=True)
class ReadingCursor:
    """The column of the cursor, and the row, marker and layer of each value that it reads."""

    column: int
    points: tuple[tuple[int, str, int], ...]


def plot_strips(
    plot: DrawnPlot,
    styles: ChartStyles,
    grid_rows: Sequence[int],
    vertical_lines: Sequence[VerticalLine],
    names: Sequence[PlacedText],
    cursor: ReadingCursor | None,
    message: str,
) -> list[Strip]:
    """The plot without axes, H strips of W cells, with `message` in the middle."""
    empty = plot.patterns == 0
    codes = np.where(empty, ord(" "), _BRAILLE + plot.patterns.astype(np.uint32)).astype("<u4")
    shown = np.where(empty, _GROUND, plot.layers + _LAYERS).astype(np.int64)
    for row in grid_rows:
        codes[row, empty[row]], shown[row, empty[row]] = ord("┈"), _GRID
    lines = [(column, _VERTICAL_LINE) for line in vertical_lines if (column := plot.column_of(line.x)) is not None]
    for column, style in [*lines, *([(cursor.column, _CURSOR)] if cursor else [])]:
        codes[empty[:, column], column], shown[empty[:, column], column] = ord("│"), style
    points = [(row, cursor.column, character, layer) for row, character, layer in cursor.points] if cursor else []
    for row, column, character, layer in (*plot.glyphs, *points):
        codes[row, column], shown[row, column] = ord(character), layer + _LAYERS
    free = (codes == ord(" ")) | (codes == ord("┈"))
    labels = list(names)
    for row, column, text, _ in names:
        free[row, column : column + cell_len(text)] = False
    for line in vertical_lines:
        labels += _line_label(plot, line, free, styles)
    palette = [styles.ground, styles.grid, styles.vertical_line, styles.cursor, *styles.layers]
    if cursor:
        shown[:, cursor.column] += len(palette)
    strips = _strips(codes, shown, [*palette, *(style + styles.cursor_column for style in palette)])
    if message:
        height, width = empty.shape
        text = shortened(message, width)
        labels.append((height // 2, (width - cell_len(text)) // 2, text, styles.notice))
    for row, column, text, label_style in labels:
        strips[row] = _over(strips[row], column, text, label_style)
    return strips


def _line_label(plot: DrawnPlot, line: VerticalLine, free: NDArray[np.bool_], styles: ChartStyles) -> list[PlacedText]:
    """The label of a vertical line if it fits; clears its cells in `free`."""
    column = plot.column_of(line.x)
    text = line.label if cell_len(line.label) <= free.shape[1] // 2 else ""
    place = room_beside(column, text, free) if column is not None and text else None
    if place is None:
        return []
    row, begin = place
    free[row, begin : begin + cell_len(text)] = False
    return [(row, begin, text, styles.vertical_line)]


def _strips(codes: NDArray[np.uint32], shown: NDArray[np.int64], palette: Sequence[Style]) -> list[Strip]:
    """Joins cells of one style into segments. A blank takes the invisible style of the cell to its left.

    The second half of the `palette` has the styles of the cursor's column.
    """
    height, width = codes.shape
    solid = (codes != ord(" ")) | (shown >= len(palette) // 2)
    source = np.maximum.accumulate(np.where(solid, np.arange(width), 0), axis=1)
    filled = np.take_along_axis(shown, source, axis=1)
    filled[(source == 0) & ~solid[:, :1]] = _GROUND
    filled[(filled >= len(palette) // 2) & ~solid] = _GROUND
    strips = []
    for row in range(height):
        text = codes[row].tobytes().decode("utf-32-le")
        cuts = [0, *(np.flatnonzero(np.diff(filled[row])) + 1).tolist(), width]
        places = filled[row, cuts[:-1]].tolist()
        segments = [
            Segment(text[begin:end], palette[place]) for begin, end, place in zip(cuts, cuts[1:], places, strict=False)
        ]
        strips.append(Strip(segments, width))
    return strips


def _over(strip: Strip, column: int, text: str, style: Style) -> Strip:
    size = cell_len(text)
    return Strip.join([strip.crop(0, column), Strip([Segment(text, style)], size), strip.crop(column + size)])


def y_ticks(plot: DrawnPlot) -> dict[int, str]:
    """The labels of the y axis by cell row."""
    height = plot.patterns.shape[0]
    most = max(height // 4 + 1, 2)
    ticks = (axis_ticks.log_ticks if plot.log else axis_ticks.linear_ticks)(plot.bottom, plot.top, most)
    rows = ((plot.row_of(tick), label) for tick, label in zip(ticks, axis_ticks.number_labels(ticks), strict=True))
    return {row: label for row, label in rows if row is not None}


def x_ticks(plot: DrawnPlot, *, seconds: bool, whole: bool) -> list[tuple[int, str]]:
    """The cell columns and labels of the x axis, from the left; those of whole numbers only if all x are `whole`."""
    width = plot.patterns.shape[1]
    most = max(width // 10 + 1, 2)
    place, label = (
        (axis_ticks.seconds_ticks, axis_ticks.duration_labels)
        if seconds
        else (axis_ticks.linear_ticks, axis_ticks.number_labels)
    )
    ticks = place(plot.x_range.low, plot.x_range.high, most)
    if whole and not seconds:
        ticks = [tick for tick in ticks if tick == round(tick)]
    columns = ((plot.column_of(tick), text) for tick, text in zip(ticks, label(ticks), strict=True))
    return [(column, text) for column, text in columns if column is not None]


def with_side_labels(
    areas: ChartAreas,
    styles: ChartStyles,
    strips: Sequence[Strip],
    ticks: Mapping[int, str],
    ends: Mapping[int, StyledText],
) -> list[Strip]:
    """Puts the y axis to the left of the plot's strips, and the labels of curve ends, by row, to their right."""
    lines = []
    for row, strip in enumerate(strips):
        label = shortened(ticks.get(row, ""), max(areas.left - 1, 0)).rjust(areas.left - 1)
        tick = Segment(label + ("┤" if row in ticks else "│"), styles.axis)
        text, style = ends.get(row, ("", styles.ground))
        end = Segment(" " + shortened(text, areas.right - 1), style)
        parts = [*([tick] if areas.left else []), *strip, *([end] if areas.right else [])]
        lines.append(Strip(parts).adjust_cell_length(areas.full_width, styles.ground))
    return lines


def x_axis(areas: ChartAreas, styles: ChartStyles, ticks: Sequence[tuple[int, str]], name: str) -> list[Strip]:
    """The line of the x axis, and below it the axis name, beside the tick labels.

    The name is at the left of the labels, or at their right if it is too long. Only labelled ticks are drawn.
    """
    width = areas.full_width
    at_left = cell_len(name) < areas.left
    named = name if at_left else shortened(name, max(areas.width // 3, areas.right - 1))
    beside = 0 if at_left else max(cell_len(named) + 2 - areas.right, 0)
    room = max(areas.width - beside, 0)
    labels = tick_label_line(ticks, room)
    line = ["─"] * areas.width
    for column in labelled(ticks, room):
        line[column] = "┴"
    corner = "└".rjust(areas.left) if areas.left else ""
    below = [((f"{named} " if at_left else "").rjust(areas.left), styles.title), (labels, styles.axis)]
    if not at_left:
        gap = width - areas.left - cell_len(labels) - cell_len(named)
        below.append((" " * gap + named, styles.title))
    return [
        strip_of([(corner + "".join(line), styles.axis)], width, styles.ground),
        strip_of(below, width, styles.ground),
    ]
