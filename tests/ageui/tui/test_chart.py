"""Keys and the mouse zoom, pan and read the chart; headings say what it shows."""

import numpy as np
import pytest
from chart_app import BRAILLE, RAMP, OneChart, lines, on_screen, series, show, text
from textual import events
from textual.pilot import Pilot

from ageui.tui.chart.chart import Chart

pytestmark = pytest.mark.app


def test_headings_describe_the_chart() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        show(chart, RAMP, series(np.arange(101.0)[::-1], label="valid"), lines_at={50.0: "stage 2"})
        await pilot.pause()
        shown = lines(chart)
        assert shown[0].startswith("loss")
        assert "● train 100" in shown[1]
        assert "■ valid 0" in shown[1]
        assert "│stage 2" in text(chart)
        assert shown[-1].split() == ["epoch", "0", "20", "40", "60", "80", "100"]
        assert shown[2].endswith("● train")
        assert shown[-3].endswith("■ valid")
        assert set(text(chart)) & BRAILLE

    on_screen(test)


def test_keys_zoom_pan_and_reset() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        show(chart, RAMP)
        assert chart.shown_range == (0.0, 100.0)
        await pilot.press("plus")
        assert chart.shown_range == (25.0, 75.0)
        await pilot.press("full_stop")
        assert chart.shown_range == (37.5, 87.5)
        await pilot.press(*["comma"] * 5)
        assert chart.shown_range == (0.0, 50.0)
        assert "60" not in lines(chart)[-1]
        await pilot.press("minus")
        assert chart.shown_range == (0.0, 100.0)
        await pilot.press("plus", "plus", "asterisk")
        assert chart.shown_range == (0.0, 100.0)

    on_screen(test)


def test_the_wheel_zooms_at_the_pointer_and_dragging_pans() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        show(chart, RAMP)
        await pilot.pause()
        for kind in (events.MouseScrollUp, events.MouseScrollUp, events.MouseScrollDown):
            chart.post_message(kind(chart, 8, 10, 0, 0, 0, False, False, False, 8, 10))
        await pilot.pause()
        assert chart.shown_range is not None
        low, high = chart.shown_range
        assert low == pytest.approx(0.0, abs=0.5)
        assert high == pytest.approx(80.0, abs=0.5)
        await pilot.mouse_down(Chart, offset=(60, 10))
        await pilot.hover(Chart, offset=(50, 10))
        await pilot.mouse_up(Chart, offset=(50, 10))
        assert chart.shown_range[0] == pytest.approx(low + 10 * 80 / 92, abs=0.5)
        assert chart.cursor is None

    on_screen(test)


def test_a_zoomed_window_stays_and_at_the_end_follows() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        show(chart, RAMP)
        await pilot.press("plus")
        show(chart, series(np.arange(201.0)))
        assert chart.shown_range == (25.0, 75.0)
        show(chart, RAMP)
        await pilot.press("full_stop", "full_stop", "full_stop")
        assert chart.shown_range == (50.0, 100.0)
        show(chart, series(np.arange(201.0)))
        assert chart.shown_range == (150.0, 200.0)
        await pilot.press("asterisk")
        show(chart, series(np.arange(301.0)))
        assert chart.shown_range == (0.0, 300.0)

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
        assert "■ valid —" in shown[1]
        await pilot.press("left")
        assert "■ valid 8.5" in lines(chart)[1]
        read = []
        for key in ("left", "left", "right", "asterisk"):
            await pilot.press(key)
            read.append(chart.cursor)
        assert read == [0.0, 0.0, 1.0, None]
        assert "epoch" not in lines(chart)[0]

    on_screen(test)


def test_the_cursor_takes_the_window_along() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        show(chart, series(np.arange(11.0)))
        await pilot.press("plus", "plus", "left")
        assert chart.cursor == 6.0
        await pilot.press("right")
        assert chart.cursor == 7.0
        assert chart.shown_range is not None
        assert chart.shown_range[1] == 7.0

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


def test_a_log_scale_counts_hidden_values() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        show(chart, series([100.0, 10.0, 0.0, -1.0, 0.0, 0.001]))
        await pilot.press("l")
        shown = lines(chart)
        assert "loss · log" in shown[0]
        assert shown[0].endswith("3 values ≤ 0 not shown")
        ticks = [line.split("┤")[0].strip() for line in shown if "┤" in line]
        assert ticks == ["100", "10", "1", "0.1", "0.01", "0.001"]
        await pilot.press("l")
        assert "≤ 0" not in text(chart)

    on_screen(test)


def test_smoothing_is_stepped_and_read_beside_the_raw_value() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        show(chart, series([1.0, 2.0, 4.0]))
        await pilot.press("right_square_bracket", "right_square_bracket")
        assert chart.smoothing == 0.6
        assert "smoothed 0.60 (raw)" in lines(chart)[0]
        assert "● train 2.837 (4)" in lines(chart)[1]
        await pilot.press(*["left_square_bracket"] * 3)
        assert chart.smoothing == 0.0
        chart.smoothing = 7.0
        assert chart.smoothing == 0.99

    on_screen(test)


def test_values_that_are_not_finite_are_marked_in_place() -> None:
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


def test_a_time_axis_and_shapes_that_do_not_match() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        chart.show([series([1.0, 2.0], x=[0.0, 4800.0])], x_name="elapsed", y_name="loss", x_kind="seconds")
        await pilot.press("left")
        assert "elapsed 1:20:00" in lines(chart)[0]
        assert "30:00" in lines(chart)[-1]
        with pytest.raises(ValueError, match="equally long"):
            show(chart, series([1.0, 2.0], x=[1.0]))

    on_screen(test)
