"""The raster against a reference that draws every point and every dot of every line on its own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ageui.tui.chart import raster
from ageui.tui.chart.raster import Floats
from ageui.tui.chart.smoothing import smoothed


def dots(
    x: Floats, y: Floats, window: tuple[float, float], size: tuple[int, int], ends: tuple[float, float]
) -> raster.Dots:
    columns, rows = size
    return raster.rasterise(raster.trace(x, y, window, columns), *ends, columns, rows)


def reference(
    x: Floats, y: Floats, window: tuple[float, float], size: tuple[int, int], ends: tuple[float, float]
) -> raster.Dots:
    """Point by point, line by line, column by column, of the points in the window and one more on either side."""
    columns, rows = size
    left, right = window
    near = np.flatnonzero((x >= left) & (x <= right))
    begin, stop = (near[0], near[-1] + 1) if near.size else (np.count_nonzero(x < left),) * 2
    x, y = x[max(begin - 1, 0) : stop + 1], y[max(begin - 1, 0) : stop + 1]
    bottom, top = ends
    picture = np.zeros((rows, columns), bool)
    column_of = [round((one - left) / (right - left) * (columns - 1)) for one in x]

    def height(value: float) -> float:
        return min(max((top - value) / (top - bottom), 0), 1) * (rows - 1)

    for at, value in enumerate(y):
        if np.isfinite(value) and 0 <= column_of[at] < columns:
            picture[round(height(value)), column_of[at]] = True
        if at == 0 or not (np.isfinite(value) and np.isfinite(y[at - 1])):
            continue
        begin, end, before = column_of[at - 1], column_of[at], y[at - 1]
        for column in range(max(begin, 0), min(end, columns - 1) + 1):
            parts = [0.0, 1.0] if begin == end else [(column + half - begin) / (end - begin) for half in (-0.5, 0.5)]
            ends = [before * (1 - part) + value * part for part in (min(max(part, 0), 1) for part in parts)]
            upper, lower = sorted(height(one) for one in ends)
            if begin < column < end and lower - upper < 1:
                picture[round((upper + lower) / 2), column] = True
            else:
                picture[[row for row in range(rows) if upper <= row < lower], column] = True
    return picture


values = st.one_of(st.floats(-3, 3), st.sampled_from([np.nan, np.inf, -np.inf]))


@given(y=st.lists(values, min_size=1, max_size=60), step=st.sampled_from([0.125, 1.0, 2.5]), data=st.data())
def test_same_dots_as_the_reference(y: list[float], step: float, data: st.DataObject) -> None:
    x, heights = np.arange(len(y)) * step + 0.01, np.array(y)
    low = data.draw(st.floats(-2.0, 40.0))
    window = (low, low + data.draw(st.floats(1.0, 60.0)))
    arguments = (x, heights, window, (24, 16), (-3.0, 3.0))
    np.testing.assert_array_equal(dots(*arguments), reference(*arguments))


def test_a_known_picture() -> None:
    x, y = np.arange(4.0), np.array([0.0, 1.0, 2.0, 3.0])
    picture = dots(x, y, (0.0, 3.0), (4, 4), (0.0, 3.0))
    assert raster.braille(picture).tolist() == [[0x40 | 0x20, 0x02 | 0x08]]


def test_braille_numbers_each_dot() -> None:
    patterns = [raster.braille(np.arange(8).reshape(4, 2) == dot).item() for dot in range(8)]
    assert patterns == [0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80]


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_no_line_bridges_a_hole(hole: float) -> None:
    y = np.array([1.0, 1.0, hole, hole, 1.0, 1.0])
    picture = dots(np.arange(6.0), y, (0.0, 5.0), (51, 8), (0.0, 2.0))
    assert picture[:, :11].any(axis=0).all()
    assert not picture[:, 11:40].any()
    assert picture[:, 40:].any(axis=0).all()


def test_a_hole_within_a_column_is_not_bridged_either() -> None:
    x, y = np.array([0.0, 0.5, 0.50001, 0.50002, 1.0]), np.array([0.0, 0.0, np.nan, 2.0, 2.0])
    assert dots(x, y, (0.0, 1.0), (3, 9), (0.0, 2.0))[:, 1].nonzero()[0].tolist() == [0, 8]


def test_holes_are_listed_by_column() -> None:
    y = np.array([1.0, np.nan, np.nan, np.inf, -np.inf, 1.0])
    found = raster.trace(np.arange(6.0), y, (0.0, 5.0), 6)
    assert (found.nan.tolist(), found.above.tolist(), found.below.tolist(), found.lost) == ([1, 2], [3], [4], 4)
    assert raster.trace(np.arange(6.0), y, (3.0, 5.0), 3).nan.tolist() == []


@pytest.mark.parametrize("at", [0, 1, 49_999, 77_777, 99_999])
def test_no_spike_is_lost(at: int) -> None:
    y = np.zeros(100_000)
    y[at] = 1.0
    picture = dots(np.arange(1e5), y, (0.0, 99_999.0), (260, 120), (0.0, 1.0))
    assert picture[0].nonzero()[0].tolist() == [round(at / 99_999 * 259)]
    assert picture[-1].all()


def test_a_line_crosses_a_window_without_points() -> None:
    x, y = np.array([0.0, 1e9]), np.array([0.0, 1e9])
    found = raster.trace(x, y, (4e8, 6e8), 11)
    assert found.end is None
    assert found.lines.columns.tolist() == list(range(11))
    assert found.extent() == pytest.approx((3.9e8, 6.1e8))


def test_a_log_scale_breaks_at_values_that_are_not_positive() -> None:
    found = raster.trace(np.arange(5.0), np.array([100.0, 0.0, -1.0, 10.0, np.nan]), (0.0, 4.0), 5, log=True)
    assert found.hidden == 2
    assert found.points.columns.tolist() == [0, 3]
    np.testing.assert_allclose(found.points.high, [2.0, 1.0])


def test_huge_values_stay_in_the_picture() -> None:
    y = np.array([-1.7e308, 1.7e308, 1e300])
    picture = dots(np.arange(3.0), y, (0.0, 2.0), (3, 4), (-1.7e308, 1.7e308))
    assert picture.any(axis=0).all()
    assert picture[0, 1]
    assert picture[3, 0]


@given(
    y=st.lists(st.one_of(st.floats(-1e6, 1e6), st.sampled_from([np.nan, np.inf])), max_size=300),
    weight=st.floats(0.0, 0.99),
)
def test_smoothing_is_the_debiased_average(y: list[float], weight: float) -> None:
    expected, total, count = [], 0.0, 0
    for value in y:
        if not np.isfinite(value):
            expected.append(value)
            continue
        total, count = total * weight + (1 - weight) * value, count + 1
        expected.append(total / (1 - weight**count))
    np.testing.assert_allclose(smoothed(np.array(y, float), weight), expected, rtol=1e-9, atol=1e-6)
