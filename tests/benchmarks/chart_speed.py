"""How long the chart takes to redraw, at 130 x 36 cells. Run: python tests/benchmarks/chart_speed.py

A redraw is new points given to the widget, its picture, Textual's compositing of the whole screen and the sequences a
terminal would get, in an application without a terminal. textual-plot does the same beside it where it is installed,
from points already reduced to the lowest and highest of each column of cells.
"""

import asyncio
import statistics
import time
from collections.abc import Callable

import numpy as np
from textual.app import App, ComposeResult
from textual.widget import Widget

from ageui.tui.chart.chart import Chart
from ageui.tui.chart.raster import Floats
from ageui.tui.chart.series import Series, VerticalLine

try:
    from textual_plot import HiResMode, PlotWidget
except ImportError:
    PlotWidget = None

SIZE, SERIES, REPEATS = (130, 36), 8, 40
COLORS = ("#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f", "#edc948", "#b07aa1", "#ff9da7")


class OneWidget(App[None]):
    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.shown = widget

    def compose(self) -> ComposeResult:
        yield self.shown


def curves(kind: str, points: int, random: np.random.Generator) -> list[tuple[Floats, Floats]]:
    """Losses that fall smoothly, or about a level each with as much noise as there is fall."""
    x = np.arange(points, dtype=np.float64)
    falls = [np.exp(-x / points * (3 + place)) + 0.1 * (place + 1 + random.random()) for place in range(SERIES)]
    if kind == "smooth":
        return [(x, fall) for fall in falls]
    return [(x, np.abs(fall + random.normal(size=points) * 0.3) + 1e-3) for fall in falls]


async def redraws(widget: Widget, kind: str, points: int, draw: Callable[[list[tuple[Floats, Floats]]], None]) -> str:
    """Median and 95th percentile of the milliseconds of a redraw, each of other curves than before."""
    app, random = OneWidget(widget), np.random.default_rng(0)
    seconds = []
    async with app.run_test(size=SIZE) as pilot:
        for _ in range(REPEATS + 2):
            await pilot.pause()
            data = curves(kind, points, random)
            begin = time.perf_counter()
            draw(data)
            strips = app.screen._compositor.render_strips()
            text = "".join(strip.render(app.console) for strip in strips)
            seconds.append(time.perf_counter() - begin)
            assert any(ord("⠀") < ord(character) <= ord("⣿") for character in text)
    seconds = sorted(seconds[2:])
    return f"{statistics.median(seconds) * 1000:7.1f} ms median {seconds[int(0.95 * REPEATS)] * 1000:7.1f} ms p95"


def of_chart(kind: str, points: int, *, log: bool = False, smoothing: float = 0.0) -> str:
    chart = Chart()
    chart.log_y, chart.smoothing = log, smoothing

    def draw(data: list[tuple[Floats, Floats]]) -> None:
        series = [
            Series(f"{place}", f"run {place}", x, y, color)
            for place, ((x, y), color) in enumerate(zip(data, COLORS, strict=True))
        ]
        chart.show(series, [VerticalLine(points / 2, "stage 2")], x_name="step", y_name="loss")
        chart.draw()

    return asyncio.run(redraws(chart, kind, points, draw))


def of_textual_plot(kind: str, points: int) -> str:
    plot = PlotWidget()

    def draw(data: list[tuple[Floats, Floats]]) -> None:
        plot.clear()
        for (x, y), color in zip(data, COLORS, strict=True):
            begins = np.linspace(0, len(x), SIZE[0], endpoint=False).astype(np.int64)
            ends = np.stack([np.minimum.reduceat(y, begins), np.maximum.reduceat(y, begins)], axis=1)
            plot.plot(np.repeat(x[begins], 2), ends.ravel(), line_style=color, hires_mode=HiResMode.BRAILLE)
        plot.render()

    return asyncio.run(redraws(plot, kind, points, draw))


def main() -> None:
    for points in (10_000, 100_000):
        for kind in ("smooth", "noise"):
            about = f"{SERIES} x {points:,} {kind}"
            print(f"{about:20} linear         {of_chart(kind, points)}")
            print(f"{about:20} log            {of_chart(kind, points, log=True)}")
            print(f"{about:20} smoothing 0.6  {of_chart(kind, points, smoothing=0.6)}")
            beside = of_textual_plot(kind, points) if PlotWidget else "not installed"
            print(f"{about:20} textual-plot   {beside}")


if __name__ == "__main__":
    main()
