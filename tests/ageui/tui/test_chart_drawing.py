"""The chart draws odd data and names, tells series apart, and redraws only lines that changed."""

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
from chart_app import BRAILLE, RAMP, OneChart, lines, on_screen, series, show, text
from textual.pilot import Pilot

from ageui.tui.chart.chart import Chart
from ageui.tui.chart.series import MarkedPoint, Series, VerticalLine

pytestmark = pytest.mark.app


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
            show(chart, *shown, lines_at={1.0: "stage 2", 1e9: "far", float("nan"): "nowhere"})
            for action in ACTIONS.split():
                getattr(chart, f"action_{action}")()
                chart.draw()
                assert [chart.render_line(row).cell_length for row in range(size[1])] == [size[0]] * size[1]
            await pilot.pause()
            assert said in text(chart) or size[0] < 80

    on_screen(test, size)


def test_a_marked_point_is_drawn_on_its_curve_and_named_in_the_legend() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        def marked(x: float, text: str) -> None:
            falling = replace(series([4.0, 2.0, 1.0, 3.0], label="MAE"), marked=MarkedPoint(x, text))
            show(chart, falling, series([5.0, 5.0, 5.0, 5.0], label="other"))
            chart.draw()

        marked(2.0, "1.00 @ 12")
        (far,) = (line.index("◎") for line in lines(chart) if "◎" in line)
        assert "MAE 1.00 @ 12" in text(chart)
        marked(1.0, "")
        (near,) = (line.index("◎") for line in lines(chart) if "◎" in line)
        assert near < far
        assert "MAE 3" in text(chart), "the last value"
        marked(float("nan"), "2.50")
        assert "MAE 2.50" in text(chart)
        assert "◎" not in text(chart)
        chart.action_cursor_left()
        chart.draw()
        assert "MAE 3" in text(chart), "the cursor reads the curve"

    on_screen(test)


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
            chart.show([one, other], [VerticalLine(5.0, name), VerticalLine(19.0, name)], x_name=name, y_name=name)
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
        assert [part for part in lines(chart)[1].split() if not part.isascii()] == ["■", "●", "○"]

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


@pytest.mark.parametrize("size", [(100, 20), (40, 12), (12, 4)])
def test_a_chart_without_points_has_no_axes(size: tuple[int, int]) -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        for shown in ((), (series([]), series([], label="valid"))):
            show(chart, *shown)
            await pilot.pause()
            drawn = [line.strip() for line in lines(chart) if line.strip()]
            assert drawn[0] == "loss"
            assert drawn[1:] == ["no points yet" if size[0] > 12 else "no points y…"]

    on_screen(test, size)


@pytest.mark.parametrize("width", range(24, 130, 7))
def test_ticks_have_a_label_each_and_labels_do_not_touch(width: int) -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        for x in (np.arange(9.0) + 1, np.arange(50.0) * 1000, np.linspace(0.0, 1.0, 30)):
            show(chart, series(np.arange(float(len(x))), x=x))
            await pilot.pause()
            axis, labels = lines(chart)[-2:]
            left = axis.index("└") + 1
            numbers = list(re.finditer(r"\S+", labels[left:]))
            ticks = [place - left for place, character in enumerate(axis) if character == "┴"]
            assert len(numbers) == len(ticks) >= 1
            assert all(number.start() <= tick < number.end() for number, tick in zip(numbers, ticks, strict=True))
            assert all(after.start() - before.end() >= 2 for before, after in itertools.pairwise(numbers))

    on_screen(test, (width, 16))


def test_epochs_have_no_parts_to_label() -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        show(chart, series([3.0, 2.0], x=[1.0, 2.0]))
        await pilot.pause()
        assert lines(chart)[-1].split() == ["epoch", "1", "2"]

    on_screen(test)


@pytest.mark.parametrize("width", [100, 40, 24])
def test_a_line_is_labelled_whole_or_not_at_all(width: int) -> None:
    async def test(chart: Chart, pilot: Pilot[None], app: OneChart) -> None:
        show(chart, series([3.0, 2.0, 2.5]), lines_at={1.0: "best 2.0 @1"})
        await pilot.pause()
        shown = text(chart)
        assert ("best 2.0 @1" in shown) == (width >= 40)
        assert ("best" in shown) == (width >= 40)

    on_screen(test, (width, 12))
