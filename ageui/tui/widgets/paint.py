"""A sheet of curves as lines of styled text: plot, axes, grid, marks, reading cursor, legend and labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ageui.tui.widgets import axes, captions
from ageui.tui.widgets.captions import Part
from ageui.tui.widgets.curves import Mark, Sheet

BRAILLE = 0x2800
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
    def fit(cls, width: int, height: int, *, label: int, end_label: int) -> "Frame":
        """Shares out width x height cells. `label` and `end_label` are the cells that y and end labels would like."""
        title = int(height >= 4)
        axis = 2 if height >= 6 else 0
        legend = 0 if height < 8 else 1 if height < 18 else 2 if height < 30 else 3
        left = label + 1 if width >= 24 else 0
        right = min(end_label + 1, width // 5) if end_label and width >= 60 else 0
        return cls(
            title, legend, max(height - title - axis - legend, 1), axis, left, max(width - left - right, 1), right
        )

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
    sheet: Sheet, inks: Inks, rows: Sequence[int], marks: Sequence[Mark], cursor: Cursor | None, message: str
) -> list[Strip]:
    """The plot itself, H strips of W cells. `rows` get a grid line; `message` stands in the middle."""
    empty = sheet.patterns == 0
    codes = np.where(empty, ord(" "), BRAILLE + sheet.patterns.astype(np.uint32)).astype("<u4")
    styles = np.where(empty, _GROUND, sheet.layers + _LAYERS)
    for row in rows:
        codes[row, empty[row]], styles[row, empty[row]] = ord("┈"), _GRID
    free = empty.copy()
    labels: list[tuple[int, int, str]] = []
    columns = [(column, mark) for mark in marks if (column := sheet.column_of(mark.x)) is not None]
    for column, _ in columns:
        codes[empty[:, column], column], styles[empty[:, column], column] = ord("│"), _MARK
        free[:, column] = False
    for row, column, character, layer in sheet.glyphs:
        codes[row, column], styles[row, column] = ord(character), layer + _LAYERS
        free[row, column] = False
    if cursor:
        at = cursor.column
        codes[empty[:, at], at], styles[empty[:, at], at] = ord("│"), _CURSOR
        for row, character, layer in cursor.points:
            codes[row, at], styles[row, at] = ord(character), layer + _LAYERS
        free[:, at] = False
        styles[:, at] += _LAYERS + len(inks.layers)
    for column, mark in columns:
        text = captions.shortened(mark.label, max(sheet.patterns.shape[1] // 3, 8))
        place = captions.beside(column, text, free) if text else None
        if place:
            labels.append((*place, text))
            free[place[0], place[1] : place[1] + cell_len(text)] = False
    palette = [inks.ground, inks.grid, inks.mark, inks.cursor, *inks.layers]
    palette += [style + inks.column for style in palette]
    strips = _strips(codes, styles, palette)
    for row, column, text in labels:
        strips[row] = _over(strips[row], column, text, inks.mark)
    if message:
        height, width = empty.shape
        text = captions.shortened(message, width)
        strips[height // 2] = _over(strips[height // 2], (width - cell_len(text)) // 2, text, inks.notice)
    return strips


def _strips(codes: np.ndarray, styles: np.ndarray, palette: Sequence[Style]) -> list[Strip]:
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
    most = max(height // 4, 2)
    ticks = (axes.log_ticks if sheet.log else axes.linear_ticks)(sheet.bottom, sheet.top, most)
    rows = ((sheet.row_of(tick), label) for tick, label in zip(ticks, axes.number_labels(ticks), strict=True))
    return {row: label for row, label in rows if row is not None}


def x_ticks(sheet: Sheet, seconds: bool) -> list[tuple[int, str]]:
    """Cell columns and labels of the x axis, from the left."""
    width = sheet.patterns.shape[1]
    most = max(width // 12, 2)
    place, label = (axes.seconds_ticks, axes.duration_labels) if seconds else (axes.linear_ticks, axes.number_labels)
    ticks = place(sheet.window.low, sheet.window.high, most)
    columns = ((sheet.column_of(tick), text) for tick, text in zip(ticks, label(ticks), strict=True))
    return [(column, text) for column, text in columns if column is not None]


def body(
    frame: Frame, inks: Inks, strips: Sequence[Strip], ticks: Mapping[int, str], ends: Mapping[int, Part]
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
