"""The bias scores against tables worked by hand and against slow, plain restatements."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from drawn_errors import drawn_errors
from fairlearn.metrics import MetricFrame

from engine.fairness import bias_value, evaluate_split, score_errors
from engine.figure_forms import mean_pairwise_gap
from engine.groups import age_group_names, group_codes
from engine.image_errors import ImageErrors, averaged
from engine.split_result import BiasResult, GapFigure, Interval

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


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["asian", "caucasian"], ("caucasian", "afroamerican", "asian")),
        (["white", "black", "asian"], ("asian", "black", "white")),
        (["other", "indian", "asian", "caucasian"], ("caucasian", "asian", "indian", "other")),
        (["white", None], ("white",)),
    ],
)
def test_the_reports_groups_are_listed_without_an_image_only_among_themselves(
    values: list[str | None], names: tuple[str, ...]
) -> None:
    assert group_codes(pd.DataFrame({"ethnicity": values}), "ethnicity")[1] == names


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


def test_group_means_worst_and_gap_are_those_of_fairlearn() -> None:
    ages, predicted, codes = drawn_errors(0)
    names = ("a", "b", "c")
    bias = evaluate_split(ages, predicted, {"x": (codes, names)}, None, resamples=0).biases[0]
    known = codes >= 0
    frame = MetricFrame(
        metrics={"mae": _mae, "n": lambda true, found: len(true)},
        y_true=ages[known],
        y_pred=predicted[known],
        sensitive_features=np.array(names)[codes[known]],
    )
    assert {group.group: (group.mae, group.n) for group in bias.groups} == {
        name: (pytest.approx(frame.by_group["mae"][name]), frame.by_group["n"][name]) for name in names
    }
    assert bias.gap == pytest.approx(frame.difference(method="between_groups")["mae"])
    assert bias.worst is not None
    assert bias.worst.mae == pytest.approx(frame.group_max()["mae"])


@pytest.mark.parametrize(
    ("value", "p_value", "inside"), [(1.0, 0.051, True), (1.0, 0.05, False), (None, 0.5, False), (1.0, None, False)]
)
def test_a_figure_is_inside_noise_above_the_level(value: float | None, p_value: float | None, inside: bool) -> None:
    assert GapFigure(value, p_value=p_value).inside_noise is inside
    assert BiasResult(value, p_value=p_value, attribute="x").inside_noise is inside


def test_figures_repeat_and_depend_on_nothing_else() -> None:
    ages, predicted, codes = drawn_errors(2)
    groups = {"x": (codes, ("a", "b", "c")), "y": (np.arange(len(ages)) % 2, ("p", "q"))}
    both = evaluate_split(ages, predicted, groups, None, resamples=200)
    assert both == evaluate_split(ages, predicted, groups, None, resamples=200)
    assert both != evaluate_split(ages, predicted, groups, None, resamples=200, seed=1)
    (alone,) = evaluate_split(ages, predicted, {"y": groups["y"]}, None, resamples=200).biases
    beside = both.biases[1]
    assert (alone.value, alone.p_value, alone.detectable) == (beside.value, beside.p_value, beside.detectable)
    for one, other in ((alone.interval, beside.interval), (alone.groups[0].interval, beside.groups[0].interval)):
        assert (one.low, one.high) == pytest.approx((other.low, other.high), rel=1e-5)


def test_few_images_and_errors_that_are_not_finite_have_no_intervals() -> None:
    codes = np.array([0, 0, 0, 1])
    (bias,) = evaluate_split(np.zeros(4), np.array([1.0, 2.0, 4.0, 3.0]), {"x": (codes, ("a", "b"))}, None).biases
    assert bias.groups[0].interval is not None
    assert (bias.groups[1].interval, bias.interval, bias.gap_interval) == (None, None, None)
    assert (bias.p_value, bias.detectable, bias.inside_noise) == (None, None, False)
    assert bias.untested == bias.signed_gap.untested == "fewer than 5 images of a, b"
    for wrong in (np.nan, np.inf):
        result = evaluate_split(np.zeros(4), np.array([1.0, 2.0, wrong, 3.0]), {"x": (codes, ("a", "b"))}, None)
        (bias,) = result.biases
        assert (result.mae_interval, bias.interval, bias.p_value, bias.detectable) == (None, None, None, None)
        assert bias.untested == bias.signed_gap.untested == "an error is not finite"
        assert bias.groups[1].mae == 3.0
        assert all(figure.interval is None for figure in result.others.values())


def test_without_resamples_nothing_is_tested_and_no_reason_is_given() -> None:
    ages, predicted, codes = drawn_errors(4)
    (bias,) = evaluate_split(ages, predicted, {"x": (codes, ("a", "b", "c"))}, None, resamples=0).biases
    assert (bias.p_value, bias.untested, bias.signed_gap.untested, bias.interval) == (None, None, None, None)
    assert bias.signed_gap.value is not None


def test_no_image_and_one_image_have_figures_as_far_as_they_go() -> None:
    one = evaluate_split(np.array([20.0]), np.array([23.0]), {"x": (np.array([0]), ("a", "b"))}, 30.0)
    assert (one.n, one.mae, one.mae_interval, one.signed) == (1, 3.0, None, 3.0)
    assert (one.biases[0].value, one.biases[0].untested) == (None, None)
    assert one.others["cs5"].value == 100.0
    assert "slope" not in one.others
    unknown = evaluate_split(np.zeros(3), np.ones(3), {"x": (np.full(3, -1), ())}, None).biases[0]
    assert (unknown.value, unknown.reason, unknown.missing) == (None, "no image of this split has a value", 3)


def test_equal_errors_are_not_tested() -> None:
    codes = np.arange(20) % 2
    result = evaluate_split(np.zeros(20), np.full(20, 3.0), {"x": (codes, ("a", "b"))}, None)
    (bias,) = result.biases
    assert (bias.value, bias.interval, bias.p_value) == (0.0, Interval(0.0, 0.0), None)
    assert bias.untested == "no variance in a, b"
    assert result.figure("x_ratio").value == 1.0


def test_the_signed_gap_compares_directions_and_the_bias_sizes() -> None:
    """Women are 2 years too old by the same absolute errors by which men are too young."""
    random = np.random.default_rng(3)
    codes = np.arange(400) % 2
    off = np.abs(random.normal(0, 2, 400)) * np.where(codes == 0, -1, 1)
    (bias,) = evaluate_split(np.full(400, 30.0), 30 + off, {"x": (codes, ("male", "female"))}, None).biases
    assert bias.value == pytest.approx(0, abs=0.5)
    assert bias.inside_noise
    assert bias.signed_gap.value == pytest.approx(3.2, abs=0.3)
    assert not bias.signed_gap.inside_noise
    low, high = bias.signed_gap.interval.low, bias.signed_gap.interval.high
    assert low < 4 * np.sqrt(2 / np.pi) < high
    assert bias.signed_gap.detectable < 1


@pytest.mark.parametrize("seed", range(3))
def test_a_shift_shows_in_the_signed_gap_and_added_noise_in_the_bias(seed: int) -> None:
    """As when ages of women are 8 years too high in training, and those of one ethnicity uncertain."""
    random, n = np.random.default_rng(seed), 1500
    gender, ethnicity = random.integers(0, 2, n), random.choice(3, n, p=[0.8, 0.1, 0.1])
    off = random.normal(0, np.where(ethnicity == 1, 14.0, 7.0)) + np.where(gender == 1, 4.0, -4.0)
    groups = {"gender": (gender, ("male", "female")), "ethnicity": (ethnicity, ("a", "b", "c"))}
    ages = random.uniform(1, 80, n)
    result = evaluate_split(ages, ages + off, groups, None)
    shifted, noisy = result.biases
    assert shifted.signed_gap.value == pytest.approx(8, abs=1.5)
    assert not shifted.signed_gap.inside_noise
    assert shifted.value < 1
    assert noisy.value > 1.5
    assert not noisy.inside_noise
    assert noisy.signed_gap.value < 2


def test_a_row_over_seeds_is_tested_on_errors_averaged_over_them() -> None:
    """Noise of training that differs from seed to seed averages out, and the test gains power."""
    random, codes = np.random.default_rng(7), np.repeat([0, 1], [300, 60])
    ages, groups = np.full(360, 30.0), {"x": (codes, ("a", "b"))}
    seeds = [
        ImageErrors.of_predictions(ages, 30 + random.normal(0, 5 + 1.3 * codes) + random.normal(0, 1, 360), groups)
        for _ in range(4)
    ]
    together = score_errors(averaged(seeds)).biases[0]
    each = [score_errors(one).biases[0] for one in seeds]
    assert together.value == pytest.approx(np.mean([one.value for one in each]), abs=0.1)
    assert together.detectable < 0.7 * min(one.detectable for one in each)


def _mae(true: np.ndarray, found: np.ndarray) -> float:
    return float(np.abs(np.asarray(true) - np.asarray(found)).mean())
