"""Draws layers of curves over each other: the braille pattern and the layer that each cell of the plot shows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ageui.tui.chart import axis_ticks, raster
from ageui.tui.chart.raster import DOTS_ACROSS, DOTS_DOWN, Floats
from ageui.tui.chart.series import Series
from ageui.tui.chart.smoothing import smoothed
from ageui.tui.chart.x_range import XRange

_NAN, _ABOVE, _BELOW, _CONTINUED = "✗", "↑", "↓", "╌"
_MARKED_WIDTH = 40

Glyph = tuple[int, int, str, int]
"""A character over the patterns: row, column, character, layer."""


@dataclass(frozen=True, eq=False)
class CurveLayer:
    """A line to draw. `series` is the place of its series; the raw line under a smoothed one is faint."""

    series: int
    x: Floats
    y: Floats
    faint: bool


@dataclass(frozen=True, eq=False)
class DrawnPlot:
    """The curves of an x range, drawn into H x W cells.

    `patterns` (H, W) are braille patterns, 0 in empty cells. `layers` (H, W) is the layer whose colour a cell has, or
    -1. `ends` maps a layer to the row and column of its last value. `bottom` and `top` are the ends of the y axis; on a
    log scale, their log10. `hidden` counts values <= 0 on a log scale, `lost` values that are not finite.
    """

    x_range: XRange
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
        """The cell row of a value of y; None if it is off the axis."""
        if not np.isfinite(value) or (self.log and value <= 0):
            return None
        height = float(np.log10(value)) if self.log else value
        if not self.bottom <= height <= self.top:
            return None
        return _cell_row(height, self.bottom, self.top, self.patterns.shape[0])

    def column_of(self, x: float) -> int | None:
        """The cell column of an x; None if it is out of range."""
        columns = self.patterns.shape[1] * DOTS_ACROSS
        if not self.x_range.low <= x <= self.x_range.high:
            return None
        return int(round((x - self.x_range.low) / self.x_range.width * (columns - 1)) // DOTS_ACROSS)

    def x_of(self, column: float) -> float:
        """The x at the middle of a cell column."""
        columns = self.patterns.shape[1] * DOTS_ACROSS
        return float(self.x_range.low + (column * DOTS_ACROSS + 0.5) / max(columns - 1, 1) * self.x_range.width)


def layers_of(series: Sequence[Series], smoothing: float) -> list[CurveLayer]:
    """Lines from back to front: faint lines, then strong ones in the order of the series.

    With smoothing, a strong series is its smoothed line above its raw one; a faint series is its smoothed line only.
    """
    faint: list[CurveLayer] = []
    strong: list[CurveLayer] = []
    for place, one in enumerate(series):
        line = CurveLayer(place, one.x, smoothed(one.y, smoothing) if smoothing else one.y, one.faint)
        if smoothing and not one.faint:
            faint.append(CurveLayer(place, one.x, one.y, faint=True))
        (faint if one.faint else strong).append(line)
    return faint + strong


def top_layers(layers: Sequence[CurveLayer]) -> dict[int, int]:
    """The topmost layer of each series."""
    return {layer.series: place for place, layer in enumerate(layers)}


def draw_plot(
    layers: Sequence[CurveLayer], markers: Sequence[str], x_range: XRange, *, log: bool, width: int, height: int
) -> DrawnPlot:
    """Draws layers, back to front, into height x width cells; `markers` has one character per series.

    A strong line clears the dots of faint ones from its cells, so that it stays thin above noise. Strong lines that
    share a cell keep all their dots, in the colour of the last.
    """
    columns, rows = width * DOTS_ACROSS, height * DOTS_DOWN
    traces = [raster.trace(layer.x, layer.y, (x_range.low, x_range.high), columns, log=log) for layer in layers]
    extents = [extent for one in traces if (extent := one.extent())]
    lowest, highest = min((low for low, _ in extents), default=0.0), max((high for _, high in extents), default=1.0)
    bottom, top = axis_ticks.padded(lowest, highest)
    patterns = np.zeros((height, width), np.uint8)
    owners = np.full((height, width), -1, np.int16)
    strong_from = next((place for place, layer in enumerate(layers) if not layer.faint), len(layers))
    for place, one in enumerate(traces):
        cells = raster.braille(raster.rasterise(one, bottom, top, columns, rows))
        touched = cells > 0
        if place >= strong_from:
            patterns[touched & (owners < strong_from)] = 0
        patterns |= cells
        owners[touched] = place
    ends = {
        place: (_cell_row(one.end[1], bottom, top, height), one.end[0] // DOTS_ACROSS)
        for place, one in enumerate(traces)
        if one.end
    }
    along = [
        (_cell_row(value, bottom, top, height), column, place) for value, column, place in _along(layers, traces, width)
    ]
    at_ends = [(*ends[place], place) for place in sorted(top_layers(layers).values()) if place in ends]
    marked = [(row, column, markers[layers[place].series], place) for row, column, place in (*along, *at_ends)]
    bottom_traces = [traces[place] for place in _bottom_layers(layers).values()]
    return DrawnPlot(
        x_range=x_range,
        log=log,
        patterns=patterns,
        layers=owners,
        glyphs=(*marked, *_nonfinite_glyphs(layers, traces, height)),
        ends=ends,
        bottom=bottom,
        top=top,
        hidden=sum(one.hidden for one in bottom_traces),
        lost=sum(one.lost for one in bottom_traces),
    )


def _cell_row(height: float, bottom: float, top: float, rows: int) -> int:
    return round(float(raster.heights(np.array([height]), bottom, top, rows * DOTS_DOWN)[0])) // DOTS_DOWN


def _bottom_layers(layers: Sequence[CurveLayer]) -> dict[int, int]:
    """The lowest layer of each series, in the order of the layers: the raw line if a smoothed one lies above it."""
    first: dict[int, int] = {}
    for place, layer in enumerate(layers):
        first.setdefault(layer.series, place)
    return first


def _along(
    layers: Sequence[CurveLayer], traces: Sequence[raster.Trace], width: int
) -> Iterator[tuple[float, int, int]]:
    """Value, column and layer of the markers along curves; only several strong curves need them."""
    strong = [place for place in top_layers(layers).values() if not layers[place].faint]
    period = max(width // 3, _MARKED_WIDTH // 2)
    for nth, place in enumerate(strong if len(strong) > 1 and width >= _MARKED_WIDTH else ()):
        for column in range(round(period * (nth + 0.5) / len(strong)), width, period):
            value = traces[place].at(column * DOTS_ACROSS)
            if value is not None:
                yield value, column, place


def _nonfinite_glyphs(layers: Sequence[CurveLayer], traces: Sequence[raster.Trace], height: int) -> Iterator[Glyph]:
    """Glyphs at the plot's edge above values that are not finite: one at the first of them, then a dashed line."""
    top = top_layers(layers)
    for series, place in _bottom_layers(layers).items():
        one = traces[place]
        for columns, row, glyph in ((one.below, height - 1, _BELOW), (one.above, 0, _ABOVE), (one.nan, 0, _NAN)):
            before = -2
            for column in np.unique(columns // DOTS_ACROSS).tolist():
                yield row, column, _CONTINUED if column == before + 1 else glyph, top[series]
                before = column
