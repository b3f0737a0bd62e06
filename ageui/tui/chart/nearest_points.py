"""Finds the points of series near an x, for the cursor."""

from collections.abc import Sequence

import numpy as np

from ageui.tui.chart.raster import Floats
from ageui.tui.chart.series import Series


def nearest_x(series: Sequence[Series], x: float) -> float | None:
    """The x of the nearest point of any series; None without points."""
    candidates = [float(one.x[_nearest(one.x, x)]) for one in series if one.x.size]
    return min(candidates, key=lambda candidate: abs(candidate - x), default=None)


def next_x(series: Sequence[Series], x: float, direction: int) -> float | None:
    """The x of the first point at or after `x` (direction 1), or at or before it (-1); None without one."""
    if direction > 0:
        places = [(one.x, int(np.searchsorted(one.x, x, "left"))) for one in series]
        return min((float(xs[place]) for xs, place in places if place < xs.size), default=None)
    places = [(one.x, int(np.searchsorted(one.x, x, "right")) - 1) for one in series]
    return max((float(xs[place]) for xs, place in places if place >= 0), default=None)


def value_at(x: Floats, y: Floats, at: float | None) -> float | None:
    """The y of the point nearest to `at`, or the last y if `at` is None; None if the series does not reach `at`.

    A series reaches half a mean step, and at least a millionth of its length, past its ends.
    """
    if not x.size:
        return None
    if at is None:
        return float(y[-1])
    length = float(x[-1] - x[0])
    reach = max(length / max(x.size - 1, 1) / 2, length * 1e-6, abs(at) * 1e-12)
    return float(y[_nearest(x, at)]) if x[0] - reach <= at <= x[-1] + reach else None


def _nearest(x: Floats, at: float) -> int:
    place = int(np.clip(np.searchsorted(x, at), 1, max(x.size - 1, 1)))
    return place - 1 if place >= x.size or at - x[place - 1] <= x[place] - at else place
