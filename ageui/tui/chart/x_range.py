"""A range of the x axis, which zooms, pans and follows growing data."""

from dataclasses import dataclass

_NARROWEST = 1e-6
_RESOLUTION = 1e-12


@dataclass(frozen=True)
class XRange:
    """A range of x, low < high. The methods' `bounds` are the range of all data."""

    low: float
    high: float

    @property
    def width(self) -> float:
        return self.high - self.low

    def zoomed(self, factor: float, at: float, bounds: "XRange") -> "XRange":
        """Multiplies the width by `factor` and keeps `at` in place on the screen; never wider than `bounds`."""
        narrowest = max(bounds.width * _NARROWEST, max(abs(bounds.low), abs(bounds.high)) * _RESOLUTION)
        width = max(self.width * factor, narrowest)
        if width >= bounds.width:
            return bounds
        low = at - (at - self.low) / self.width * width
        return XRange(low, low + width).within(bounds)

    def panned(self, distance: float, bounds: "XRange") -> "XRange":
        """Moves along x by `distance`, but stays within `bounds`."""
        return XRange(self.low + distance, self.high + distance).within(bounds)

    def within(self, bounds: "XRange") -> "XRange":
        """Moves into `bounds`; returns `bounds` if they are narrower."""
        if self.width >= bounds.width:
            return bounds
        if self.low < bounds.low:
            return XRange(bounds.low, bounds.low + self.width)
        if self.high > bounds.high:
            return XRange(bounds.high - self.width, bounds.high)
        return self

    def followed(self, before: "XRange", after: "XRange") -> "XRange":
        """Adapts to data whose bounds changed from `before` to `after`: a range at the end of the data stays there."""
        at_end = self.high >= before.high - before.width * 1e-9
        return (self.panned(after.high - self.high, after) if at_end else self).within(after)
