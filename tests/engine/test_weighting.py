"""Sample weights beside the report's numbers and the formulas worked by hand."""

import numpy as np
import pandas as pd
import pytest

from engine.errors import ConfigError
from engine.weighting import group_weights, sample_weights, weight_table

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
