"""A scatter plot that fills its widget."""

from typing import ClassVar

from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from ageui.tui.chart.plot_strips import ChartStyles
from ageui.tui.chart.scatter_plot import ScatterPlot, scatter_strips


class ScatterChart(Widget):
    """Draws the plot given by `show`, again after a change of size or theme."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "scatter--title", "scatter--axis", "scatter--grid", "scatter--notice", "scatter--line"
    }  # fmt: skip
    DEFAULT_CSS = """
    ScatterChart {
        width: 1fr;
        height: 1fr;
        & > .scatter--title { color: $foreground; text-style: bold; }
        & > .scatter--axis { color: $text-muted; }
        & > .scatter--grid { color: $foreground 18%; }
        & > .scatter--notice { color: $text-warning; }
        & > .scatter--line { color: $foreground 50%; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._plot: ScatterPlot | None = None
        self._strips: list[Strip] = []
        self._drawn: tuple[object, ...] = ()

    def show(self, plot: ScatterPlot) -> None:
        self._plot, self._drawn = plot, ()
        self.refresh()

    @property
    def plot(self) -> ScatterPlot | None:
        return self._plot

    @property
    def line_style(self) -> Style:
        """The style of lines behind points: fronts and diagonals."""
        return self.get_component_rich_style("scatter--line")

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._drawn = ()

    def render_line(self, y: int) -> Strip:
        if self._plot is None:
            return Strip.blank(self.size.width, self.rich_style)
        if self._drawn != (self._plot, self.size):
            self._drawn = self._plot, self.size
            self._strips = scatter_strips(self._plot, *self.size, self._styles())
        return self._strips[y].apply_style(self.rich_style)

    def _styles(self) -> ChartStyles:
        title, axis, grid, notice = (
            self.get_component_rich_style(f"scatter--{part}") for part in ("title", "axis", "grid", "notice")
        )
        ground = Style()
        return ChartStyles(ground, title, axis, grid, ground, ground, notice, ground, ())
