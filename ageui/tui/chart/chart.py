"""Curves over a shared x axis: zoom, pan, log scale, smoothing, and a cursor to read values with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.color import Color
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from ageui.text.clean import clean
from ageui.tui.chart import curves, paint, reading
from ageui.tui.chart.curves import Layer, Mark, Series, Sheet
from ageui.tui.chart.paint import Frame, Inks
from ageui.tui.chart.picture import Picture
from ageui.tui.chart.window import Window

__all__ = ["Chart", "Mark", "Series"]

SMOOTHING_STEPS = (0.0, 0.3, 0.6, 0.8, 0.9, 0.95, 0.99)
_KEY_ZOOM, _WHEEL_ZOOM, _KEY_PAN = 0.5, 0.8, 0.25
_Y_LABEL, _WIDEST_Y_LABEL, _END_LABEL = 7, 12, 18
_FAINT = 0.62


class Chart(Widget, can_focus=True):
    """Draws series and marks given by `show`. Actions are there to be bound to keys; none is bound here."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "chart--title",
        "chart--axis",
        "chart--grid",
        "chart--mark",
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
        & > .chart--mark { color: $text-accent; }
        & > .chart--cursor { color: $foreground; background: $surface-lighten-2; }
        & > .chart--notice { color: $text-warning; }
        &:focus > .chart--axis { color: $foreground; }
    }
    """

    log_y: reactive[bool] = reactive(False, repaint=False)
    smoothing: reactive[float] = reactive(0.0, repaint=False)

    @dataclass
    class CursorMoved(Message):
        """The reading cursor went to the point at `x`, or away (None)."""

        chart: "Chart"
        x: float | None

        @property
        def control(self) -> "Chart":
            return self.chart

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._series: list[Series] = []
        self._colors: list[Color] = []
        self._marks: list[Mark] = []
        self._layers: list[Layer] = []
        self._bounds: Window | None = None
        self._zoom: Window | None = None
        self._x_name, self._y_name, self._seconds = "", "", False
        self._cursor: float | None = None
        self._hovering = False
        self._pressed: int | None = None
        self._dragged: Window | None = None
        self._sheet: Sheet | None = None
        self._frame = Frame.fit(1, 1, legend=0, label=_Y_LABEL, end_label=0)
        self._strips: list[Strip] = []
        self._drawn_size = Size(0, 0)
        self._waiting = False

    def show(
        self,
        series: Sequence[Series],
        marks: Sequence[Mark] = (),
        *,
        x_name: str,
        y_name: str,
        x_kind: Literal["number", "seconds"] = "number",
    ) -> None:
        """Replaces what is shown. A zoomed window stays, and at the end of the data it stays at the end.

        Raises ValueError where x and y of a series do not match, and ColorParseError where a colour is none.
        """
        before = self._bounds
        self._colors = [Color.parse(one.color) for one in series]
        signs = curves.markers_of(series)
        self._series = [
            replace(curves.checked(one), label=clean(one.label or one.key), marker=sign)
            for one, sign in zip(series, signs, strict=True)
        ]
        self._marks = [Mark(mark.x, clean(mark.label)) for mark in marks]
        self._x_name, self._y_name, self._seconds = clean(x_name), clean(y_name), x_kind == "seconds"
        self._bounds = after = curves.bounds_of(self._series)
        if not after:
            self._zoom = None
        elif self._zoom and before:
            self._look(self._zoom.followed(before, after))
        self._layers = curves.layers_of(self._series, self.smoothing)
        if self._cursor is not None:
            self._move_cursor(reading.nearest_x(self._series, self._cursor))
        self._forget_sheet()

    @property
    def series(self) -> tuple[Series, ...]:
        """What is shown, in the order it was given."""
        return tuple(self._series)

    @property
    def marks(self) -> tuple[Mark, ...]:
        return tuple(self._marks)

    @property
    def window(self) -> tuple[float, float] | None:
        """The range of x that is looked at; None without points."""
        view = self._zoom or self._bounds
        return (view.low, view.high) if view else None

    @property
    def cursor(self) -> float | None:
        """The x that is read, None without a cursor."""
        return self._cursor

    def validate_smoothing(self, smoothing: float) -> float:
        return min(max(SMOOTHING_STEPS[0], smoothing), SMOOTHING_STEPS[-1])

    def watch_smoothing(self) -> None:
        self._layers = curves.layers_of(self._series, self.smoothing)
        self._forget_sheet()

    def watch_log_y(self) -> None:
        self._forget_sheet()

    def action_zoom_in(self) -> None:
        self._zoom_by(_KEY_ZOOM, self._cursor)

    def action_zoom_out(self) -> None:
        self._zoom_by(1 / _KEY_ZOOM, self._cursor)

    def action_zoom_reset(self) -> None:
        """All of the curves, and no cursor."""
        self._zoom = None
        self._move_cursor(None)
        self._forget_sheet()

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
            cell = self._dragged.width / self._frame.width
            self._look(self._dragged.panned((self._pressed - event.screen_x) * cell, self._bounds))
            self._forget_sheet()
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
        column = offset.x - self._frame.left if offset else -1
        return self._sheet.x_of(column) if self._sheet and 0 <= column < self._frame.width else None

    def _point_at(self, event: events.MouseEvent) -> None:
        x = self._x_under(event)
        if x is not None:
            self._move_cursor(reading.nearest_x(self._series, x))

    def _zoom_by(self, factor: float, at: float | None) -> None:
        if self._bounds:
            view = self._zoom or self._bounds
            seen = at is not None and view.low <= at <= view.high
            self._look(view.zoomed(factor, at if at is not None and seen else view.low + view.width / 2, self._bounds))
            self._forget_sheet()

    def _pan_by(self, share: float) -> None:
        if self._zoom and self._bounds:
            self._look(self._zoom.panned(share * self._zoom.width, self._bounds))
            self._forget_sheet()

    def _look(self, window: Window) -> None:
        self._zoom = None if window == self._bounds else window

    def _step_cursor(self, direction: int) -> None:
        """To the next point that is at least a cell away; the first step goes to the last point in the window."""
        view = self._zoom or self._bounds
        if not view:
            return
        if self._cursor is None:
            x = reading.next_x(self._series, view.high, -1)
        else:
            away = self._cursor + direction * view.width / self._frame.width
            x = reading.next_x(self._series, away, direction)
            x = reading.next_x(self._series, away, -direction) if x is None else x
        self._hovering = False
        self._move_cursor(x)
        if x is not None and self._zoom and self._bounds and not view.low <= x <= view.high:
            self._look(view.panned(x - (view.high if x > view.high else view.low), self._bounds))
            self._forget_sheet()

    def _move_cursor(self, x: float | None) -> None:
        if x != self._cursor:
            self._cursor = x
            self.post_message(self.CursorMoved(self, x))
            self._draw_soon()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._draw_soon()

    def _forget_sheet(self) -> None:
        self._sheet = None
        self._draw_soon()

    def _draw_soon(self) -> None:
        """Draws after what is being handled now, however much of it asks for that."""
        if self.is_attached and not self._waiting:
            self._waiting = True
            self.call_next(self.draw)

    def draw(self) -> None:
        """Brings the picture up to date, and has the lines that differ shown."""
        self._waiting = False
        if not self.is_attached or not self.size:
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
        if not self._sheet or size != self._drawn_size:
            self._draw_sheet(size)
        assert self._sheet
        inks = self._inks()
        lines = self._picture.lines(self._sheet, self._frame, inks)
        self._strips = [line.adjust_cell_length(size.width, inks.ground) for line in lines[: size.height]]
        self._drawn_size = size

    @property
    def _picture(self) -> Picture:
        return Picture(
            self._series,
            self._layers,
            self._marks,
            self._x_name,
            self._y_name,
            self._seconds,
            self.smoothing,
            self._cursor,
        )

    def _draw_sheet(self, size: Size) -> None:
        """Draws the curves; a second time where the labels of the y axis turn out wider than most are."""
        named = [one.label for one in self._series if not one.faint]
        end_label = min(max(map(cell_len, named)) + 2, _END_LABEL) if len(named) > 1 else 0
        view = self._zoom or self._bounds or Window(0.0, 1.0)
        label, legend = _Y_LABEL, self._picture.legend_rows(size.width)
        for _ in range(2):
            self._frame = frame = Frame.fit(size.width, size.height, legend=legend, label=label, end_label=end_label)
            self._sheet = curves.draw(
                self._layers,
                [one.marker for one in self._series],
                view,
                log=self.log_y,
                width=frame.width,
                height=frame.height,
            )
            widest = max(map(cell_len, paint.y_ticks(self._sheet).values()), default=0)
            if widest <= label:
                return
            label = min(widest, _WIDEST_Y_LABEL)

    def _inks(self) -> Inks:
        ground = self.rich_style
        behind = self.background_colors[1]
        title, axis, grid, mark, cursor, notice = (
            self.get_component_rich_style(f"chart--{part}")
            for part in ("title", "axis", "grid", "mark", "cursor", "notice")
        )
        layers = []
        for layer in self._layers:
            color = self._colors[layer.series]
            shown = color.blend(behind, _FAINT) if layer.faint else color
            layers.append(ground + Style(color=shown.rich_color))
        column = Style(bgcolor=cursor.bgcolor)
        return Inks(ground, title, axis, grid, mark, cursor, notice, column, tuple(layers))
