"""Sample weights beside the report's numbers and the formulas worked by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from engine.errors import ConfigError
from engine.weighting import group_weights, lds_weights, sample_weights, weight_table

COUNTS: dict[str, dict[str, int]] = {
    "gender": {"male": 2068, "female": 1997},
    "expression": {"neutral": 1404, "happy": 712, "slightlyhappy": 1784, "other": 165},
    "ethnicity": {"caucasian": 3522, "afroamerican": 119, "asian": 424},
}
AGE_COUNTS = {10.0: 796, 30.0: 2389, 50.0: 732, 70.0: 148}

PUBLISHED = {
    "age": {"<20": 1.2767, "20-40": 0.4254, "40-60": 1.3883, ">=60": 6.8666},
    "gender": {"male": 0.98283, "female": 1.01778},
    "ethnicity": {"caucasian": 0.38472, "asian": 3.19575, "afroamerican": 11.38655},
    "expression": {"neutral": 0.72382, "slightlyhappy": 0.56965, "happy": 1.42732, "other": 6.15909},
}


@pytest.fixture
def course() -> pd.DataFrame:
    """A train split with the report's group counts."""
    columns = {name: np.repeat(list(counts), list(counts.values())) for name, counts in COUNTS.items()}
    return pd.DataFrame({"age": np.repeat(list(AGE_COUNTS), list(AGE_COUNTS.values())), **columns})


@pytest.mark.parametrize("attribute", PUBLISHED)
def test_the_weights_are_the_reports(course: pd.DataFrame, attribute: str) -> None:
    digits = 4 if attribute == "age" else 5
    table = weight_table(course, attribute)
    assert {name: round(weight, digits) for name, weight in table.items()} == PUBLISHED[attribute]
    weights = sample_weights(course, [attribute])
    assert weights.dtype == np.float64
    assert weights.shape == (4065,)
    assert weights.mean() == pytest.approx(1, rel=1e-12)


def test_each_row_has_its_own_groups_weight(course: pd.DataFrame) -> None:
    shuffled = course.sample(frac=1, random_state=0)
    weights = sample_weights(shuffled, ["ethnicity"])
    for name, weight in PUBLISHED["ethnicity"].items():
        chosen = weights[(shuffled["ethnicity"] == name).to_numpy()]
        assert len(chosen) == COUNTS["ethnicity"][name]
        np.testing.assert_allclose(chosen, weight, atol=6e-6)


def test_empty_groups_neither_count_nor_weigh() -> None:
    codes = np.array([0, 0, 0, 2, -1])
    np.testing.assert_allclose(group_weights(codes, 4), [4 / (2 * 3), 0, 4 / (2 * 1), 0])


@pytest.mark.parametrize("beta", [0.9, 0.999, 0.999999])
def test_effective_numbers_follow_cui_et_al(beta: float) -> None:
    counts = np.array([796, 2389, 732, 148])
    codes = np.repeat(np.arange(4), counts)
    raw = (1 - beta) / (1 - beta**counts)
    found = group_weights(codes, 4, "effective", beta)
    np.testing.assert_allclose(found, raw * 4065 / (raw * counts).sum(), rtol=1e-8)
    assert found[codes].mean() == pytest.approx(1)


def test_effective_numbers_lie_between_no_weights_and_the_inverse() -> None:
    codes = np.repeat([0, 1], [900, 100])
    np.testing.assert_allclose(group_weights(codes, 2, "effective", 1e-9), [1, 1], rtol=1e-6)
    np.testing.assert_allclose(group_weights(codes, 2, "effective", 1 - 1e-9), group_weights(codes, 2), rtol=1e-5)


@pytest.fixture
def mixed() -> pd.DataFrame:
    """Gender weights 2/3, 2/3, 2/3, 2 and ethnicity weights 1, 1, 1, 1 with a third group of none."""
    return pd.DataFrame(
        {
            "age": [10.0, 30.0, 50.0, 70.0],
            "gender": ["male", "male", "male", "female"],
            "ethnicity": ["asian", "asian", "caucasian", "caucasian"],
            "expression": ["happy", None, "happy", "neutral"],
        }
    )


@pytest.mark.parametrize(
    ("combine", "expected"),
    [
        ("product", [2 / 3 * 3 / 4, 2 / 3, 2 / 3 * 3 / 4, 2 * 3 / 2]),
        ("mean", [(2 / 3 + 3 / 4) / 2, (2 / 3 + 1) / 2, (2 / 3 + 3 / 4) / 2, (2 + 3 / 2) / 2]),
        ("harmonic", [2 / (3 / 2 + 4 / 3), 2 / (3 / 2 + 1), 2 / (3 / 2 + 4 / 3), 2 / (1 / 2 + 2 / 3)]),
    ],
)
def test_several_attributes_combine(mixed: pd.DataFrame, combine: str, expected: list[float]) -> None:
    found = sample_weights(mixed, ["gender", "expression"], combine=combine)  # type: ignore[arg-type]
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("combine", ["product", "mean", "harmonic"])
def test_one_attribute_is_the_same_under_every_combination(mixed: pd.DataFrame, combine: str) -> None:
    found = sample_weights(mixed, ["gender"], combine=combine)  # type: ignore[arg-type]
    np.testing.assert_allclose(found, [2 / 3, 2 / 3, 2 / 3, 2])


