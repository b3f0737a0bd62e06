"""The stretch of the x axis that is looked at: zoomed, panned, and following data that grows."""

from dataclasses import dataclass

_NARROWEST = 1e-6
_RESOLUTION = 1e-12


@dataclass(frozen=True)
class Window:
    """A range of x, low < high. Where a method takes `bounds`, they are the range of all data."""

    low: float
    high: float

    @property
    def width(self) -> float:
        return self.high - self.low

    def zoomed(self, factor: float, at: float, bounds: "Window") -> "Window":
        """The width times `factor`, with `at` staying where it is on the screen; the bounds where it would be wider."""
        narrowest = max(bounds.width * _NARROWEST, max(abs(bounds.low), abs(bounds.high)) * _RESOLUTION)
        width = max(self.width * factor, narrowest)
        if width >= bounds.width:
            return bounds
        low = at - (at - self.low) / self.width * width
        return Window(low, low + width).within(bounds)

    def panned(self, distance: float, bounds: "Window") -> "Window":
        """Moved along x by a distance, as far as there is data."""
        return Window(self.low + distance, self.high + distance).within(bounds)

    def within(self, bounds: "Window") -> "Window":
        """Moved, not narrowed where it need not be, so that it lies inside the bounds."""
        if self.width >= bounds.width:
            return bounds
        if self.low < bounds.low:
            return Window(bounds.low, bounds.low + self.width)
        if self.high > bounds.high:
            return Window(bounds.high - self.width, bounds.high)
        return self

    def followed(self, before: "Window", after: "Window") -> "Window":
        """The window once the bounds went from `before` to `after`: at the end of the data it stays at the end."""
        at_end = self.high >= before.high - before.width * 1e-9
        return (self.panned(after.high - self.high, after) if at_end else self).within(after)
