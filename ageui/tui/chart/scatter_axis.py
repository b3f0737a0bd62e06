"""The axes of scatter plots: numbers, logarithms or names, and where values and ticks lie on them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from rich.cells import cell_len

from ageui.present.terminal import shortened
from ageui.text.clean import clean
from ageui.tui.chart import axis_ticks
from ageui.tui.chart.raster import DOTS_ACROSS, DOTS_DOWN, Floats, Ints

_MARGIN = 0.06
_LARGEST = 1e300
_SHORTEST_NAME = 3


@dataclass(frozen=True)
class ScatterAxis:
    """An axis of numbers, with `log` of the logarithms of positive numbers, or of `names` at 0, 1, 2 and so on.

    `low` and `high` widen the range that the values need.
    """

    title: str
    unit: str = ""
    log: bool = False
    names: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None

    @property
    def full_title(self) -> str:
        """The title with its unit."""
        return clean(f"{self.title}, {self.unit}" if self.unit else self.title)

    def heights(self, values: Floats) -> Floats:
        """The values, or their logarithms; NaN for those that the axis cannot show."""
        finite = np.where(np.isfinite(values), np.clip(values, -_LARGEST, _LARGEST), np.nan)
        return np.log10(finite, where=finite > 0, out=np.full_like(finite, np.nan)) if self.log else finite


@dataclass(frozen=True)
class Scale:
    """An axis over a range of heights."""

    axis: ScatterAxis
    low: float
    high: float

    @classmethod
    def around(cls, axis: ScatterAxis, heights: Floats) -> "Scale | None":
        """The scale that shows finite heights; None without any."""
        if not heights.size:
            return None
        if axis.names:
            return cls(axis, -0.5, len(axis.names) - 0.5)
        low, high = axis_ticks.padded(float(heights.min()), float(heights.max()))
        margin = (high / 2 - low / 2) * 2 * _MARGIN
        wanted = axis.heights(np.array([np.nan if end is None else end for end in (axis.low, axis.high)]))
        bottom, top = wanted.tolist()
        return cls(axis, bottom if bottom <= low else low - margin, top if top >= high else high + margin)

    def shares(self, heights: Floats) -> Floats:
        """Places along the axis, from 0 to 1; NaN beyond its ends."""
        shares = (heights / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return np.where((shares >= 0) & (shares <= 1), shares, np.nan)

    def columns(self, heights: Floats, width: int) -> Ints:
        """Columns of dots, counted from the left, of heights on the axis."""
        return np.rint(self.shares(heights) * (width * DOTS_ACROSS - 1)).astype(np.int64)

    def rows(self, heights: Floats, height: int) -> Ints:
        """Rows of dots, counted from the top, of heights on the axis."""
        return np.rint((1 - self.shares(heights)) * (height * DOTS_DOWN - 1)).astype(np.int64)

    def ticks_across(self, width: int) -> list[tuple[int, str]]:
        """Cell columns and labels of ticks, from the left; no two labels touch when they are centred."""
        slot = max(width // max(len(self.axis.names), 1) - 1, _SHORTEST_NAME)
        for values, labels in self._ticks(max(width // 8, 2)):
            columns = (self.columns(values, width) // DOTS_ACROSS).tolist()
            ticks = list(zip(columns, (shortened(label, slot) for label in labels), strict=True))
            begins = [max(min(column - cell_len(text) // 2, width - cell_len(text)), 0) for column, text in ticks]
            ends = [begin + cell_len(text) for begin, (_, text) in zip(begins, ticks, strict=True)]
            if all(begin > end for begin, end in zip(begins[1:], ends, strict=False)) and max(ends, default=0) <= width:
                return ticks
        return []

    def ticks_down(self, height: int) -> dict[int, str]:
        """The labels of ticks by cell row, with rows between them if there is room for several."""
        apart = 2 if height >= 6 else 1
        for values, labels in self._ticks(max(height // 3, 3)):
            rows = (self.rows(values, height) // DOTS_DOWN).tolist()
            if all(lower - upper >= apart for lower, upper in pairwise(rows)):
                return dict(zip(rows, labels, strict=True))
        return {}

    def _ticks(self, most: int) -> Iterator[tuple[Floats, list[str]]]:
        """Heights and labels of ticks, from the low end, in ever smaller numbers."""
        if self.axis.names:
            names = [clean(name) for name in self.axis.names]
            for step in range(1, len(names) + 1):
                yield np.arange(0, len(names), step, dtype=np.float64), names[::step]
            return
        for number in range(most, 1, -1):
            ticks = (axis_ticks.log_ticks if self.axis.log else axis_ticks.linear_ticks)(self.low, self.high, number)
            heights = self.axis.heights(np.array(ticks, dtype=np.float64))
            is_shown = np.isfinite(self.shares(heights))
            labels = axis_ticks.number_labels(ticks)
            yield heights[is_shown], [label for label, shown in zip(labels, is_shown, strict=True) if shown]
