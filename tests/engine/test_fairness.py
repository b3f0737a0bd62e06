"""The bias scores against tables worked by hand and against slow, plain restatements."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from engine.fairness import (
    bias_value,
    bootstrap_group_maes,
    evaluate_split,
    group_means,
    mean_pairwise_gap,
    noise_of_bias,
)
from engine.groups import age_group_names, group_codes

# One image per line: age, predicted, gender, ethnicity.
HAND = pd.DataFrame(
    [
        (10.0, 14.0, "male", "caucasian"),  # error 4
        (19.9, 17.9, "male", "asian"),  # 2
        (20.0, 29.0, "female", "caucasian"),  # 9
        (39.9, 34.9, "female", "afroamerican"),  # 5
        (40.0, 41.0, "male", "asian"),  # 1
        (60.0, 40.0, "female", "caucasian"),  # 20
        (80.0, 74.0, "male", "afroamerican"),  # 6
    ],
    columns=["age", "predicted", "gender", "ethnicity"],
)


def _evaluated(frame: pd.DataFrame, *attributes: str, **options: int) -> dict[str, object]:
    groups = {name: group_codes(HAND, name) for name in attributes}
    taken = {name: (codes[frame.index.to_numpy()], names) for name, (codes, names) in groups.items()}
    result = evaluate_split(
        frame["age"].to_numpy(), frame["predicted"].to_numpy(), taken, 30.0, split="valid", **options
    )
    return {"result": result, **{bias.attribute: bias for bias in result.biases}}


def test_every_bias_equals_the_table_worked_by_hand() -> None:
    found = _evaluated(HAND, "gender", "ethnicity", "age")
    result = found["result"]
    assert result.mae == pytest.approx(47 / 7)
    assert result.signed == pytest.approx((4 - 2 + 9 - 5 + 1 - 20 - 6) / 7)
    # male: 4, 2, 1, 6 -> 3.25; female: 9, 5, 20 -> 34/3.
    assert found["gender"].value == pytest.approx(34 / 3 - 3.25)
    # caucasian 11, asian 1.5, afroamerican 5.5: gaps 9.5, 5.5, 4.
    assert found["ethnicity"].value == pytest.approx((9.5 + 5.5 + 4) / 3)
    # <20: 3; 20-40: 7; 40-60: 1; >=60: 13; gaps 4 2 10 6 6 12.
    assert found["age"].value == pytest.approx(40 / 6)
    assert [(group.group, group.n, group.mae) for group in found["age"].groups] == [
        ("<20", 2, 3.0),
        ("20-40", 2, 7.0),
        ("40-60", 1, pytest.approx(1.0)),
        (">=60", 2, 13.0),
    ]
    assert found["age"].groups[3].signed == pytest.approx(-13.0)
    assert found["age"].worst.group == ">=60"


def test_age_groups_are_half_open() -> None:
    codes, names = group_codes(pd.DataFrame({"age": [19.999, 20.0, 39.999, 40.0, 59.999, 60.0, np.nan]}), "age")
    assert codes.tolist() == [0, 1, 1, 2, 2, 3, -1]
    assert names == ("<20", "20-40", "40-60", ">=60")
    assert age_group_names((18, 65.5)) == ("<18", "18-65.5", ">=65.5")


def test_baseline_is_the_constant_prediction_on_the_same_images() -> None:
    baseline = _evaluated(HAND, "gender")["result"].baseline
    # |30 - age|: 20 10.1 10 9.9 10 30 50; male 20 10.1 10 50, female 10 9.9 30.
    assert baseline.mae == pytest.approx(140 / 7)
    assert baseline.bias["gender"] == pytest.approx(abs(90.1 / 4 - 49.9 / 3))


@pytest.mark.parametrize(
    ("rows", "attribute", "reason"),
    [
        ([0, 1, 4, 6], "gender", "no image of female in valid"),
        ([0, 1, 2, 4, 5], "ethnicity", "no image of afroamerican in valid"),
    ],
)
def test_an_empty_group_gives_a_reason_and_no_number(rows: list[int], attribute: str, reason: str) -> None:
    bias = _evaluated(HAND.iloc[rows], attribute)[attribute]
    assert bias.value is None
    assert bias.reason == reason
    assert bias.interval is None
    empty = [group for group in bias.groups if group.n == 0]
    assert len(empty) == 1
    assert empty[0].mae is None


def test_a_single_group_gives_a_reason_and_no_number() -> None:
    codes = np.zeros(4, dtype=np.int64)
    assert bias_value(np.ones(4), codes, ("one",)) == (None, "only one group: one")
    assert bias_value(np.ones(4), codes - 1, ("one", "two"), "test") == (None, "no image of test has a value")


def test_images_without_a_value_are_counted_and_in_no_group() -> None:
    errors = np.array([1.0, 2.0, 3.0, 100.0])
    codes = np.array([0, 1, 1, -1])
    result = evaluate_split(np.zeros(4), errors, {"x": (codes, ("a", "b"))}, None, resamples=0)
    assert result.biases[0].value == pytest.approx(1.5)
    assert result.biases[0].missing == 1
    assert result.mae == pytest.approx(26.5)


def test_mean_pairwise_gap_equals_the_loop_over_pairs() -> None:
    random = np.random.default_rng(1)
    for groups in (2, 3, 4, 7):
        maes = random.uniform(0, 20, size=(5, groups))
        expected = [np.mean([abs(row[a] - row[b]) for a, b in combinations(range(groups), 2)]) for row in maes]
        np.testing.assert_allclose(mean_pairwise_gap(maes), expected)


def test_group_means_ignore_rows_in_no_group() -> None:
    means = group_means(np.array([1.0, 3.0, 50.0, 8.0]), np.array([0, 0, -1, 2]), 3)
    assert means[0] == 2
    assert np.isnan(means[1])
    assert means[2] == 8


def test_interval_of_the_mae_covers_it_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(5)
    inside = 0
    for trial in range(300):
        errors = random.exponential(6.0, size=120)
        result = evaluate_split(np.zeros(120), errors, {}, None, resamples=400, seed=trial)
        inside += result.mae_interval.low <= 6.0 <= result.mae_interval.high
    assert 0.90 <= inside / 300 <= 0.985


def test_bootstrap_draws_inside_each_group() -> None:
    errors = np.array([1.0, 1.0, 5.0, 5.0, 5.0, 9.0])
    codes = np.array([0, 0, 1, 1, 1, 2])
    maes = bootstrap_group_maes(errors, codes, 3, 50, np.random.default_rng(0))
    assert maes.shape == (50, 3)
    np.testing.assert_array_equal(maes, np.tile([1.0, 5.0, 9.0], (50, 1)))


def test_noise_is_what_shuffled_groups_show() -> None:
    random = np.random.default_rng(2)
    errors = np.abs(random.normal(0, 7.5, size=400))
    codes = np.repeat([0, 1, 2], [300, 80, 20])
    noise = noise_of_bias(errors, codes, 3, 4000, np.random.default_rng(0))
    gaps = []
    for _ in range(3000):
        shuffled = random.permutation(errors)
        means = [shuffled[codes == group].mean() for group in range(3)]
        gaps.append(np.mean([abs(a - b) for a, b in combinations(means, 2)]))
    assert noise.mean == pytest.approx(np.mean(gaps), rel=0.05)
    assert noise.p95 == pytest.approx(np.quantile(gaps, 0.95), rel=0.06)


def test_noise_at_the_size_of_the_course_validation_split() -> None:
    """Normal errors of MAE 6 and no true difference: 0.19 years on average for gender, 0.47 at the 95th percentile."""
    random = np.random.default_rng(0)
    means, p95s = [], []
    for _ in range(30):
        errors = np.abs(random.normal(0, 6 / np.sqrt(2 / np.pi), size=1482))
        noise = noise_of_bias(errors, np.repeat([0, 1], [766, 716]), 2, 400, random)
        means.append(noise.mean)
        p95s.append(noise.p95)
    assert np.mean(means) == pytest.approx(0.19, abs=0.02)
    assert np.mean(p95s) == pytest.approx(0.47, abs=0.04)
