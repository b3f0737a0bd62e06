"""Scatter plots: places of points, labels without collisions, ticks and titles at any size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from ageui.tui.chart.plot_strips import ChartStyles
from ageui.tui.chart.scatter_plot import DotCloud, ScatterAxis, ScatterLine, ScatterPlot, ScatterPoint, scatter_strips

pytestmark = pytest.mark.fast

STYLES = ChartStyles(*[Style()] * 8, layers=())
MAE, BIAS = ScatterAxis("MAE", "years"), ScatterAxis("age bias", "years")


def drawn(plot: ScatterPlot, width: int, height: int) -> list[str]:
    strips = scatter_strips(plot, width, height, STYLES)
    assert len(strips) == height
    assert {strip.cell_length for strip in strips} == {width}
    assert {cell_len(strip.text) for strip in strips} == {width}
    return [strip.text for strip in strips]


def points(*places: tuple[float, float, str], marker: str = "●") -> list[ScatterPoint]:
    return [ScatterPoint(x, y, label, marker) for x, y, label in places]


RUNS = points((7.44, 4.39, "mse"), (9.98, 17.07, "mape"), (9.4, 9.0, "mae"), (11.36, 15.84, "constant"))


@pytest.mark.parametrize("size", [(20, 6), (38, 10), (78, 20), (118, 30), (198, 50)])
def test_all_points_are_marked_and_named_and_both_axes_titled(size: tuple[int, int]) -> None:
    lines = drawn(ScatterPlot(MAE, BIAS, RUNS), *size)
    whole = "\n".join(lines)
    assert whole.count("●") == 4
    assert "age bias" in lines[0]
    assert ("MAE, years" in lines[-1]) if size[1] >= 12 else ("by MAE" in lines[0])
    assert sum(label in whole for label in ("mse", "mape", "mae", "constant")) >= (4 if size[0] > 20 else 2)
    assert lines[-2 if size[1] >= 12 else -1].split(), "the x axis has tick labels"
    assert sum("┤" in line for line in lines) >= 2


def test_higher_and_larger_values_lie_higher_and_further_right() -> None:
    lines = drawn(ScatterPlot(MAE, BIAS, [*points((1, 1, ""), marker="a"), *points((2, 3, ""), marker="b")]), 40, 12)
    (row_a, column_a), (row_b, column_b) = (
        next((row, line.index(mark)) for row, line in enumerate(lines[1:-3]) if mark in line) for mark in "ab"
    )
    assert row_a > row_b
    assert column_a < column_b


def test_points_in_one_cell_are_counted_at_the_first() -> None:
    whole = "\n".join(drawn(ScatterPlot(MAE, BIAS, points((5, 5, "first"), (5, 5, "second"), (9, 9, "far"))), 60, 14))
    assert "● first +1" in whole.replace("┈", " ")
    assert "second" not in whole


def test_a_label_without_room_is_left_out_and_covers_no_other() -> None:
    crowd = points(*((place % 8, place // 8, f"run {place:02}") for place in range(64)))
    lines = drawn(ScatterPlot(MAE, BIAS, crowd), 60, 16)
    whole = "\n".join(lines)
    assert whole.count("●") == 64
    assert whole.count("run ") == sum(f"run {place:02}" in whole for place in range(64))


def test_a_log_axis_has_powers_of_ten_and_leaves_out_zero() -> None:
    rates = points(*((10.0**-power, power, f"p{power}") for power in range(5)), (0.0, 2, "zero"))
    lines = drawn(ScatterPlot(ScatterAxis("lr", log=True), BIAS, rates), 60, 14)
    assert "0.01" in lines[-2]
    assert "zero" not in "\n".join(lines)


def test_a_field_of_names_has_names_for_ticks() -> None:
    losses = ScatterAxis("loss", names=("mse", "mape", "huber"))
    lines = drawn(ScatterPlot(losses, BIAS, points((0, 4, ""), (2, 5, ""))), 60, 14)
    assert lines[-2].split() == ["mse", "mape", "huber"]
    down = drawn(ScatterPlot(BIAS, losses, points((4, 0, ""), (5, 2, ""))), 60, 14)
    assert [line.split("┤")[0].strip() for line in down if "┤" in line] == ["huber", "mape", "mse"]


def test_thousands_of_points_are_braille_and_the_diagonal_crosses_the_plot() -> None:
    ages = np.linspace(0, 90, 3000)
    axes = ScatterAxis("true age", low=0.0, high=100.0), ScatterAxis("predicted age", low=0.0, high=100.0)
    without = drawn(ScatterPlot(*axes, clouds=[DotCloud(ages, ages * 0 + 30, Style())]), 60, 20)
    dotted = [line for line in without if any("⠀" < character <= "⣿" for character in line)]
    assert len(dotted) == 1
    with_diagonal = drawn(ScatterPlot(*axes, clouds=[DotCloud(ages, ages * 0 + 30, Style())], diagonal=Style()), 60, 20)
    assert all(any("⠀" < character <= "⣿" for character in line) for line in with_diagonal[1:-3])


def test_a_line_stays_inside_the_plot() -> None:
    steep = ScatterLine(np.array([7.0, 8.0, 9.0]), np.array([0.0, 10.0, 1000.0]), Style())
    lines = drawn(ScatterPlot(MAE, BIAS, RUNS, lines=[steep]), 60, 16)
    assert not any("⠀" < character <= "⣿" for character in lines[1][45:])


@pytest.mark.parametrize("nothing", [[], points((float("nan"), 1, "x")), points((float("inf"), 1, "x"))])
def test_a_plot_without_points_says_so_and_has_no_ticks(nothing: list[ScatterPoint]) -> None:
    whole = "\n".join(drawn(ScatterPlot(MAE, BIAS, nothing, nothing="no scores yet"), 40, 12))
    assert "no scores yet" in whole
    assert "┤" not in whole


def test_text_from_outside_is_harmless_and_keeps_the_widths() -> None:
    names = ["[/bold]", "\x1b[31mred", "日本語の名前", "e\u0301" * 5, "\u202eabc", "x" * 500]
    hostile = points(*((place, place, name) for place, name in enumerate(names)))
    whole = "\n".join(drawn(ScatterPlot(ScatterAxis("[/]", names=tuple(names)), ScatterAxis("\x07y"), hostile), 70, 20))
    assert "[/bold]" in whole
    assert "日本語の名前" in whole
    assert "\x1b" not in whole


@given(
    places=st.lists(st.tuples(st.floats(), st.floats(), st.text(max_size=12)), max_size=12),
    width=st.integers(1, 90),
    height=st.integers(1, 30),
    log=st.booleans(),
)
def test_any_points_fit_any_size_and_no_ticks_collide(
    places: list[tuple[float, float, str]], width: int, height: int, *, log: bool
) -> None:
    plot = ScatterPlot(ScatterAxis("x", log=log), ScatterAxis("y"), points(*places))
    lines = drawn(plot, width, height)
    if width >= 16 and height >= 6:
        axis = next(line for line in lines if "└" in line)
        assert len(lines[lines.index(axis) + 1].split()) == axis.count("┴")
