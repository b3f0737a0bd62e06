"""A plot of compared rows: any figure or field by any other, with the Pareto front of both."""

from collections.abc import Sequence

import numpy as np
from rich.style import Style

from ageui.compare import Comparison
from ageui.compare.measures import Value, by_size, front_by, measure_title, measure_unit, values_of
from ageui.present.marks import FRONT
from ageui.tui.chart.scatter_axis import ScatterAxis
from ageui.tui.chart.scatter_plot import ScatterLine, ScatterPlot, ScatterPoint
from ageui.tui.compare.cells import PlottedRows

_WIDE_RANGE = 30.0


def plot_of(plotted: PlottedRows, x: str, y: str, line: Style) -> ScatterPlot:
    """A point per run and published row that has both values; constants are far from all runs.

    The row under the cursor stands out. Where room is short, it keeps its label; then those of the front do. `line` is
    the style of the front.
    """
    comparison, looks, cursor = plotted.comparison, plotted.looks, plotted.cursor
    rows = comparison.rows
    (across, xs), (up, ys) = (_axis(comparison, name) for name in (x, y))
    is_on_front = front_by(comparison, x, y)
    points: list[tuple[tuple[bool, bool, bool], ScatterPoint]] = []
    front: list[tuple[float, float]] = []
    for place, row in enumerate(rows):
        at, height = xs[place], ys[place]
        if at is None or height is None or not row.runs:
            continue
        style = Style(color=looks.color(row) or None, dim=row.is_apart, reverse=place == cursor)
        marker = FRONT if is_on_front[place] else looks.marker(row)
        first = (place != cursor, not is_on_front[place], row.kind != "run")
        points.append((first, ScatterPoint(at, height, row.label or row.name, marker, style)))
        if is_on_front[place]:
            front.append((at, height))
    points.sort(key=lambda pair: pair[0])
    front.sort()
    across_front, up_front = np.array(front, dtype=np.float64).reshape(-1, 2).T
    lines = [ScatterLine(across_front, up_front, line)] if len(front) > 1 else []
    return ScatterPlot(
        across,
        up,
        [point for _, point in points],
        lines=lines,
        nothing="no row has both values",
        remark=f"{FRONT} Pareto front" if lines else "",
    )


def _axis(comparison: Comparison, name: str) -> tuple[ScatterAxis, list[float | None]]:
    """The axis of a measure, and where the rows lie on it."""
    values = values_of(comparison, name)
    title, unit = measure_title(comparison, name), measure_unit(comparison, name)
    texts = sorted({value for value in values if isinstance(value, str)}, key=by_size)
    if texts:
        places = {text: float(place) for place, text in enumerate(texts)}
        return ScatterAxis(title, names=tuple(texts)), [
            places[value] if isinstance(value, str) else None for value in values
        ]
    numbers = [value if isinstance(value, float) else None for value in values]
    return ScatterAxis(title, unit.name if unit else "", log=not unit and _spans_decades(values)), numbers


def _spans_decades(values: Sequence[Value]) -> bool:
    known = [value for value in values if isinstance(value, float)]
    return bool(known) and min(known) > 0 and max(known) / min(known) >= _WIDE_RANGE
