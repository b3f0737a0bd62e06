import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ageui.tui.chart import axis_ticks

numbers = st.floats(-1e300, 1e300, allow_nan=False)


@given(low=numbers, high=numbers, most=st.integers(2, 20))
def test_linear_ticks_are_few_inside_and_even(low: float, high: float, most: int) -> None:
    low, high = axis_ticks.padded(min(low, high), max(low, high))
    ticks = axis_ticks.linear_ticks(low, high, most)
    slack = (high - low) * 1e-6
    assert len(ticks) <= most
    assert all(low - slack <= tick <= high + slack for tick in ticks)
    assert len(set(axis_ticks.number_labels(ticks))) == len(ticks)
    if len(ticks) > 2:
        np.testing.assert_allclose(np.diff(ticks), ticks[1] - ticks[0], rtol=1e-3)


@given(low=st.floats(-300.0, 308.0), width=st.floats(1e-6, 600.0), most=st.integers(2, 20))
def test_log_ticks_are_few_and_inside(low: float, width: float, most: int) -> None:
    high = min(low + width, 308.0)
    if high <= low:
        return
    ticks = axis_ticks.log_ticks(low, high, most)
    assert len(ticks) <= most
    assert all(low - 1e-3 <= math.log10(tick) <= high + 1e-3 for tick in ticks)
    assert ticks == sorted(set(ticks))


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (-5.0, 0.0, 8, [1e-5, 1e-4, 1e-3, 0.01, 0.1, 1.0]),
        (-9.0, 0.0, 4, [1e-9, 1e-6, 1e-3, 1.0]),
        (-2.3, -1.0, 6, [0.01, 0.02, 0.05, 0.1]),
        (0.0, 0.1, 4, [1.0, 1.1, 1.2]),
    ],
)
def test_log_ticks(low: float, high: float, most: int, expected: list[float]) -> None:
    assert axis_ticks.log_ticks(low, high, most) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("low", "high", "most", "labels"),
    [
        (0.0, 41.0, 5, ["0:00", "0:10", "0:20", "0:30", "0:40"]),
        (0.0, 1200.0, 5, ["0:00", "5:00", "10:00", "15:00", "20:00"]),
        (0.0, 10_000.0, 4, ["0:00", "1:00:00", "2:00:00"]),
        (0.0, 1.0, 3, ["0:00.0", "0:00.5", "0:01.0"]),
        (0.0, 864_000.0, 4, ["0:00", "120:00:00", "240:00:00"]),
    ],
)
def test_ticks_of_a_time(low: float, high: float, most: int, labels: list[str]) -> None:
    assert axis_ticks.duration_labels(axis_ticks.seconds_ticks(low, high, most)) == labels


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (0.0061, "0.0061"),
        (1e-5, "1e-5"),
        (2.5e-7, "2.5e-7"),
        (-0.5, "-0.5"),
        (1234.0, "1234"),
        (12_000.0, "12k"),
        (999_999.0, "1M"),
        (1.5e6, "1.5M"),
        (1e300, "1e300"),
        (math.nan, "NaN"),
        (math.inf, "+inf"),
        (-math.inf, "−inf"),
    ],
)
def test_numbers_are_short(value: float, label: str) -> None:
    assert axis_ticks.number_label(value) == label


@pytest.mark.parametrize(
    ("seconds", "label"),
    [(30.0, "0:30"), (300.0, "5:00"), (4800.0, "1:20:00"), (59.7, "1:00"), (-90.0, "-1:30"), (1e300, "1e300 s")],
)
def test_durations(seconds: float, label: str) -> None:
    assert axis_ticks.duration_label(seconds) == label


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        ([0.006, 0.0065, 0.007], ["0.006", "0.0065", "0.007"]),
        ([100_001.0, 100_002.0], ["100.001k", "100.002k"]),
        ([0.0], ["0"]),
        ([], []),
    ],
)
def test_labels_tell_ticks_apart(ticks: list[float], labels: list[str]) -> None:
    assert axis_ticks.number_labels(ticks) == labels


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5, 1e300, -1e300, 5e-324])
def test_a_constant_gets_a_range_around_it(value: float) -> None:
    low, high = axis_ticks.padded(value, value)
    assert low < value < high
