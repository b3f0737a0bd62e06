"""Figures worked by hand, and against NumPy's."""

import numpy as np
import pytest

from engine.fairness import evaluate_split
from engine.figure_forms import FILLED, figure_form, group_form
from engine.image_errors import ImageErrors, averaged, subject_codes
from engine.split_result import Interval

AGES = np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0])
OFF = np.array([4.0, -5.0, 6.0, 0.0, -9.0, -2.0])
GENDER = (np.array([0, 0, 0, 1, 1, -1]), ("male", "female"))
IMAGES = ImageErrors.of_predictions(AGES, AGES + OFF, {"gender": GENDER})


def _figure(name: str, images: ImageErrors = IMAGES) -> float | None:
    form = figure_form(name, images)
    return form.value(images) if form else None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mae", 26 / 6),
        ("signed", -1.0),
        ("cs5", 100 * 4 / 6),
        # male 5 and female 4.5 without a sign, 5/3 and -4.5 with it.
        ("gender", 0.5),
        ("gender_gap", 0.5),
        ("gender_signed", 5 / 3 + 4.5),
        ("gender_ratio", 5 / 4.5),
        ("gender_worst", 5.0),
    ],
)
def test_figures_equal_those_worked_by_hand(name: str, value: float) -> None:
    assert _figure(name) == pytest.approx(value)


def test_the_slope_is_that_of_numpy() -> None:
    random = np.random.default_rng(0)
    ages = random.uniform(1, 90, 300)
    images = ImageErrors.of_predictions(ages, 35 + 0.7 * (ages - 35) + random.normal(0, 5, 300), {})
    assert _figure("slope", images) == pytest.approx(np.polyfit(ages, images.signed, 1)[0])
    assert _figure("slope", images) == pytest.approx(-0.3, abs=0.03)


def test_the_interval_of_a_slope_is_as_wide_as_its_standard_error() -> None:
    random = np.random.default_rng(1)
    ages = random.uniform(1, 90, 500)
    result = evaluate_split(ages, ages + random.normal(0, 5, 500), {}, None)
    _, covariance = np.polyfit(ages, random.normal(0, 5, 500), 1, cov=True)
    interval = result.others["slope"].interval
    assert interval is not None
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * np.sqrt(covariance[0, 0]), rel=0.15)


def test_a_slope_over_equal_ages_is_no_figure() -> None:
    assert _figure("slope", ImageErrors.of_predictions(np.full(3, 30.0), OFF[:3] + 30, {})) is None


def test_errors_of_five_years_are_close() -> None:
    images = ImageErrors.of_predictions(np.zeros(4), np.array([5.0, -5.0, 5.01, 4.99]), {})
    assert _figure("cs5", images) == 75.0


def _of_age_groups() -> ImageErrors:
    """Women are older than men, and the old have larger errors: 2 years if young, 8 if old, and 1 more for women."""
    cells = {(0, 0): 20, (0, 1): 5, (1, 0): 10, (1, 1): 30, (0, 2): FILLED - 1, (1, 2): 6}
    gender, age = (np.repeat(codes, list(cells.values())) for codes in zip(*cells, strict=True))
    errors = np.array([2.0, 8.0, 99.0])[age] + gender
    groups = {"gender": (gender, ("male", "female")), "age": (age, ("young", "old", "few"))}
    return ImageErrors(np.arange(len(gender)) * 1.0, errors, errors, groups)


def test_a_standardised_bias_compares_groups_of_the_same_ages() -> None:
    images = _of_age_groups()
    assert _figure("gender", images) == pytest.approx((10 * 3 + 30 * 9 + 6 * 100) / 46 - (20 * 2 + 5 * 8 + 4 * 99) / 29)
    assert _figure("gender_standardised", images) == pytest.approx(1.0)
    form = figure_form("gender_standardised", images)
    assert form is not None
    assert form.note == "without 13% of the images, in age groups that not all groups fill"
    # Men in the two shared age groups: 2 and 8 years; these hold 30 and 35 of 65 images. Women: 3 and 5 years.
    images.absolute[(images.groups["gender"][0] == 1) & (images.groups["age"][0] == 1)] = 5.0
    male, female = (30 * 2 + 35 * 8) / 65, (30 * 3 + 35 * 5) / 65
    assert _figure("gender_standardised", images) == pytest.approx(male - female)


def test_a_standardised_bias_needs_an_age_group_that_all_groups_fill() -> None:
    images = _of_age_groups()
    assert _figure("age_standardised", images) is None
    assert _figure("gender_standardised", IMAGES) is None
    gender = images.groups["gender"][0]
    apart = {"gender": (gender, ("male", "female")), "age": (gender, ("young", "old"))}
    assert _figure("gender_standardised", ImageErrors(images.ages, images.signed, images.absolute, apart)) is None


