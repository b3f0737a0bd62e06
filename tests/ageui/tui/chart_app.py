"""An application that shows one chart, and the text it draws."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import ClassVar

import numpy as np
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.pilot import Pilot

from ageui.tui import keys
from ageui.tui.chart.chart import Chart
from ageui.tui.chart.series import Series, VerticalLine

BRAILLE = {chr(code) for code in range(0x2801, 0x2900)}


class OneChart(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [*keys.forwarded(keys.CURVES, "chart")]

    def action_chart(self, action: str) -> None:
        getattr(self.query_one(Chart), f"action_{action}")()

    def compose(self) -> ComposeResult:
        yield Chart()

    def on_mount(self) -> None:
        self.query_one(Chart).focus()


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


def show(chart: Chart, *shown: Series, lines_at: Mapping[float, str] = MappingProxyType({})) -> None:
    vertical = [VerticalLine(x, label) for x, label in lines_at.items()]
    chart.show(shown, vertical, x_name="epoch", y_name="loss")


RAMP = series(np.arange(101.0))
