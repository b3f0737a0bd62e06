"""Pictures of a comparison: curves, a plot of one figure by another, and a forest plot."""

from collections.abc import Mapping
from typing import Literal

from rich.text import Text
from textual import getters
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.reactive import reactive
from textual.widgets import Static

from ageui.compare.comparison import MAE, Comparison
from ageui.compare.measures import measure_names, measure_title
from ageui.store import RunDetail
from ageui.text.clean import clean
from ageui.tui.base_app import BaseApp
from ageui.tui.chart.chart import Chart
from ageui.tui.chart.scatter_chart import ScatterChart
from ageui.tui.compare.cells import PlottedRows
from ageui.tui.compare.curves import CurveName, curve_names, fitting_curve, next_curve, series_of
from ageui.tui.compare.forest import forest_lines, forest_names, forest_title
from ageui.tui.compare.plot import plot_of
from ageui.tui.dialogs.prompts import Answer, ChoicePrompt

PictureKind = Literal["curves", "plot", "forest"]
_ROOM_FOR_TWO = 130


class ForestPane(VerticalScroll):
    """One figure of all rows, or the groups of an attribute, on one axis."""

    DEFAULT_CSS = """
    ForestPane {
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        & > Static { text-wrap: nowrap; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._rows: PlottedRows | None = None
        self._figure = MAE

    def compose(self) -> ComposeResult:
        yield Static(markup=False)

    def show(self, rows: PlottedRows, figure: str) -> None:
        self._rows, self._figure = rows, figure
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        rows, width = self._rows, self.scrollable_content_region.width
        if rows is None or width < 1:
            return
        title = Text(clean(forest_title(rows.comparison, self._figure)), style="bold")
        title.append("  ± std over seeds, else 95% interval", style="dim not bold")
        title.truncate(width, overflow="ellipsis")
        self.query_one(Static).update(Text("\n").join([title, *forest_lines(rows, self._figure, width)]))


class Pictures(Horizontal):
    """Shows one kind of picture; where there is room, the plot and the forest plot side by side."""

    app = getters.app(BaseApp)

    DEFAULT_CSS = """
    Pictures {
        & > * { display: none; padding: 0 1; }
        &.-curves > Chart, &.-plot > ScatterChart, &.-forest > ForestPane { display: block; }
        &.-wide.-plot > ForestPane, &.-wide.-forest > ScatterChart { display: block; }
    }
    """
    kind: reactive[PictureKind] = reactive("curves")

    def __init__(self) -> None:
        super().__init__()
        self._rows: PlottedRows | None = None
        self._runs: Mapping[int, RunDetail] = {}
        self._curve: CurveName | None = None
        self._axes = MAE, "age"
        self._figure = "age"

    def compose(self) -> ComposeResult:
        yield Chart(id="curves")
        yield ScatterChart()
        yield ForestPane()

    def watch_kind(self, kind: PictureKind) -> None:
        for name in ("curves", "plot", "forest"):
            self.set_class(name == kind, f"-{name}")
        # Widgets that were hidden learn their size first.
        self.call_after_refresh(self.draw)

    def on_resize(self) -> None:
        self.set_class(self.size.width >= _ROOM_FOR_TWO, "-wide")
        self.call_after_refresh(self.draw)

    def show(self, rows: PlottedRows, runs: Mapping[int, RunDetail]) -> None:
        """Draws what is visible; `runs` are those of the rows, by id."""
        self._rows, self._runs = rows, runs
        self.draw()

    def draw(self) -> None:
        rows = self._rows
        if rows is None or not self.display:
            return
        comparison = rows.comparison
        chart, plot, forest = self.query_one(Chart), self.query_one(ScatterChart), self.query_one(ForestPane)
        if chart.display:
            curve = self._shown_curve
            series = series_of(comparison, self._runs, curve, rows.looks.places, dark=rows.looks.dark)
            chart.show(series, x_name="epoch", y_name=curve_names(self._runs.values()).get(curve, curve))
        if plot.display:
            plot.show(plot_of(rows, *self.axes_in(comparison), plot.line_style))
        if forest.display:
            forest.show(rows, self._figure if self._figure in forest_names(comparison) else MAE)

    def axes_in(self, comparison: Comparison) -> tuple[str, str]:
        """The measures across and up in the plot; MAE in place of those that the comparison lacks."""
        known = measure_names(comparison)
        across, up = (name if name in known else MAE for name in self._axes)
        return across, up

    @property
    def _shown_curve(self) -> CurveName:
        return self._curve or fitting_curve(list(self._runs.values()))

    def focus_picture(self) -> None:
        """Focuses a picture that takes keys."""
        if self.kind == "plot":
            self.screen.set_focus(None)
        else:
            self.query_one(Chart if self.kind == "curves" else ForestPane).focus()

    def choose_measure(self) -> None:
        """The next curve, or a choice of the figure that the plots show."""
        if self._rows is None:
            return
        comparison = self._rows.comparison
        if self.kind == "curves":
            self._curve = next_curve(self._shown_curve, self._runs.values())
            self.draw()
        elif self.kind == "forest":
            answers = [Answer(name, forest_title(comparison, name)) for name in forest_names(comparison)]
            ChoicePrompt("Which figure?", answers, self._figure).ask(self.app, self._measure)
        else:
            ChoicePrompt("Vertical axis", self._measures(), self._axes[1]).ask(self.app, self._measure)

    def choose_x_axis(self) -> None:
        if self._rows is not None:
            ChoicePrompt("Horizontal axis", self._measures(), self._axes[0]).ask(self.app, self._put_across)

    def _measures(self) -> list[Answer]:
        comparison = self._rows.comparison if self._rows else None
        names = measure_names(comparison) if comparison else []
        return [Answer(name, measure_title(comparison, name)) for name in names if comparison]

    def _measure(self, name: str) -> None:
        """Shows a measure on the vertical axis of the plot and in the forest plot, if they have it."""
        self._figure = name
        if self._rows is not None and name in measure_names(self._rows.comparison):
            self._axes = self._axes[0], name
        self.draw()

    def _put_across(self, name: str) -> None:
        self._axes = name, self._axes[1]
        self.draw()
