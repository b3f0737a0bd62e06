"""Series drawn over each other in one window: which pattern and which series each cell of the plot shows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len

from ageui.text.clean import clean
from ageui.tui.chart import axes, raster
from ageui.tui.chart.raster import DOTS_ACROSS, DOTS_DOWN, Floats
from ageui.tui.chart.smoothing import smoothed
from ageui.tui.chart.window import Window

LARGEST = 1e300
MARKERS = "●◆▲■▼◉◇△□▽○"
NAN, ABOVE, BELOW, AND_ON = "✗", "↑", "↓", "╌"
_MARKED_WIDTH = 40

Glyph = tuple[int, int, str, int]


@dataclass(frozen=True, eq=False)
class Series:
    """A curve: x and y, (N,) float64, of which y may be NaN or infinite. The arrays must not change once shown.

    `key` names it to the program, `label` to the reader. `color` is "#rrggbb". A faint series stays in the background.
    `marker` is one character, chosen by the chart where it is empty.
    """

    key: str
    label: str
    x: Floats
    y: Floats
    color: str
    faint: bool = False
    marker: str = ""


@dataclass(frozen=True)
class Mark:
    """A vertical line at x: where a stage begins, training was stopped or the best epoch was."""

    x: float
    label: str


@dataclass(frozen=True, eq=False)
class Layer:
    """A line to draw. `series` is the place of the series it belongs to; a raw line under a smoothed one is faint."""

    series: int
    x: Floats
    y: Floats
    faint: bool


@dataclass(frozen=True, eq=False)
class Sheet:
    """The curves of a window, H x W cells.

    `patterns` (H, W) are braille patterns, 0 where nothing is; `layers` (H, W) say whose colour a cell has, -1 none.
    `glyphs` are characters over the patterns: row, column, character, layer. `ends` is row and column of a layer's last
    value. `bottom` and `top` are the ends of the y axis, log10 of them on a log scale. `hidden` and `lost` count
    values <= 0 that a log scale cannot show, and values that are not finite.
    """

    window: Window
    log: bool
    patterns: NDArray[np.uint8]
    layers: NDArray[np.int16]
    glyphs: tuple[Glyph, ...]
    ends: dict[int, tuple[int, int]]
    bottom: float
    top: float
    hidden: int
    lost: int

    def row_of(self, value: float) -> int | None:
        """The cell row of a value of y, if it is on the axis."""
        if not np.isfinite(value) or (self.log and value <= 0):
            return None
        shown = float(np.log10(value)) if self.log else value
        if not self.bottom <= shown <= self.top:
            return None
        return _cell_row(shown, self.bottom, self.top, self.patterns.shape[0])

    def column_of(self, x: float) -> int | None:
        """The cell column of an x, if it is in the window."""
        columns = self.patterns.shape[1] * DOTS_ACROSS
        if not self.window.low <= x <= self.window.high:
            return None
        return int(round((x - self.window.low) / self.window.width * (columns - 1)) // DOTS_ACROSS)

    def x_of(self, column: float) -> float:
        """The x at the middle of a cell column."""
        columns = self.patterns.shape[1] * DOTS_ACROSS
        return float(self.window.low + (column * DOTS_ACROSS + 0.5) / max(columns - 1, 1) * self.window.width)


def checked(series: Series) -> Series:
    """The series as it is drawn: x finite and ascending, points in the order of x. Raises ValueError on odd shapes."""
    x, y = np.asarray(series.x, dtype=np.float64), np.asarray(series.y, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"series {series.key}: x {x.shape} and y {y.shape} must be one-dimensional and equally long")
    if not np.isfinite(x).all():
        x, y = x[np.isfinite(x)], y[np.isfinite(x)]
    if np.any(x[1:] < x[:-1]):
        order = np.argsort(x, kind="stable")
        x, y = x[order], y[order]
    return Series(series.key, series.label, np.clip(x, -LARGEST, LARGEST), y, series.color, series.faint, series.marker)


def markers_of(series: Sequence[Series]) -> list[str]:
    """A character of one cell for each series: its own, or one that no other has as long as there are such."""
    own = [mark if cell_len(mark := clean(one.marker)[:1]) == 1 and mark.strip() else "" for one in series]
    free = [mark for mark in MARKERS if mark not in own] or list(MARKERS)
    given = iter(range(len(own)))
    return [mark or free[next(given) % len(free)] for mark in own]


def layers_of(series: Sequence[Series], smoothing: float) -> list[Layer]:
    """Lines from the back to the front: faint ones first, then the strong ones in the order of the series.

    With smoothing, a strong series is its smoothed line above its raw one; a faint series is its smoothed line only.
    """
    faint: list[Layer] = []
    strong: list[Layer] = []
    for place, one in enumerate(series):
        line = Layer(place, one.x, smoothed(one.y, smoothing) if smoothing else one.y, one.faint)
        if smoothing and not one.faint:
            faint.append(Layer(place, one.x, one.y, faint=True))
        (faint if one.faint else strong).append(line)
    return faint + strong


def bounds_of(series: Sequence[Series]) -> Window | None:
    """The range of x of all points, widened where it is a single value."""
    held = [one.x for one in series if one.x.size]
    if not held:
        return None
    return Window(*axes.padded(min(float(x[0]) for x in held), max(float(x[-1]) for x in held)))


def draw(
    layers: Sequence[Layer], markers: Sequence[str], window: Window, *, log: bool, width: int, height: int
) -> Sheet:
    """Draws layers, back to front, into height x width cells; `markers` has one character per series.

    A strong line clears the dots of faint ones from its cells, so that it stays thin above noise. Strong lines in one
    cell keep the dots of all, in the colour of the last.
    """
    columns, rows = width * DOTS_ACROSS, height * DOTS_DOWN
    traces = [raster.trace(layer.x, layer.y, (window.low, window.high), columns, log=log) for layer in layers]
    extents = [extent for one in traces if (extent := one.extent())]
    lowest, highest = min((low for low, _ in extents), default=0.0), max((high for _, high in extents), default=1.0)
    bottom, top = axes.padded(lowest, highest)
    patterns = np.zeros((height, width), np.uint8)
    owners = np.full((height, width), -1, np.int16)
    strong_from = next((place for place, layer in enumerate(layers) if not layer.faint), len(layers))

    def row_of(value: float) -> int:
        return _cell_row(value, bottom, top, height)

    for place, one in enumerate(traces):
        cells = raster.braille(raster.rasterise(one, bottom, top, columns, rows))
        touched = cells > 0
        if place >= strong_from:
            patterns[touched & (owners < strong_from)] = 0
        patterns |= cells
        owners[touched] = place
    return Sheet(
        window=window,
        log=log,
        patterns=patterns,
        layers=owners,
        glyphs=(*_markers(layers, traces, markers, row_of, width), *_lost(layers, traces, height)),
        ends={place: (row_of(one.end[1]), one.end[0] // DOTS_ACROSS) for place, one in enumerate(traces) if one.end},
        bottom=bottom,
        top=top,
        hidden=sum(traces[place].hidden for place in _raw(layers)),
        lost=sum(traces[place].lost for place in _raw(layers)),
    )


def _cell_row(shown: float, bottom: float, top: float, height: int) -> int:
    return round(float(raster.heights(np.array([shown]), bottom, top, height * DOTS_DOWN)[0])) // DOTS_DOWN


def _raw(layers: Sequence[Layer]) -> list[int]:
    """The first layer of each series: where it has two, that is its raw line."""
    first: dict[int, int] = {}
    for place, layer in enumerate(layers):
        first.setdefault(layer.series, place)
    return list(first.values())


def last_layers(layers: Sequence[Layer]) -> dict[int, int]:
    """Of each series, its layer that lies highest."""
    return {layer.series: place for place, layer in enumerate(layers)}


def _markers(
    layers: Sequence[Layer],
    traces: Sequence[raster.Trace],
    markers: Sequence[str],
    place_of: Callable[[float], int],
    width: int,
) -> Iterator[Glyph]:
    """A marker at the last value of each series; where there are several strong ones, a few along each of them too."""
    shown = last_layers(layers).values()
    strong = [place for place in shown if not layers[place].faint]
    period = max(width // 3, _MARKED_WIDTH // 2)
    for nth, place in enumerate(strong if len(strong) > 1 and width >= _MARKED_WIDTH else ()):
        for column in range(round(period * (nth + 0.5) / len(strong)), width, period):
            value = traces[place].at(column * DOTS_ACROSS)
            if value is not None:
                yield place_of(value), column, markers[layers[place].series], place
    for place in sorted(shown):
        end = traces[place].end
        if end is not None:
            yield place_of(end[1]), end[0] // DOTS_ACROSS, markers[layers[place].series], place


def _lost(layers: Sequence[Layer], traces: Sequence[raster.Trace], height: int) -> Iterator[Glyph]:
    """Signs at the edge of the plot where values are not finite: one where they begin, a dashed line as they go on."""
    shown = last_layers(layers)
    for place in _raw(layers):
        one = traces[place]
        for columns, row, sign in ((one.below, height - 1, BELOW), (one.above, 0, ABOVE), (one.nan, 0, NAN)):
            before = -2
            for column in np.unique(columns // DOTS_ACROSS).tolist():
                yield row, column, AND_ON if column == before + 1 else sign, shown[layers[place].series]
                before = column