def test_nothing_is_said_where_all_age_groups_are_filled() -> None:
    images = _of_age_groups()
    kept = images.groups["age"][0] < 2
    groups = {name: (codes[kept], names[:2]) for name, (codes, names) in images.groups.items()}
    form = figure_form("gender_standardised", ImageErrors(images.ages[kept], OFF, images.absolute[kept], groups))
    assert form is not None
    assert form.note is None


@pytest.mark.parametrize(
    "name", ["gender_", "gender_none", "_gap", "", "height", "height_gap", "lone", "hole", "hole_worst", "none"]
)
def test_figures_that_the_images_do_not_have(name: str) -> None:
    groups = {"gender": GENDER, "lone": (np.zeros(6, dtype=np.int64), ("one",)), "hole": (GENDER[0], ("a", "b", "c"))}
    assert figure_form(name, ImageErrors.of_predictions(AGES, AGES + OFF, groups)) is None


def test_the_form_of_a_group_is_its_mae() -> None:
    form = group_form("gender", "female", IMAGES)
    assert form is not None
    assert form.value(IMAGES) == 4.5
    assert group_form("gender", "other", IMAGES) is None
    assert group_form("height", "tall", IMAGES) is None


def test_an_attribute_named_like_a_figure_means_its_own_bias() -> None:
    random = np.random.default_rng(2)
    ages = random.uniform(1, 80, 200)
    names = ("x", "x_signed", "x_ratio", "x_gap", "x_worst", "x_standardised", "everyone")
    groups = {name: (random.integers(0, 2, 200), ("a", "b")) for name in names}
    result = evaluate_split(ages, ages + random.normal(0, 5, 200), groups, None, resamples=100)
    images = ImageErrors.of_predictions(ages, ages, groups)
    (alone,) = evaluate_split(ages, ages, {"x": groups["x"]}, None, resamples=100).biases
    assert alone.attribute == "x"
    for name in names:
        assert result.figure(name) is result.bias(name)
        form, (codes, _) = figure_form(name, images), groups[name]
        assert form is not None
        np.testing.assert_array_equal(form.grouping[0], codes)
    assert result.figure("x_gap_gap") is not None
    assert result.figure("x_ratio_ratio") is result.others["x_ratio_ratio"]
    assert "x_ratio" not in result.others
    codes = groups["x"][0]
    signed = random.normal(0, 5, 200)
    (x, *_) = evaluate_split(ages, ages + signed, groups, None, resamples=100).biases
    assert x.signed_gap.value == pytest.approx(abs(signed[codes == 0].mean() - signed[codes == 1].mean()))


def test_every_figure_is_found_by_its_name() -> None:
    random = np.random.default_rng(3)
    ages, codes = random.uniform(1, 80, 200), random.integers(0, 3, 200)
    predicted = ages + random.normal(0, 5, 200)
    groups = {"face": (codes, ("a", "b", "c")), "age": ((ages > 40).astype(np.int64), ("young", "old"))}
    result, images = evaluate_split(ages, predicted, groups, None), ImageErrors.of_predictions(ages, predicted, groups)
    kinds = ("face", "face_signed", "face_gap", "face_ratio", "face_worst", "face_standardised")
    for name in ("mae", "signed", "cs5", "slope", *kinds):
        figure, form = result.figure(name), figure_form(name, images)
        assert figure is not None
        assert form is not None
        assert figure.value == pytest.approx(form.value(images)), name
        assert isinstance(figure.interval, Interval), name
        assert figure.interval.low <= figure.value <= figure.interval.high, name
    assert result.figure("face_none") is None
    assert result.figure("none") is None


def test_a_worst_group_is_undefined_like_the_gap_where_a_group_has_no_images() -> None:
    result = evaluate_split(AGES, AGES + OFF, {"hole": (GENDER[0], ("a", "b", "c"))}, None)
    for name in ("hole_worst", "hole_gap", "hole_signed", "hole"):
        figure = result.figure(name)
        assert figure is not None
        assert (figure.value, figure.reason, figure.interval) == (None, "no image of c in this split", None)
    assert [group.interval is None for group in result.biases[0].groups] == [False, False, True]


def test_errors_are_averaged_over_trainings_image_by_image() -> None:
    other = ImageErrors.of_predictions(AGES, AGES - OFF, {"gender": GENDER})
    both = averaged([IMAGES, other])
    np.testing.assert_array_equal(both.signed, np.zeros(6))
    np.testing.assert_array_equal(both.absolute, np.abs(OFF))
    assert both.groups is IMAGES.groups


def test_a_constant_is_scored_on_the_same_images() -> None:
    constant = IMAGES.of_constant(25.0)
    np.testing.assert_array_equal(constant.signed, 25 - AGES)
    assert constant.groups is IMAGES.groups


def test_subjects_are_coded_where_two_images_share_one() -> None:
    found = subject_codes(["ann", None, "bob", "ann", None])
    assert found is not None
    assert found.tolist() == [0, 1, 2, 0, 3]
    assert subject_codes(["ann", None, "bob", None]) is None
    assert subject_codes([]) is None
    assert subject_codes(()) is None
