"""The series and vertical lines that a chart shows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from rich.cells import cell_len

from ageui.text.clean import clean
from ageui.tui.chart import axis_ticks
from ageui.tui.chart.raster import Floats
from ageui.tui.chart.x_range import XRange

_LARGEST = 1e300
_DEFAULT_MARKERS = "●■○□◉✚▣◐◧✱"


@dataclass(frozen=True)
class MarkedPoint:
    """A point of a curve to mark, at `x`. If it has a `text`, the legend gives that in place of the last value."""

    x: float
    text: str = ""


@dataclass(frozen=True, eq=False)
class Series:
    """A curve: x and y, float64 of shape (N,). Values of y may be NaN or infinite. Do not change the arrays later.

    `key` identifies the series in code, `label` on the screen. `color` is "#rrggbb". A faint series stays in the
    background. `marker` is one character; the chart chooses one if it is empty. `marked` is a point to mark.
    """

    key: str
    label: str
    x: Floats
    y: Floats
    color: str
    faint: bool = False
    marker: str = ""
    marked: MarkedPoint | None = None


@dataclass(frozen=True)
class VerticalLine:
    """A labelled line at x: the start of a stage, an early stop or the best epoch."""

    x: float
    label: str


def prepared(series: Series) -> Series:
    """Sorts the points by x, drops those whose x is not finite, and clips x to ±1e300.

    Raises `ValueError` unless x and y are one-dimensional and equally long.
    """
    x, y = np.asarray(series.x, dtype=np.float64), np.asarray(series.y, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"series {series.key}: x {x.shape} and y {y.shape} must be one-dimensional and equally long")
    if not np.isfinite(x).all():
        x, y = x[np.isfinite(x)], y[np.isfinite(x)]
    if np.any(x[1:] < x[:-1]):
        order = np.argsort(x, kind="stable")
        x, y = x[order], y[order]
    return replace(series, x=np.clip(x, -_LARGEST, _LARGEST), y=y)


def markers_of(series: Sequence[Series]) -> list[str]:
    """A marker for each series: its own if that fills one cell, else an unused one as long as any is left."""
    own = [mark if cell_len(mark := clean(one.marker)[:1]) == 1 and mark.strip() else "" for one in series]
    free = [mark for mark in _DEFAULT_MARKERS if mark not in own] or list(_DEFAULT_MARKERS)
    given = iter(range(len(own)))
    return [mark or free[next(given) % len(free)] for mark in own]


def x_bounds(series: Sequence[Series]) -> XRange | None:
    """The range of x over all points, widened around a single value; None without points."""
    xs = [one.x for one in series if one.x.size]
    if not xs:
        return None
    return XRange(*axis_ticks.padded(min(float(x[0]) for x in xs), max(float(x[-1]) for x in xs)))
