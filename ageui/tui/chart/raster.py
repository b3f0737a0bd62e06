"""Draws a series as braille dots, with NumPy only.

A character cell has two columns and four rows of dots. Before drawing, each column of dots is reduced to its first,
last, lowest and highest value (Jugel et al., "M4", VLDB 2014), which gives the same dots as all points would.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Dots = NDArray[np.bool_]

DOTS_ACROSS, DOTS_DOWN = 2, 4
_WEIGHTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], dtype=np.uint8)
_FAR = 2.0**40


@dataclass(frozen=True, eq=False)
class Strokes:
    """Vertical strokes, arrays of shape (S,): the dot column, counted from the left, and the lowest and highest value.

    `passes` is true if the line continues both to the left and to the right.
    """

    columns: Ints
    low: Floats
    high: Floats
    passes: Dots


@dataclass(frozen=True, eq=False)
class Trace:
    """The strokes of a series in a range of x. Values are in units of y; on a log scale, their log10.

    `points` are the strokes between the lowest and highest point of each column, `lines` those that connect columns.
    `nan`, `above` and `below` are the sorted dot columns of NaN, +inf and -inf, and the columns between two successive
    ones. `hidden` counts values that a log scale cannot show, `lost` values that are not finite. `end` is the column
    and value of the last point.
    """

    points: Strokes
    lines: Strokes
    nan: Ints
    above: Ints
    below: Ints
    hidden: int
    lost: int
    end: tuple[int, float] | None

    def extent(self) -> tuple[float, float] | None:
        """The lowest and highest drawn value; None if nothing is drawn."""
        low = np.concatenate([self.points.low, self.lines.low])
        high = np.concatenate([self.points.high, self.lines.high])
        return (float(low.min()), float(high.max())) if low.size else None

    def at(self, column: int) -> float | None:
        """The middle of the strokes in a column; None if it is empty."""
        for strokes in (self.points, self.lines):
            found = np.flatnonzero(strokes.columns == column)
            if found.size:
                return float(strokes.low[found].min() / 2 + strokes.high[found].max() / 2)
        return None


def trace(x: Floats, y: Floats, window: tuple[float, float], columns: int, *, log: bool = False) -> Trace:
    """Traces a line through the points (x, y), both of shape (N,), with x ascending and finite.

    The first and last of the dot `columns` are centred on the ends of `window`, a range of x. Values that are not
    finite, and on a log scale values <= 0, break the line, which continues to the nearest points outside the window.
    """
    left, right = window
    scale = (columns - 1) / (right - left) if columns > 1 else 0.0
    begin, end = int(np.searchsorted(x, left, "left")) - 1, int(np.searchsorted(x, right, "right")) + 1
    x, y = x[max(begin, 0) : end], y[max(begin, 0) : end]
    drawable = np.isfinite(y)
    lost = np.flatnonzero(~drawable)
    lost_columns = _columns_of(x[lost], left, scale)
    lost, lost_columns = (values[(lost_columns >= 0) & (lost_columns < columns)] for values in (lost, lost_columns))
    hidden = 0
    if log:
        positive = y > 0
        hidden = int(np.count_nonzero(drawable & ~positive & (x >= left) & (x <= right)))
        drawable &= positive
    at, first, last, low, high, joined = _column_stretches(x, y, drawable, left, scale, columns)
    if log:
        first, last, low, high = (np.log10(values) for values in (first, last, low, high))
    inside = (at >= 0) & (at < columns)
    visible = np.flatnonzero(inside)
    return Trace(
        points=Strokes(at[inside], low[inside], high[inside], np.zeros(len(visible), np.bool_)),
        lines=_lines(at, first, last, joined, columns),
        nan=_covered(lost, lost_columns, np.isnan(y[lost]), columns),
        above=_covered(lost, lost_columns, y[lost] == np.inf, columns),
        below=_covered(lost, lost_columns, y[lost] == -np.inf, columns),
        hidden=hidden,
        lost=len(lost),
        end=(int(at[visible[-1]]), float(last[visible[-1]])) if visible.size else None,
    )


def _columns_of(x: Floats, left: float, scale: float) -> Ints:
    return np.rint(np.clip((x - left) * scale, -_FAR, _FAR)).astype(np.int64)


def _covered(places: Ints, at: Ints, chosen: Dots, columns: int) -> Ints:
    """The columns of the chosen points, and those between two chosen points in succession."""
    if not chosen.any():
        return np.empty(0, np.int64)
    places, at = places[chosen], at[chosen]
    succeeded = np.append(np.diff(places) == 1, False)
    until = np.where(succeeded, np.append(at[1:], 0), at)
    changes = np.bincount(at, minlength=columns + 1) - np.bincount(until + 1, minlength=columns + 1)
    return np.flatnonzero(np.cumsum(changes) > 0)


def _column_stretches(
    x: Floats, y: Floats, drawable: Dots, left: float, scale: float, columns: int
) -> tuple[Ints, Floats, Floats, Floats, Floats, Dots]:
    """Stretches of drawable points within a column, shape (B,): column; first, last, lowest and highest value;
    and whether a line leads to the next stretch."""
    count = len(x)
    if not count:
        none = np.empty(0)
        return np.empty(0, np.int64), none, none, none, none, np.empty(0, np.bool_)
    edges = left + (np.arange(columns + 1) - 0.5) / scale if scale else np.empty(0)
    breaks = np.flatnonzero(drawable[1:] != drawable[:-1]) + 1
    cuts = np.unique(np.concatenate([[0], np.searchsorted(x, edges), breaks]))
    cuts = cuts[cuts < count]
    ends = np.append(cuts[1:], count) - 1
    kept = drawable[cuts]
    joined = np.append(kept[:-1] & kept[1:], False)[kept]
    low, high = np.minimum.reduceat(y, cuts)[kept], np.maximum.reduceat(y, cuts)[kept]
    cuts, ends = cuts[kept], ends[kept]
    return _columns_of(x[cuts], left, scale), y[cuts], y[ends], low, high, joined


def _lines(at: Ints, first: Floats, last: Floats, joined: Dots, columns: int) -> Strokes:
    """The visible strokes of straight lines from the last value of each stretch to the first of the next."""
    lines = np.flatnonzero(joined)
    begin, end = at[lines], at[lines + 1]
    from_column, to_column = np.maximum(begin, 0), np.minimum(end, columns - 1)
    lengths = np.maximum(to_column - from_column + 1, 0)
    which = np.repeat(np.arange(len(lines)), lengths)
    column = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths) + from_column[which]
    begin, end = begin[which], end[which]
    from_value, to_value = last[lines][which], first[lines + 1][which]
    run = np.maximum(end - begin, 1)
    enter, leave = (np.clip((column + half - begin) / run, 0.0, 1.0) for half in (-0.5, 0.5))
    leave[begin == end] = 1.0
    entered = from_value * (1 - enter) + to_value * enter
    left = from_value * (1 - leave) + to_value * leave
    return Strokes(column, np.minimum(entered, left), np.maximum(entered, left), (column > begin) & (column < end))


def heights(values: Floats, bottom: float, top: float, rows: int) -> Floats:
    """The dot rows, from 0 at the top, of values between `bottom` and `top`; clips other values to the edge."""
    share = (top / 2 - values / 2) / (top / 2 - bottom / 2)
    return np.clip(share, 0.0, 1.0) * (rows - 1)


def rasterise(drawn: Trace, bottom: float, top: float, columns: int, rows: int) -> Dots:
    """The dots of a trace, shape (rows, columns), as lines one dot thin without gaps."""
    points, lines = drawn.points, drawn.lines
    upper, lower = (np.rint(heights(ends, bottom, top, rows)) for ends in (points.high, points.low))
    begin, end = (heights(ends, bottom, top, rows) for ends in (lines.high, lines.low))
    flat = lines.passes & (end - begin < 1)
    middle = np.rint((begin + end) / 2)
    begin, end = np.where(flat, middle, np.ceil(begin)), np.where(flat, middle, np.ceil(end) - 1)
    column = np.concatenate([points.columns, lines.columns])
    first, last = (np.concatenate(both).astype(np.int64) for both in ((upper, begin), (lower, end)))
    start, size = column * (rows + 1), columns * (rows + 1)
    changes = np.bincount(start + first, minlength=size) - np.bincount(start + last + 1, minlength=size)
    covered: Dots = np.cumsum(changes.reshape(columns, rows + 1), axis=1)[:, :rows] > 0
    return covered.T


def braille(dots: Dots) -> NDArray[np.uint8]:
    """The pattern of each cell, shape (rows / 4, columns / 2); the braille character is U+2800 + pattern."""
    rows, columns = dots.shape
    cells = dots.reshape(rows // DOTS_DOWN, DOTS_DOWN, columns // DOTS_ACROSS, DOTS_ACROSS)
    patterns: NDArray[np.uint8] = np.einsum("rdca,da->rc", cells, _WEIGHTS, dtype=np.uint8, casting="unsafe")
    return patterns
