"""The chart as it is on the screen: what keys and the mouse do to it, and what it makes of odd data and names."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import ClassVar

import numpy as np
import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.pilot import Pilot

from ageui.tui.chart.chart import Chart, Mark, Series

pytestmark = pytest.mark.app

BRAILLE = {chr(code) for code in range(0x2801, 0x2900)}


class Bound(Chart):
    BINDINGS: ClassVar[list[BindingType]] = [
        ("plus", "zoom_in"),
        ("minus", "zoom_out"),
        ("h", "pan_left"),
        ("l", "pan_right"),
        ("0", "zoom_reset"),
        ("y", "toggle_log"),
        ("s", "more_smoothing"),
        ("a", "less_smoothing"),
        ("left", "cursor_left"),
        ("right", "cursor_right"),
    ]


class OneChart(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.read: list[float | None] = []

    def compose(self) -> ComposeResult:
        yield Bound()

    def on_mount(self) -> None:
        self.query_one(Chart).focus()

    def on_chart_cursor_moved(self, message: Chart.CursorMoved) -> None:
        self.read.append(message.x)


Shown = Callable[[Chart, Pilot[None], OneChart], Awaitable[None]]


def on_screen(test: Shown, size: tuple[int, int] = (100, 30)) -> None:
    async def run() -> None:
        app = OneChart()
        async with app.run_test(size=size) as pilot:
            await test(app.query_one(Chart), pilot, app)

    asyncio.run(run())


def lines(chart: Chart) -> list[str]:
    return [chart.render_line(row).text for row in range(chart.size.height)]


def text(chart: Chart) -> str:
    return "\n".join(lines(chart))


def series(y: object, *, x: object = None, label: str = "train", color: str = "#4e79a7", faint: bool = False) -> Series:
    heights = np.asarray(y, dtype=np.float64)
    places = np.arange(len(heights), dtype=np.float64) if x is None else np.asarray(x, dtype=np.float64)
    return Series(label, label, places, heights, color, faint)


def show(chart: Chart, *shown: Series, marks: tuple[Mark, ...] = ()) -> None:
    chart.show(shown, marks, x_name="epoch", y_name="loss")


RAMP = series(np.arange(101.0))


def test_says_what_it_shows() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        show(chart, RAMP, series(np.arange(101.0)[::-1], label="valid"), marks=(Mark(50.0, "stage 2"),))
        await pilot.pause()
        shown = lines(chart)
        assert shown[0].startswith("loss")
        assert "● train 100" in shown[1]
        assert "◆ valid 0" in shown[1]
        assert "│stage 2" in text(chart)
        assert shown[-1].split() == ["0", "20", "40", "60", "80", "100", "epoch"]
        assert shown[2].endswith("● train")
        assert shown[-3].endswith("◆ valid")
        assert set(text(chart)) & BRAILLE

    on_screen(test)


def test_keys_zoom_pan_and_reset() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        show(chart, RAMP)
        assert chart.window == (0.0, 100.0)
        await pilot.press("plus")
        assert chart.window == (25.0, 75.0)
        await pilot.press("l")
        assert chart.window == (37.5, 87.5)
        await pilot.press("h", "h", "h", "h", "h")
        assert chart.window == (0.0, 50.0)
        assert "60" not in lines(chart)[-1]
        await pilot.press("minus")
        assert chart.window == (0.0, 100.0)
        await pilot.press("plus", "plus", "0")
        assert chart.window == (0.0, 100.0)

    on_screen(test)


def test_the_wheel_zooms_at_the_pointer_and_dragging_pans() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        show(chart, RAMP)
        await pilot.pause()
        for kind in (events.MouseScrollUp, events.MouseScrollUp, events.MouseScrollDown):
            chart.post_message(kind(chart, 8, 10, 0, 0, 0, False, False, False, 8, 10))
        await pilot.pause()
        assert chart.window is not None
        low, high = chart.window
        assert low == pytest.approx(0.0, abs=0.5)
        assert high == pytest.approx(80.0, abs=0.5)
        await pilot.mouse_down(Chart, offset=(60, 10))
        await pilot.hover(Chart, offset=(50, 10))
        await pilot.mouse_up(Chart, offset=(50, 10))
        assert chart.window[0] == pytest.approx(low + 10 * 80 / 92, abs=0.5)
        assert chart.cursor is None

    on_screen(test)


def test_a_zoomed_window_stays_and_at_the_end_follows() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        show(chart, RAMP)
        await pilot.press("plus")
        show(chart, series(np.arange(201.0)))
        assert chart.window == (25.0, 75.0)
        show(chart, RAMP)
        await pilot.press("l", "l", "l")
        assert chart.window == (50.0, 100.0)
        show(chart, series(np.arange(201.0)))
        assert chart.window == (150.0, 200.0)
        await pilot.press("0")
        show(chart, series(np.arange(301.0)))
        assert chart.window == (0.0, 300.0)

    on_screen(test)


def test_the_cursor_reads_points_by_key() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        show(chart, series([5.0, 4.0, 3.25, 2.0]), series([9.0, 8.5], x=[0.0, 1.0], label="valid"))
        await pilot.press("left")
        assert chart.cursor == 3.0
        await pilot.press("left")
        shown = lines(chart)
        assert "epoch 2" in shown[0]
        assert "● train 3.25" in shown[1]
        assert "◆ valid —" in shown[1]
        await pilot.press("left")
        assert "◆ valid 8.5" in lines(chart)[1]
        await pilot.press("left", "left", "right", "0")
        assert "epoch" not in lines(chart)[0]
        await pilot.pause()
        assert app.read == [3.0, 2.0, 1.0, 0.0, 1.0, None]

    on_screen(test)


def test_the_cursor_takes_the_window_along() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        show(chart, series(np.arange(11.0)))
        await pilot.press("plus", "plus", "left")
        assert chart.cursor == 6.0
        await pilot.press("right")
        assert chart.cursor == 7.0
        assert chart.window is not None
        assert chart.window[1] == 7.0

    on_screen(test)


def test_the_cursor_follows_the_mouse_until_it_leaves_and_stays_where_it_was_clicked() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        show(chart, RAMP)
        await pilot.pause()
        await pilot.hover(Chart, offset=(8, 10))
        assert chart.cursor == 0.0
        await pilot.hover(Chart, offset=(99, 10))
        assert chart.cursor == 100.0
        assert lines(chart)[10].endswith("│")
        chart.post_message(events.Leave(chart))
        await pilot.pause()
        assert chart.cursor is None
        await pilot.click(Chart, offset=(99, 10))
        chart.post_message(events.Leave(chart))
        await pilot.pause()
        assert chart.cursor == 100.0

    on_screen(test)


def test_a_log_scale_says_what_it_cannot_show() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        show(chart, series([100.0, 10.0, 0.0, -1.0, 0.0, 0.001]))
        await pilot.press("y")
        shown = lines(chart)
        assert "loss · log" in shown[0]
        assert shown[0].endswith("3 values ≤ 0 not shown")
        ticks = [line.split("┤")[0].strip() for line in shown if "┤" in line]
        assert ticks == ["100", "10", "1", "0.1", "0.01", "0.001"]
        await pilot.press("y")
        assert "≤ 0" not in text(chart)

    on_screen(test)


def test_smoothing_is_stepped_and_read_beside_the_raw_value() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        show(chart, series([1.0, 2.0, 4.0]))
        await pilot.press("s", "s")
        assert chart.smoothing == 0.6
        assert "smoothed 0.60 (raw)" in lines(chart)[0]
        assert "● train 2.837 (4)" in lines(chart)[1]
        await pilot.press("a", "a", "a")
        assert chart.smoothing == 0.0
        chart.smoothing = 7.0
        assert chart.smoothing == 0.99

    on_screen(test)


def test_values_that_are_not_finite_are_told_of_where_they_are() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        y = np.linspace(1.0, 2.0, 100)
        y[60:], y[20], y[30] = np.nan, np.inf, -np.inf
        show(chart, series(y))
        await pilot.pause()
        shown = lines(chart)
        assert shown[0].endswith("42 values not finite")
        assert "● train NaN" in shown[1]
        assert shown[2].strip().endswith("✗" + "╌" * 36)
        assert shown[2].count("↑") == 1
        assert shown[-3].count("↓") == 1

    on_screen(test)


ODD: list[tuple[list[Series], str]] = [
    ([], "no points yet"),
    ([series([])], "no points yet"),
    ([series([np.nan] * 5)], "no finite values"),
    ([series([1.0])], "●"),
    ([series([3.0] * 50)], "3"),
    ([series([1e300, -1e300, 1.7e308, -1.7e308])], "e308"),
    ([series([0.0, 5e-324])], "●"),
    ([series([1.0, 2.0], x=[np.nan, np.inf])], "no points yet"),
    ([series([1.0, 2.0, 3.0], x=[-1e308, 0.0, 1.7e308])], "●"),
    ([series([1.0, 2.0, 3.0], x=[3.0, 1.0, 2.0])], "●"),
    ([series(np.arange(9.0) + n, label=f"run {n}") for n in range(40)], "more"),
    ([series(np.arange(9.0) + n, label=f"run {n}", faint=True) for n in range(40)], "more"),
]
ACTIONS = "zoom_in cursor_left cursor_left toggle_log more_smoothing cursor_right pan_left zoom_out toggle_log "
ACTIONS += "less_smoothing less_smoothing zoom_reset"


@pytest.mark.parametrize("size", [(80, 24), (24, 8), (10, 5), (3, 2), (1, 1)])
def test_odd_data_is_drawn(size: tuple[int, int]) -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        for shown, said in ODD:
            show(chart, *shown, marks=(Mark(1.0, "stage 2"), Mark(1e9, "far"), Mark(float("nan"), "nowhere")))
            for action in ACTIONS.split():
                getattr(chart, f"action_{action}")()
                chart.draw()
                assert [chart.render_line(row).cell_length for row in range(size[1])] == [size[0]] * size[1]
            await pilot.pause()
            assert said in text(chart) or size[0] < 80

    on_screen(test, size)


HOSTILE = [
    "[/]",
    "[@click=app.quit]quit[/]",
    "[bold red]x",
    "\x1b[31mred\x1b[0m\x07\x00",
    "\u202eevil\u202c \u200f\u061cname",
    "name\nof two\tlines",
    "x" * 200,
    "名前" * 40,
    "👩\u200d👩\u200d👧 e\u0301",
    "",
]


@pytest.mark.parametrize("size", [(100, 30), (80, 24), (20, 8), (3, 2)])
def test_names_from_outside_are_text(size: tuple[int, int]) -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        y = np.arange(20.0)
        for name in HOSTILE:
            one = Series("a", name, y, y, "#4e79a7", marker=name[:1])
            other = Series("b", name, y[:9], 20 - y[:9], "#f28e2b")
            chart.show([one, other], [Mark(5.0, name), Mark(19.0, name)], x_name=name, y_name=name)
            chart.action_cursor_left()
            await pilot.pause()
            assert [chart.render_line(row).cell_length for row in range(size[1])] == [size[0]] * size[1]
            assert not set(text(chart)) & set("\x1b\x07\x00\t\u202e\u202c\u200f\u061c")
            assert name in text(chart) or not name.startswith("[") or size[0] < 80
            runs = [run for row in range(size[1]) for run in chart.render_line(row)]
            assert not any(run.style.meta for run in runs if run.style)

    on_screen(test, size)


def test_every_series_has_its_own_marker() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        chart.show(
            [
                Series("a", "a", np.arange(3.0), np.arange(3.0), "#4e79a7"),
                Series("b", "b", np.arange(3.0), np.arange(3.0) + 1, "#4e79a7", marker="●"),
                Series("c", "c", np.arange(3.0), np.arange(3.0) + 2, "#4e79a7", marker="名"),
            ],
            x_name="epoch",
            y_name="loss",
        )
        await pilot.pause()
        assert [part for part in lines(chart)[1].split() if not part.isascii()] == ["◆", "●", "▲"]

    on_screen(test)


def colors(chart: Chart, characters: set[str]) -> set[str]:
    """Colours, as #rrggbb, of the runs of text in which a character is."""
    runs = [segment for row in range(chart.size.height) for segment in chart.render_line(row)]
    found = [run.style.color for run in runs if run.style and set(run.text) & characters]
    return {color.triplet.hex for color in found if color and color.triplet}


