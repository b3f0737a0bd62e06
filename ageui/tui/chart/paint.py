"""A sheet of curves as lines of styled text: plot, axes, grid, marks, reading cursor, legend and labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ageui.tui.chart import axes, captions
from ageui.tui.chart.captions import StyledText
from ageui.tui.chart.curves import Mark, Sheet

BRAILLE = 0x2800
Label = tuple[int, int, str, Style]

_GROUND, _GRID, _MARK, _CURSOR, _LAYERS = range(5)


@dataclass(frozen=True)
class Frame:
    """How the cells of a chart are shared out: rows of title, legend, plot and axis, columns of plot and labels."""

    title: int
    legend: int
    height: int
    axis: int
    left: int
    width: int
    right: int

    @classmethod
    def fit(cls, width: int, height: int, *, legend: int, label: int, end_label: int) -> "Frame":
        """Shares out width x height cells; `legend` rows and cells of y and end `label` are what they would like."""
        title = int(height >= 4)
        axis = 2 if height >= 6 else 0
        legend = min(legend, max(height // 8, 1)) if height >= 8 else 0
        left = label + 1 if width >= 24 else 0
        right = min(end_label + 1, width // 5) if end_label and width >= 60 else 0
        plot = (max(height - title - axis - legend, 1), max(width - left - right, 1))
        return cls(title, legend, plot[0], axis, left, plot[1], right)

    @property
    def above(self) -> int:
        """Rows above the plot."""
        return self.title + self.legend


@dataclass(frozen=True)
class Inks:
    """Styles of what is drawn; `layers` has one for each layer of the sheet, `column` is behind the reading cursor."""

    ground: Style
    title: Style
    axis: Style
    grid: Style
    mark: Style
    cursor: Style
    notice: Style
    column: Style
    layers: tuple[Style, ...]


@dataclass(frozen=True)
class Cursor:
    """The reading cursor: its cell column, and the cells of values read there with their character and layer."""

    column: int
    points: tuple[tuple[int, str, int], ...]


def plot(
    sheet: Sheet,
    inks: Inks,
    rows: Sequence[int],
    marks: Sequence[Mark],
    names: Sequence[Label],
    cursor: Cursor | None,
    message: str,
) -> list[Strip]:
    """The plot itself, H strips of W cells. `rows` get a grid line, and `message` stands in the middle."""
    empty = sheet.patterns == 0
    codes = np.where(empty, ord(" "), BRAILLE + sheet.patterns.astype(np.uint32)).astype("<u4")
    styles = np.where(empty, _GROUND, sheet.layers + _LAYERS).astype(np.int64)
    for row in rows:
        codes[row, empty[row]], styles[row, empty[row]] = ord("┈"), _GRID
    lines = [(column, _MARK) for mark in marks if (column := sheet.column_of(mark.x)) is not None]
    for column, ink in [*lines, *([(cursor.column, _CURSOR)] if cursor else [])]:
        codes[empty[:, column], column], styles[empty[:, column], column] = ord("│"), ink
    points = [(row, cursor.column, character, layer) for row, character, layer in cursor.points] if cursor else []
    for row, column, character, layer in (*sheet.glyphs, *points):
        codes[row, column], styles[row, column] = ord(character), layer + _LAYERS
    free = (codes == ord(" ")) | (codes == ord("┈"))
    labels = list(names)
    for row, column, text, _ in names:
        free[row, column : column + cell_len(text)] = False
    for mark in marks:
        labels += _mark_label(sheet, mark, free, inks)
    palette = [inks.ground, inks.grid, inks.mark, inks.cursor, *inks.layers]
    if cursor:
        styles[:, cursor.column] += len(palette)
    strips = _strips(codes, styles, [*palette, *(style + inks.column for style in palette)])
    if message:
        height, width = empty.shape
        text = captions.shortened(message, width)
        labels.append((height // 2, (width - cell_len(text)) // 2, text, inks.notice))
    for row, column, text, style in labels:
        strips[row] = _over(strips[row], column, text, style)
    return strips


def _mark_label(sheet: Sheet, mark: Mark, free: NDArray[np.bool_], inks: Inks) -> list[Label]:
    """The label of a mark where there is room for it, which is then no longer free."""
    column = sheet.column_of(mark.x)
    text = captions.shortened(mark.label, max(free.shape[1] // 3, 8))
    place = captions.beside(column, text, free) if column is not None and text else None
    if place is None:
        return []
    row, begin = place
    free[row, begin : begin + cell_len(text)] = False
    return [(row, begin, text, inks.mark)]


def _strips(codes: NDArray[np.uint32], styles: NDArray[np.int64], palette: Sequence[Style]) -> list[Strip]:
    """Cells as runs of one style. A blank takes the style of what is left of it, which cannot be seen."""
    height, width = codes.shape
    solid = (codes != ord(" ")) | (styles >= len(palette) // 2)
    source = np.maximum.accumulate(np.where(solid, np.arange(width), 0), axis=1)
    shown = np.take_along_axis(styles, source, axis=1)
    shown[(source == 0) & ~solid[:, :1]] = _GROUND
    after_cursor = (shown >= len(palette) // 2) & ~solid
    shown[after_cursor] = _GROUND
    strips = []
    for row in range(height):
        text = codes[row].tobytes().decode("utf-32-le")
        cuts = [0, *(np.flatnonzero(np.diff(shown[row])) + 1).tolist(), width]
        inks = shown[row, cuts[:-1]].tolist()
        segments = [
            Segment(text[begin:end], palette[ink]) for begin, end, ink in zip(cuts, cuts[1:], inks, strict=False)
        ]
        strips.append(Strip(segments, width))
    return strips


def _over(strip: Strip, column: int, text: str, style: Style) -> Strip:
    size = cell_len(text)
    return Strip.join([strip.crop(0, column), Strip([Segment(text, style)], size), strip.crop(column + size)])


def y_ticks(sheet: Sheet) -> dict[int, str]:
    """Labels of the y axis by cell row."""
    height = sheet.patterns.shape[0]
    most = max(height // 4 + 1, 2)
    ticks = (axes.log_ticks if sheet.log else axes.linear_ticks)(sheet.bottom, sheet.top, most)
    rows = ((sheet.row_of(tick), label) for tick, label in zip(ticks, axes.number_labels(ticks), strict=True))
    return {row: label for row, label in rows if row is not None}


def x_ticks(sheet: Sheet, seconds: bool) -> list[tuple[int, str]]:
    """Cell columns and labels of the x axis, from the left."""
    width = sheet.patterns.shape[1]
    most = max(width // 10 + 1, 2)
    place, label = (axes.seconds_ticks, axes.duration_labels) if seconds else (axes.linear_ticks, axes.number_labels)
    ticks = place(sheet.window.low, sheet.window.high, most)
    columns = ((sheet.column_of(tick), text) for tick, text in zip(ticks, label(ticks), strict=True))
    return [(column, text) for column, text in columns if column is not None]


def body(
    frame: Frame, inks: Inks, strips: Sequence[Strip], ticks: Mapping[int, str], ends: Mapping[int, StyledText]
) -> list[Strip]:
    """The strips of the plot between the labels of the y axis and those at the ends of the curves, by row."""
    lines = []
    for row, strip in enumerate(strips):
        label = captions.shortened(ticks.get(row, ""), max(frame.left - 1, 0)).rjust(frame.left - 1)
        tick = Segment(label + ("┤" if row in ticks else "│"), inks.axis)
        text, style = ends.get(row, ("", inks.ground))
        end = Segment(" " + captions.shortened(text, frame.right - 1), style)
        parts = [*([tick] if frame.left else []), *strip, *([end] if frame.right else [])]
        lines.append(Strip(parts).adjust_cell_length(frame.left + frame.width + frame.right, inks.ground))
    return lines


def x_axis(frame: Frame, inks: Inks, ticks: Sequence[tuple[int, str]], name: str) -> list[Strip]:
    """The line of the x axis and the labels below it, with its name at the right."""
    width = frame.left + frame.width + frame.right
    line = ["─"] * frame.width
    for column, _ in ticks:
        line[column] = "┴"
    corner = "└".rjust(frame.left) if frame.left else ""
    named = captions.shortened(name, max(frame.width // 3, frame.right - 1))
    beside = max(cell_len(named) + 1 - frame.right, 0)
    labels = captions.along(ticks, max(frame.width - beside, 0))
    below = [(" " * frame.left + labels, inks.axis)]
    below.append((" " * (width - frame.left - cell_len(labels) - cell_len(named)) + named, inks.title))
    return [
        captions.strip_of([(corner + "".join(line), inks.axis)], width, inks.ground),
        captions.strip_of(below, width, inks.ground),
    ]