def test_a_missing_value_weighs_one(mixed: pd.DataFrame) -> None:
    np.testing.assert_allclose(sample_weights(mixed, ["expression"]), [3 / 4, 1, 3 / 4, 3 / 2])
    mixed["expression"] = None
    np.testing.assert_array_equal(sample_weights(mixed, ["expression"]), np.ones(4))


def test_the_edges_of_the_age_groups_decide(mixed: pd.DataFrame) -> None:
    np.testing.assert_allclose(sample_weights(mixed, ["age"], age_edges=(60,)), [2 / 3, 2 / 3, 2 / 3, 2])
    assert list(weight_table(mixed, "age", age_edges=(60,))) == ["<60", ">=60"]


def test_no_attribute_means_no_weighting(mixed: pd.DataFrame) -> None:
    np.testing.assert_array_equal(sample_weights(mixed, []), np.ones(4))


def test_an_attribute_that_the_data_lacks_is_refused(mixed: pd.DataFrame) -> None:
    with pytest.raises(ConfigError, match="no attribute 'height'"):
        sample_weights(mixed, ["height"])


def test_the_square_root_of_the_inverse_frequency() -> None:
    codes = np.repeat([0, 1, 3], [4, 16, 100])
    raw = np.array([1 / 2, 1 / 4, 0, 1 / 10])
    found = group_weights(codes, 4, "sqrt-inverse")
    np.testing.assert_allclose(found, raw * 120 / (raw @ [4, 16, 0, 100]))
    assert found[codes].mean() == pytest.approx(1)


def test_crossed_groups_weigh_by_how_many_each_has(course: pd.DataFrame) -> None:
    frame = pd.DataFrame(
        {
            "age": [10.0, 30.0, 30.0, 30.0, 70.0, 30.0],
            "gender": ["male", "male", "male", "female", "female", None],
        }
    )
    # Four groups: male below 20, male 20-40 twice, female 20-40, female from 60 on; the last row is in none.
    expected = [5 / 4, 5 / 8, 5 / 8, 5 / 4, 5 / 4, 1]
    np.testing.assert_allclose(sample_weights(frame, ["gender", "age"], combine="joint"), expected)
    np.testing.assert_allclose(sample_weights(frame, ["age", "gender"], combine="joint"), expected)
    course["ethnicity"] = course["ethnicity"].sample(frac=1, random_state=0).to_numpy()
    joint = sample_weights(course, ["gender", "ethnicity"], combine="joint")
    sizes = course.groupby(["gender", "ethnicity"])["age"].transform("size").to_numpy()
    np.testing.assert_allclose(joint, 4065 / (course.groupby(["gender", "ethnicity"]).ngroups * sizes))


def smoothed_inverse(ages: list[float], kernel: int, sigma: float, power: float = 1.0) -> list[float]:
    """Yang et al.'s density at each image's year, summed image by image, and its inverse with a mean of 1."""
    years = [math.floor(age) for age in ages]
    density = [
        sum(math.exp(-((other - year) ** 2) / (2 * sigma**2)) for other in years if abs(other - year) <= kernel // 2)
        for year in years
    ]
    raw = [value**-power for value in density]
    return [value * len(raw) / sum(raw) for value in raw]


LDS_AGES = [0.0, 0.4, 1.9, 5.0, 29.1, 29.9, 30.0, 30.2, 31.7, 33.0, 33.5, 58.0, 96.0, 119.9, 120.0]


@pytest.mark.parametrize(("kernel", "sigma"), [(5, 2.0), (1, 2.0), (9, 1.5)])
def test_lds_weighs_by_the_smoothed_number_of_images_of_an_age(kernel: int, sigma: float) -> None:
    ages = np.array(LDS_AGES)
    found = lds_weights(ages, kernel=kernel, sigma=sigma)
    np.testing.assert_allclose(found, smoothed_inverse(LDS_AGES, kernel, sigma))
    rooted = lds_weights(ages, "sqrt-inverse", kernel=kernel, sigma=sigma)
    np.testing.assert_allclose(rooted, smoothed_inverse(LDS_AGES, kernel, sigma, 0.5))


def test_lds_without_neighbours_is_the_weight_of_each_year() -> None:
    years = np.repeat([0, 1], [30, 10])
    ages = np.array([20.5, 40.5])[years]
    np.testing.assert_allclose(lds_weights(ages), np.array([40 / 60, 40 / 20])[years])
    effective = lds_weights(ages, "effective", kernel=1, beta=0.9)
    np.testing.assert_allclose(effective, group_weights(years, 2, "effective", 0.9)[years])
    np.testing.assert_array_equal(lds_weights(np.array([np.nan, 30.0, np.nan])), 1)


def test_lds_stands_among_attributes(mixed: pd.DataFrame) -> None:
    frame = mixed.assign(age=[30.0, 30.0, 30.0, 70.0])
    smoothed = sample_weights(frame, ["lds"])
    np.testing.assert_allclose(smoothed, [2 / 3, 2 / 3, 2 / 3, 2])
    both = sample_weights(frame, ["gender", "lds"])
    np.testing.assert_allclose(both, smoothed * sample_weights(frame, ["gender"]))
    near = mixed.assign(age=[30.0, 30.0, 30.0, 31.0])
    np.testing.assert_allclose(sample_weights(near, ["lds"], lds_kernel=1), smoothed)
    np.testing.assert_allclose(sample_weights(near, ["lds"], lds_sigma=1e6), 1)
