"""The errors of single images: bins by age, the slope, and the order of the largest."""

import numpy as np
import pytest
from compared_rows import evaluation
from scipy import stats

from ageui.store import Predictions, SplitScores
from ageui.tui.run.error_plots import error_by_age
from ageui.tui.run.split_errors import SplitErrors
from engine.split_result import SplitResult

NO_SCORES = SplitResult(5, 1.0, None, 0.0, (), None)


def errors_of(
    ages: list[float], predicted: list[float], result: SplitResult = NO_SCORES, subjects: tuple[str, ...] = ()
) -> SplitErrors:
    names = tuple(f"{place}.jpg" for place in range(len(ages)))
    groups = {"gender": tuple("male" for _ in ages)}
    predictions = Predictions(
        "valid", "hash", names, np.array(ages), groups, np.array(predicted, dtype=np.float32), subjects
    )
    return SplitErrors.of(SplitScores("valid", "hash", "apparent", "faces", result), predictions, "/faces")


def test_bins_hold_the_mean_signed_error_and_its_t_interval() -> None:
    errors = errors_of([20.0, 22.0, 29.0, 31.0, 65.0], [21.0, 20.0, 35.0, 30.0, 60.0])
    assert [(one.low, one.high, one.n) for one in errors.by_age] == [(20, 25, 2), (25, 30, 1), (30, 35, 1), (65, 70, 1)]
    wide = errors_of([2.0, 88.0], [2.0, 88.0])
    assert [(one.low, one.high) for one in wide.by_age] == [(0, 10), (80, 90)]
    first = errors.by_age[0]
    low, high = stats.t.interval(0.95, 1, loc=-0.5, scale=stats.sem([1.0, -2.0]))
    assert first.signed == -0.5
    assert first.interval is not None
    assert (first.interval.low, first.interval.high) == pytest.approx((low, high))
    assert errors.by_age[1].interval is None, "a single image has none"


def test_images_of_one_person_count_as_one_for_the_interval() -> None:
    alone = errors_of([20.0, 21.0, 22.0, 23.0], [25.0, 26.0, 21.0, 22.0])
    pairs = errors_of([20.0, 21.0, 22.0, 23.0], [25.0, 26.0, 21.0, 22.0], subjects=("a", "a", "b", "b"))
    (one,), (two,) = alone.by_age, pairs.by_age
    assert one.interval is not None
    assert two.interval is not None
    assert two.interval.high - two.interval.low > one.interval.high - one.interval.low


def test_a_stored_slope_counts_before_least_squares() -> None:
    ages, predicted = [10.0, 20.0, 30.0, 40.0, 61.0], [14.0, 21.0, 30.0, 37.0, 50.0]
    fitted = stats.linregress(ages, np.array(predicted) - ages)
    half = stats.t.ppf(0.975, 3) * fitted.stderr
    slope = errors_of(ages, predicted).slope
    assert slope.interval is not None
    assert (slope.value, slope.interval.low) == pytest.approx((fitted.slope, fitted.slope - half))
    scored = evaluation(8.0, 1).result
    assert errors_of(ages, predicted, scored).slope == scored.figure("slope")


def test_errors_are_sorted_with_the_largest_first_and_those_without_a_number_before_them() -> None:
    errors = errors_of([20.0, 22.0, 29.0], [21.0, float("nan"), 50.0])
    worst = list(errors.worst(0, 9))
    assert [one.name for one in worst] == ["1.jpg", "2.jpg", "0.jpg"]
    assert worst[1].predicted - worst[1].age == 21.0
    assert worst[1].attributes == {"gender": "male"}
    assert sum(one.n for one in errors.by_age) == 2


@pytest.mark.parametrize(("ages", "predicted"), [([], []), ([30.0], [31.0]), ([30.0, 40.0], [float("nan")] * 2)])
def test_few_images_are_drawn_as_well(ages: list[float], predicted: list[float]) -> None:
    errors = errors_of(ages, predicted)
    assert errors.slope.value is None
    for width in (20, 80, 200):
        drawn = error_by_age(errors, width)
        assert drawn.plain.count("\n") >= 3
    assert "needs three images of different ages" in drawn.plain
