"""Draws points by two values as strips: marked and named points, clouds of dots, lines, and titled axes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from ageui.present.terminal import shortened
from ageui.text.clean import clean
from ageui.tui.chart import raster
from ageui.tui.chart.plot_strips import ChartAreas, ChartStyles, with_side_labels, x_axis
from ageui.tui.chart.raster import DOTS_ACROSS, DOTS_DOWN, Dots, Floats
from ageui.tui.chart.scatter_axis import Scale, ScatterAxis
from ageui.tui.chart.scatter_canvas import ScatterCanvas
from ageui.tui.chart.text_layout import strip_of

_SHORTEST_LABEL = 8


@dataclass(frozen=True)
class ScatterPoint:
    """A point: a marker of one cell, and a label, which is left out where it would cover another."""

    x: float
    y: float
    label: str = ""
    marker: str = "●"
    style: Style = field(default_factory=Style)


@dataclass(frozen=True, eq=False)
class DotCloud:
    """Many points, x and y float64 of shape (N,), each a dot of a braille character."""

    x: Floats
    y: Floats
    style: Style


@dataclass(frozen=True, eq=False)
class ScatterLine:
    """A line through points, x and y float64 of shape (N,), with x ascending."""

    x: Floats
    y: Floats
    style: Style


@dataclass(frozen=True, eq=False)
class ScatterPlot:
    """The contents of a plot. Points that come first keep marker and label where room is short.

    `diagonal` is the style of the line y = x. Values that an axis cannot show are left out; `nothing` stands in a plot
    without points. `remark` stands at the right of the first line if there is room.
    """

    x: ScatterAxis
    y: ScatterAxis
    points: Sequence[ScatterPoint] = ()
    clouds: Sequence[DotCloud] = ()
    lines: Sequence[ScatterLine] = ()
    diagonal: Style | None = None
    nothing: str = "no points yet"
    remark: str = ""


def scatter_strips(plot: ScatterPlot, width: int, height: int, styles: ChartStyles) -> list[Strip]:
    """The plot as `height` strips of `width` cells, with axes from 16 x 6 cells on.

    The first line names the y axis, the last one the x axis; without room for the last, the first one names both.
    `styles.grid` and `styles.notice` are those of grid lines and of `nothing`.
    """
    across, down = _scales(plot)
    if width < 16 or height < 6:
        return _drawn(plot, width, height, across, down, styles).strips()
    is_named_below = height >= 12
    rows = height - 3 - is_named_below
    y_ticks = down.ticks_down(rows) if down else {}
    left = min(max(map(cell_len, y_ticks.values()), default=0), width // 3) + 1
    areas = ChartAreas(title=1, legend=0, height=rows, axis=2, left=left, width=width - left, right=0)
    x_ticks = across.ticks_across(areas.width) if across else []
    above = shortened(plot.y.full_title if is_named_below else clean(f"{plot.y.title} by {plot.x.title}"), width)
    below = shortened(plot.x.full_title, width)
    below = " " * (width - cell_len(below)) + below
    remark = clean(plot.remark)
    gap = width - cell_len(above) - cell_len(remark)
    remarked = [(" " * gap + remark, styles.axis)] if gap >= 2 else []
    return [
        strip_of([(above, styles.title), *remarked], width, styles.ground),
        *with_side_labels(areas, styles, _drawn(plot, areas.width, rows, across, down, styles).strips(), y_ticks, {}),
        *x_axis(areas, styles, x_ticks, ""),
        *([strip_of([(below, styles.title)], width, styles.ground)] if is_named_below else []),
    ]


def _scales(plot: ScatterPlot) -> tuple[Scale | None, Scale | None]:
    """The scales around all points that both axes can show."""
    pairs = [(np.array([point.x]), np.array([point.y])) for point in plot.points]
    pairs += [(cloud.x, cloud.y) for cloud in plot.clouds]
    x = plot.x.heights(np.concatenate([np.empty(0), *(x for x, _ in pairs)]))
    y = plot.y.heights(np.concatenate([np.empty(0), *(y for _, y in pairs)]))
    is_shown = np.isfinite(x) & np.isfinite(y)
    return Scale.around(plot.x, x[is_shown]), Scale.around(plot.y, y[is_shown])


def _drawn(
    plot: ScatterPlot, width: int, height: int, across: Scale | None, down: Scale | None, styles: ChartStyles
) -> ScatterCanvas:
    canvas = ScatterCanvas(width, height, styles.ground)
    if across is None or down is None:
        canvas.message(clean(plot.nothing), styles.notice)
        return canvas
    for row in down.ticks_down(height):
        canvas.grid_line(row, styles.grid)
    if plot.diagonal is not None:
        heights = np.linspace(across.low, across.high, width * DOTS_ACROSS)
        values = 10**heights if plot.x.log else heights
        canvas.dots(_line(across, down, heights, plot.y.heights(values), width, height), plot.diagonal)
    for cloud in plot.clouds:
        canvas.dots(_cloud(cloud, across, down, width, height), cloud.style)
    for line in plot.lines:
        x, y = plot.x.heights(line.x), plot.y.heights(line.y)
        canvas.dots(_line(across, down, x, y, width, height), line.style)
    _put_points(plot.points, canvas, across, down)
    return canvas


def _line(across: Scale, down: Scale, x: Floats, y: Floats, width: int, height: int) -> Dots:
    """The dots of a line through heights, as far as it lies inside the plot."""
    columns = width * DOTS_ACROSS
    is_known = np.isfinite(x) & np.isfinite(y)
    if not is_known.any():
        return np.zeros((height * DOTS_DOWN, columns), np.bool_)
    at = np.linspace(across.low, across.high, columns)
    shares = down.shares(np.interp(at, x[is_known], y[is_known], left=np.nan, right=np.nan))
    traced = raster.trace(np.arange(columns, dtype=np.float64), shares, (0, columns - 1), columns)
    return raster.rasterise(traced, 0.0, 1.0, columns, height * DOTS_DOWN)


def _cloud(cloud: DotCloud, across: Scale, down: Scale, width: int, height: int) -> Dots:
    dots = np.zeros((height * DOTS_DOWN, width * DOTS_ACROSS), np.bool_)
    x, y = across.axis.heights(cloud.x), down.axis.heights(cloud.y)
    is_inside = np.isfinite(across.shares(x)) & np.isfinite(down.shares(y))
    dots[down.rows(y[is_inside], height), across.columns(x[is_inside], width)] = True
    return dots


def _put_points(points: Sequence[ScatterPoint], canvas: ScatterCanvas, across: Scale, down: Scale) -> None:
    """Puts markers, then labels. Of points in one cell, the first one is shown, and its label counts the others."""
    x = across.axis.heights(np.array([point.x for point in points], dtype=np.float64))
    y = down.axis.heights(np.array([point.y for point in points], dtype=np.float64))
    cells: dict[tuple[int, int], list[ScatterPoint]] = {}
    for place in np.flatnonzero(np.isfinite(across.shares(x)) & np.isfinite(down.shares(y))).tolist():
        column = int(across.columns(x[place], canvas.width)) // DOTS_ACROSS
        row = int(down.rows(y[place], canvas.height)) // DOTS_DOWN
        cells.setdefault((row, column), []).append(points[place])
    for (row, column), (first, *_) in cells.items():
        canvas.put(row, column, first.marker, first.style)
    for (row, column), (first, *others) in cells.items():
        more = f" +{len(others)}" if others else ""
        label = clean(first.label)
        for longest in (canvas.width // 2, canvas.width // 4):
            text = shortened(label, max(longest, _SHORTEST_LABEL)) + more
            if not label or canvas.label(row, column, text, first.style):
                break
