"""An application that shows one chart, and the text it draws."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import ClassVar

import numpy as np
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.pilot import Pilot

from ageui.tui.chart.chart import Chart, Mark, Series

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