def test_strong_lines_clear_faint_ones_from_their_cells_and_the_last_is_on_top() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        noise = series(np.tile([0.0, 1.0], 2000), label="noise", color="#ff0000", faint=True)
        level = series([0.5, 0.5], x=[0.0, 3999.0], label="level", color="#00ff00")
        show(chart, level, noise)
        await pilot.pause()
        assert "#00ff00" not in colors(chart, {"⣿"})
        assert "#ff0000" not in colors(chart, BRAILLE)
        assert any(dots * 20 in text(chart) for dots in "⠉⠒⠤⣀")
        both = [series([1.0, 2.0], label="below", color="#0000ff"), series([1.0, 2.0], label="top", color="#00ff00")]
        show(chart, *both)
        await pilot.pause()
        assert colors(chart, BRAILLE) == {"#00ff00"}

    on_screen(test)


def test_only_lines_that_differ_are_drawn_again() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        show(chart, RAMP)
        await pilot.pause()
        before = [chart.render_line(row) for row in range(chart.size.height)]
        show(chart, series([*np.arange(100.0), 99.5]))
        show(chart, series([*np.arange(100.0), 100.0]))
        asked: list[object] = []
        refresh = chart.refresh
        chart.refresh = lambda *regions, **options: asked.extend(regions) or refresh(*regions, **options)  # type: ignore
        await pilot.pause()
        assert not asked
        assert [chart.render_line(row) for row in range(chart.size.height)] == before
        show(chart, series([*np.arange(100.0), 99.5]))
        await pilot.pause()
        assert 0 < len(asked) < chart.size.height

    on_screen(test)


def test_colours_follow_the_theme() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        show(chart, RAMP)
        await pilot.pause()
        dark = chart.render_line(0)
        app.theme = "textual-light"
        await pilot.pause()
        await pilot.pause()
        assert chart.render_line(0).text == dark.text
        assert chart.render_line(0) != dark

    on_screen(test)


def test_a_time_axis_and_shapes_that_do_not_match() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        chart.show([series([1.0, 2.0], x=[0.0, 4800.0])], x_name="elapsed", y_name="loss", x_kind="seconds")
        await pilot.press("left")
        assert "elapsed 1:20:00" in lines(chart)[0]
        assert "30:00" in lines(chart)[-1]
        with pytest.raises(ValueError, match="equally long"):
            show(chart, series([1.0, 2.0], x=[1.0]))

    on_screen(test)
