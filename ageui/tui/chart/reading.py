"""Reading curves at an x: the nearest point that there is, and the value of each series there."""

from collections.abc import Sequence

import numpy as np

from ageui.tui.chart.curves import Series
from ageui.tui.chart.raster import Floats


def nearest_x(series: Sequence[Series], x: float) -> float | None:
    """The x of a point, of any series, that lies nearest."""
    candidates = [float(one.x[_nearest(one.x, x)]) for one in series if one.x.size]
    return min(candidates, key=lambda candidate: abs(candidate - x), default=None)


def next_x(series: Sequence[Series], x: float, direction: int) -> float | None:
    """The first x of a point at `x` or beyond it, to the right (1) or the left (-1)."""
    if direction > 0:
        places = [(one.x, int(np.searchsorted(one.x, x, "left"))) for one in series]
        return min((float(held[place]) for held, place in places if place < held.size), default=None)
    places = [(one.x, int(np.searchsorted(one.x, x, "right")) - 1) for one in series]
    return max((float(held[place]) for held, place in places if place >= 0), default=None)


def value_at(x: Floats, y: Floats, at: float | None) -> float | None:
    """The y of the point nearest to an x, the last y without one; None where the series has no points about there.

    A series is taken to reach half a mean step, and at least one part in a million of its length, past its ends.
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
