"""Curves over a shared x axis: zoom, pan, log scale, smoothing, and a cursor to read values with."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.color import Color
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from ageui.text.clean import clean
from ageui.tui.chart.drawn_plot import CurveLayer, DrawnPlot, draw_plot, layers_of
from ageui.tui.chart.nearest_points import nearest_x, next_x
from ageui.tui.chart.plot_strips import ChartAreas, ChartStyles, y_ticks
from ageui.tui.chart.renderer import ChartRenderer
from ageui.tui.chart.series import Series, VerticalLine, markers_of, prepared, x_bounds
from ageui.tui.chart.x_range import XRange

SMOOTHING_STEPS = (0.0, 0.3, 0.6, 0.8, 0.9, 0.95, 0.99)
_KEY_ZOOM, _WHEEL_ZOOM, _KEY_PAN = 0.5, 0.8, 0.25
_Y_LABEL, _WIDEST_Y_LABEL, _END_LABEL = 7, 12, 18
_FAINT = 0.62


class Chart(Widget, can_focus=True):
    """Draws the series and vertical lines given by `show`. Screens forward the keys of curves to it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "chart--title",
        "chart--axis",
        "chart--grid",
        "chart--vertical-line",
        "chart--cursor",
        "chart--notice",
    }
    DEFAULT_CSS = """
    Chart {
        width: 1fr;
        height: 1fr;
        & > .chart--title { color: $foreground; text-style: bold; }
        & > .chart--axis { color: $text-muted; }
        & > .chart--grid { color: $foreground 18%; }
        & > .chart--vertical-line { color: $text-accent; }
        & > .chart--cursor { color: $foreground; background: $surface-lighten-2; }
        & > .chart--notice { color: $text-warning; }
        &:focus > .chart--axis { color: $foreground; }
    }
    """

    log_y: reactive[bool] = reactive(False, repaint=False)
    smoothing: reactive[float] = reactive(0.0, repaint=False)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._series: list[Series] = []
        self._colors: list[Color] = []
        self._vertical_lines: list[VerticalLine] = []
        self._layers: list[CurveLayer] = []
        self._bounds: XRange | None = None
        self._zoom: XRange | None = None
        self._x_name, self._y_name, self._seconds = "", "", False
        self._cursor: float | None = None
        self._hovering = False
        self._pressed: int | None = None
        self._dragged: XRange | None = None
        self._plot: DrawnPlot | None = None
        self._areas = ChartAreas.fit(1, 1, legend=0, label=_Y_LABEL, end_label=0)
        self._strips: list[Strip] = []
        self._drawn_size = Size(0, 0)
        self._waiting = False

    def show(
        self,
        series: Sequence[Series],
        vertical_lines: Sequence[VerticalLine] = (),
        *,
        x_name: str,
        y_name: str,
        x_kind: Literal["number", "seconds"] = "number",
    ) -> None:
        """Replaces the contents. A zoomed range stays in place, or at the end of the data if it was there.

        Raises `ValueError` if the shapes of x and y differ, and `ColorParseError` for an invalid colour.
        """
        before = self._bounds
        self._colors = [Color.parse(one.color) for one in series]
        self._series = [
            replace(prepared(one), label=clean(one.label or one.key), marker=marker)
            for one, marker in zip(series, markers_of(series), strict=True)
        ]
        self._vertical_lines = [VerticalLine(line.x, clean(line.label)) for line in vertical_lines]
        self._x_name, self._y_name, self._seconds = clean(x_name), clean(y_name), x_kind == "seconds"
        self._bounds = after = x_bounds(self._series)
        if not after:
            self._zoom = None
        elif self._zoom and before:
            self._look(self._zoom.followed(before, after))
        self._layers = layers_of(self._series, self.smoothing)
        if self._cursor is not None:
            self._move_cursor(nearest_x(self._series, self._cursor))
        self._forget_plot()

    @property
    def series(self) -> tuple[Series, ...]:
        return tuple(self._series)

    @property
    def vertical_lines(self) -> tuple[VerticalLine, ...]:
        return tuple(self._vertical_lines)

    @property
    def shown_range(self) -> tuple[float, float] | None:
        """The visible range of x; None without points."""
        view = self._zoom or self._bounds
        return (view.low, view.high) if view else None

    @property
    def cursor(self) -> float | None:
        """The x of the cursor; None without one."""
        return self._cursor

    def validate_smoothing(self, smoothing: float) -> float:
        return min(max(SMOOTHING_STEPS[0], smoothing), SMOOTHING_STEPS[-1])

    def watch_smoothing(self) -> None:
        self._layers = layers_of(self._series, self.smoothing)
        self._forget_plot()

    def watch_log_y(self) -> None:
        self._forget_plot()

    def action_zoom_in(self) -> None:
        self._zoom_by(_KEY_ZOOM, self._cursor)

    def action_zoom_out(self) -> None:
        self._zoom_by(1 / _KEY_ZOOM, self._cursor)

    def action_zoom_reset(self) -> None:
        """Shows the whole curves, without a cursor."""
        self._zoom = None
        self._move_cursor(None)
        self._forget_plot()

    def action_pan_left(self) -> None:
        self._pan_by(-_KEY_PAN)

    def action_pan_right(self) -> None:
        self._pan_by(_KEY_PAN)

    def action_toggle_log(self) -> None:
        self.log_y = not self.log_y

    def action_more_smoothing(self) -> None:
        self.smoothing = next((step for step in SMOOTHING_STEPS if step > self.smoothing), SMOOTHING_STEPS[-1])

    def action_less_smoothing(self) -> None:
        self.smoothing = next((step for step in reversed(SMOOTHING_STEPS) if step < self.smoothing), SMOOTHING_STEPS[0])

    def action_cursor_left(self) -> None:
        self._step_cursor(-1)

    def action_cursor_right(self) -> None:
        self._step_cursor(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        event.prevent_default()
        self._zoom_by(_WHEEL_ZOOM, self._x_under(event))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        event.prevent_default()
        self._zoom_by(1 / _WHEEL_ZOOM, self._x_under(event))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._pressed = event.screen_x
        if event.button == 1 and self._zoom:
            self._dragged = self._zoom
            self.capture_mouse()

    def on_mouse_up(self) -> None:
        if self._dragged:
            self._dragged = None
            self.release_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragged and self._pressed is not None and self._bounds:
            cell = self._dragged.width / self._areas.width
            self._look(self._dragged.panned((self._pressed - event.screen_x) * cell, self._bounds))
            self._forget_plot()
        elif not event.button:
            self._point_at(event)
            self._hovering = True

    def on_click(self, event: events.Click) -> None:
        if event.screen_x == self._pressed:
            self._point_at(event)
            self._hovering = False

    def on_leave(self) -> None:
        if self._hovering:
            self._move_cursor(None)

    def _x_under(self, event: events.MouseEvent) -> float | None:
        offset = event.get_content_offset(self)
        column = offset.x - self._areas.left if offset else -1
        return self._plot.x_of(column) if self._plot and 0 <= column < self._areas.width else None

    def _point_at(self, event: events.MouseEvent) -> None:
        x = self._x_under(event)
        if x is not None:
            self._move_cursor(nearest_x(self._series, x))

    def _zoom_by(self, factor: float, at: float | None) -> None:
        if self._bounds:
            view = self._zoom or self._bounds
            seen = at is not None and view.low <= at <= view.high
            self._look(view.zoomed(factor, at if at is not None and seen else view.low + view.width / 2, self._bounds))
            self._forget_plot()

    def _pan_by(self, share: float) -> None:
        if self._zoom and self._bounds:
            self._look(self._zoom.panned(share * self._zoom.width, self._bounds))
            self._forget_plot()

    def _look(self, at: XRange) -> None:
        self._zoom = None if at == self._bounds else at

    def _step_cursor(self, direction: int) -> None:
        """Moves to the next point at least one cell away; the first step goes to the last visible point."""
        view = self._zoom or self._bounds
        if not view:
            return
        if self._cursor is None:
            x = next_x(self._series, view.high, -1)
        else:
            away = self._cursor + direction * view.width / self._areas.width
            x = next_x(self._series, away, direction)
            x = next_x(self._series, away, -direction) if x is None else x
        self._hovering = False
        self._move_cursor(x)
        if x is not None and self._zoom and self._bounds and not view.low <= x <= view.high:
            self._look(view.panned(x - (view.high if x > view.high else view.low), self._bounds))
            self._forget_plot()

    def _move_cursor(self, x: float | None) -> None:
        if x != self._cursor:
            self._cursor = x
            self._draw_soon()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._draw_soon()

    def _forget_plot(self) -> None:
        self._plot = None
        self._draw_soon()

    def _draw_soon(self) -> None:
        """Draws once after the current message, however often it is called."""
        if self.is_attached and not self._waiting:
            self._waiting = True
            self.call_next(self.draw)

    def draw(self) -> None:
        """Draws again, and refreshes the lines that changed."""
        self._waiting = False
        if not self.is_attached or not self.size:
            self._drawn_size = Size(0, 0)  # hidden: painted when it is shown again
            return
        before, size = self._strips, self._drawn_size
        self._paint()
        if size != self._drawn_size:
            self.refresh()
            return
        changed = [row for row, (old, new) in enumerate(zip(before, self._strips, strict=True)) if old != new]
        if changed:
            self.refresh(*(Region(0, row, self.size.width, 1) for row in changed))

    def render_line(self, y: int) -> Strip:
        if self._drawn_size != self.size:
            self._paint()
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, self.rich_style)

    def _paint(self) -> None:
        size = self.size
        renderer = ChartRenderer(
            self._series,
            self._layers,
            self._vertical_lines,
            self._x_name,
            self._y_name,
            self._seconds,
            self.smoothing,
            self._cursor,
        )
        if not self._plot or size != self._drawn_size:
            self._plot = self._draw_plot(size, renderer.legend_rows(size.width))
        styles = self._styles_of_parts()
        lines = renderer.strips(self._plot, self._areas, styles)
        self._strips = [line.adjust_cell_length(size.width, styles.ground) for line in lines[: size.height]]
        self._drawn_size = size

    def _draw_plot(self, size: Size, legend_rows: int) -> DrawnPlot:
        """Draws the curves, and once more if the labels of the y axis are wider than usual."""
        named = [one.label for one in self._series if not one.faint]
        end_label = min(max(map(cell_len, named)) + 2, _END_LABEL) if len(named) > 1 else 0
        x_range = self._zoom or self._bounds or XRange(0.0, 1.0)
        markers = [one.marker for one in self._series]

        def drawn(label: int) -> DrawnPlot:
            self._areas = areas = ChartAreas.fit(*size, legend=legend_rows, label=label, end_label=end_label)
            return draw_plot(self._layers, markers, x_range, log=self.log_y, width=areas.width, height=areas.height)

        plot = drawn(_Y_LABEL)
        widest = max(map(cell_len, y_ticks(plot).values()), default=0)
        return plot if widest <= _Y_LABEL else drawn(min(widest, _WIDEST_Y_LABEL))

    def _styles_of_parts(self) -> ChartStyles:
        ground = self.rich_style
        behind = self.background_colors[1]
        title, axis, grid, vertical_line, cursor, notice = (
            self.get_component_rich_style(f"chart--{part}")
            for part in ("title", "axis", "grid", "vertical-line", "cursor", "notice")
        )
        layers = []
        for layer in self._layers:
            color = self._colors[layer.series]
            shown = color.blend(behind, _FAINT) if layer.faint else color
            layers.append(ground + Style(color=shown.rich_color))
        cursor_column = Style(bgcolor=cursor.bgcolor)
        return ChartStyles(ground, title, axis, grid, vertical_line, cursor, notice, cursor_column, tuple(layers))
