"""Intervals around predicted ages: their coverage, their widths, and when there are none."""

import math

import numpy as np
import pytest

from engine.conformal import LEAST_IMAGES, age_intervals
from engine.resampling import Floats


def _faces(n: int, seed: int) -> tuple[Floats, Floats]:
    """Ages and predictions, whose errors are skewed and grow with the predicted age."""
    random = np.random.default_rng(seed)
    predicted = random.uniform(5, 80, n)
    return predicted + (random.gamma(2, 1, n) - 2) * predicted / 10, predicted


@pytest.mark.simulation
@pytest.mark.parametrize("n", [LEAST_IMAGES, 200, 1500])
def test_nine_of_ten_new_faces_lie_inside_and_the_stated_coverage_agrees(n: int) -> None:
    held, stated = [], []
    for seed in range(60):
        intervals = age_intervals(*_faces(n, seed), seed=seed)
        assert intervals is not None
        ages, predicted = _faces(1000, seed + 1000)
        low, high = intervals.around(predicted).T
        held.append(np.mean((low <= ages) & (ages <= high)))
        stated.append(intervals.coverage)
    assert 0.89 <= np.mean(held) <= 0.91 + 2 / n
    assert np.mean(stated) >= 0.89
    assert np.mean(stated) == pytest.approx(np.mean(held), abs=0.05 if n == LEAST_IMAGES else 0.015)


def test_the_width_follows_the_predicted_age() -> None:
    intervals = age_intervals(*_faces(2000, 1))
    assert intervals is not None
    narrow, wide = np.diff(intervals.around(np.array([20.0, 70.0]))).ravel()
    assert wide > 2 * narrow


def test_no_interval_reaches_below_birth() -> None:
    intervals = age_intervals(*_faces(200, 2))
    assert intervals is not None
    assert intervals.around(np.array([-50.0, 0.5])).min() == 0.0


def test_perfect_and_constant_predictions_have_intervals_too() -> None:
    ages = np.linspace(1, 80, 100)
    perfect, constant = age_intervals(ages, ages), age_intervals(ages, np.full(100, 40.0))
    assert perfect is not None
    assert constant is not None
    assert perfect.around(np.array([30.0])) == pytest.approx(np.array([[30.0, 30.0]]), abs=1e-4)
    low, high = constant.around(np.array([40.0]))[0]
    assert high - low > 60


def test_too_few_images_and_predictions_that_are_not_finite_have_none() -> None:
    ages, predicted = _faces(LEAST_IMAGES, 3)
    assert age_intervals(ages, predicted) is not None
    assert age_intervals(ages[1:], predicted[1:]) is None
    predicted[0] = math.nan
    assert age_intervals(ages, predicted) is None


def test_equal_input_gives_equal_intervals() -> None:
    first, second = age_intervals(*_faces(100, 4)), age_intervals(*_faces(100, 4))
    assert first is not None
    assert second is not None
    assert (first.half_widths.tolist(), first.coverage) == (second.half_widths.tolist(), second.coverage)
