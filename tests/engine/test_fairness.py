"""The bias scores against tables worked by hand and against slow, plain restatements."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame

from engine.fairness import (
    BiasResult,
    GroupResult,
    Interval,
    Noise,
    bias_value,
    evaluate_split,
    mean_interval,
    mean_pairwise_gap,
)
from engine.groups import age_group_names, group_codes
from engine.resampling import bootstrap

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


def test_group_means_worst_and_gap_are_those_of_fairlearn() -> None:
    ages, predicted, codes = _drawn(0)
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


def test_intervals_are_those_of_plain_loops_over_draws() -> None:
    """Every interval of one split again, image by image and draw by draw."""
    ages, predicted, codes = _drawn(1)
    result = evaluate_split(ages, predicted, {"x": (codes, ("a", "b", "c"))}, None, resamples=4000)
    (bias,), errors = result.biases, np.abs(predicted - ages)
    assert result.mae_interval == _close_to(_bootstrap_t(errors))
    own = [errors[codes == group] for group in range(3)]
    assert [group.interval for group in bias.groups] == [_close_to(_bootstrap_t(one)) for one in own]
    random = np.random.default_rng(8)
    samples = np.array([[random.choice(one, len(one)).mean() for one in own] for _ in range(1500)])
    maes = np.array([one.mean() for one in own])
    for interval, figure in ((bias.interval, _bias), (bias.gap_interval, np.ptp)):
        value = figure(maes)
        off = (samples - maes) * [np.sqrt(len(one) / (len(one) - 1)) for one in own]
        high = np.quantile([figure(sample) for sample in maes + off], 0.975)
        low = 0.0
        for share in np.arange(0, 1, 0.03):
            if np.mean([figure(sample) >= value for sample in share * maes + off]) >= 0.025:
                low = share * value
                break
        assert low > 0.5
        assert interval == _close_to(Interval(low, high))


def test_the_high_end_of_a_bias_allows_for_how_few_images_a_group_has() -> None:
    """Samples of three images scatter by a factor of √(2/3) too little."""
    errors, codes = np.array([1.0, 4.0, 9.0, 2.0, 6.0, 20.0]), np.repeat([0, 1], 3)
    (bias,) = evaluate_split(np.zeros(6), errors, {"x": (codes, ("a", "b"))}, None, resamples=20_000).biases
    random, samples = np.random.default_rng(11), []
    for own in (errors[:3], errors[3:]):
        drawn = [random.poisson(1, 3) for _ in range(20_000)]
        samples.append([own @ counts / counts.sum() - own.mean() if counts.sum() else 0.0 for counts in drawn])
    gaps = errors[3:].mean() - errors[:3].mean() + np.sqrt(3 / 2) * (np.array(samples[1]) - np.array(samples[0]))
    assert bias.interval is not None
    assert bias.interval.high == pytest.approx(np.quantile(np.abs(gaps), 0.975), rel=0.03)


def test_an_interval_inside_noise_begins_at_zero() -> None:
    inside = 0
    for seed in range(12):
        ages, predicted, codes = _drawn(seed, spread=0.25)
        (bias,) = evaluate_split(ages, predicted, {"x": (codes, ("a", "b", "c"))}, None).biases
        assert bias.interval is not None
        assert bias.value is not None
        assert bias.interval.low <= bias.value <= bias.interval.high
        if bias.inside_noise:
            inside += 1
            assert bias.interval.low == 0
    assert inside > 3


def test_the_interval_of_a_bias_just_above_noise_reaches_far_lower_than_percentiles_do() -> None:
    """Errors of one distribution in four groups: the true bias is 0, and this sample shows 1.12 by chance."""
    errors, codes = np.random.default_rng(9).gamma(1.36, 5 / 1.36, 200), np.repeat([0, 1, 2, 3], 50)
    (bias,) = evaluate_split(np.zeros(200), errors, {"x": (codes, tuple("abcd"))}, None).biases
    assert not bias.inside_noise
    random = np.random.default_rng(10)
    samples = [[random.choice(errors[codes == group], 50).mean() for group in range(4)] for _ in range(1000)]
    percentile = np.quantile(mean_pairwise_gap(np.array(samples)), 0.025)
    assert percentile > 0.4
    assert bias.interval is not None
    assert bias.interval.low < percentile / 2


@pytest.mark.parametrize(
    ("value", "p95", "inside"), [(1.0, 1.0, True), (1.0, 0.99, False), (None, 1.0, False), (1.0, None, False)]
)
def test_a_bias_is_inside_noise_up_to_the_95th_percentile(value: float | None, p95: float | None, inside: bool) -> None:
    bias = BiasResult("x", value, None, None, None if p95 is None else Noise(0.5, p95), ())
    assert bias.inside_noise is inside


def test_the_interval_of_the_worst_group_reaches_to_the_highest_of_all() -> None:
    worst, wide = GroupResult("a", 90, 8.0, 0.0, Interval(7.5, 8.6)), GroupResult("b", 9, 7.0, 0.0, Interval(3.0, 12.0))
    assert BiasResult("x", 1.0, None, None, None, (worst, wide)).worst_interval == Interval(7.5, 12.0)
    bare = GroupResult("c", 1, 6.0, 0.0)
    assert BiasResult("x", 1.0, None, None, None, (worst, bare)).worst_interval is None
    assert BiasResult("x", None, "no image", None, None, ()).worst_interval is None


def test_figures_repeat_and_depend_on_nothing_else() -> None:
    ages, predicted, codes = _drawn(2)
    groups = {"x": (codes, ("a", "b", "c")), "y": (np.arange(len(ages)) % 2, ("p", "q"))}
    both = evaluate_split(ages, predicted, groups, None, resamples=200)
    assert both == evaluate_split(ages, predicted, groups, None, resamples=200)
    assert both != evaluate_split(ages, predicted, groups, None, resamples=200, seed=1)
    (alone,) = evaluate_split(ages, predicted, {"y": groups["y"]}, None, resamples=200).biases
    beside = both.biases[1]
    assert (alone.value, alone.noise) == (beside.value, beside.noise)
    for one, other in ((alone.interval, beside.interval), (alone.groups[0].interval, beside.groups[0].interval)):
        assert (one.low, one.high) == pytest.approx((other.low, other.high), rel=1e-5)


def test_images_in_no_group_change_no_figure_of_an_attribute() -> None:
    """An interval of the groups moves by no more than other draws do; value and noise stay what they were."""
    ages, predicted, codes = _drawn(3)
    known = codes >= 0
    assert not known.all()
    names = ("a", "b", "c")
    (with_all,) = evaluate_split(ages, predicted, {"x": (codes, names)}, None).biases
    (without,) = evaluate_split(ages[known], predicted[known], {"x": (codes[known], names)}, None).biases
    assert (with_all.value, with_all.noise, without.missing) == (pytest.approx(without.value), without.noise, 0)
    assert with_all.interval == _close_to(without.interval)


def test_few_images_and_errors_that_are_not_finite_have_no_intervals() -> None:
    codes = np.array([0, 0, 0, 1])
    (bias,) = evaluate_split(np.zeros(4), np.array([1.0, 2.0, 4.0, 3.0]), {"x": (codes, ("a", "b"))}, None).biases
    assert bias.groups[0].interval is not None
    assert (bias.groups[1].interval, bias.interval, bias.gap_interval) == (None, None, None)
    assert bias.noise is not None
    for wrong in (np.nan, np.inf):
        result = evaluate_split(np.zeros(4), np.array([1.0, 2.0, wrong, 3.0]), {"x": (codes, ("a", "b"))}, None)
        assert (result.mae_interval, result.biases[0].interval, result.biases[0].noise) == (None, None, None)
        assert result.biases[0].groups[1].mae == 3.0


def test_an_interval_stays_among_the_errors_that_were_seen() -> None:
    result = evaluate_split(np.zeros(3), np.array([1.0, 1.0, 7.0]), {}, None)
    assert result.mae_interval == Interval(1.0, 7.0)
    assert evaluate_split(np.zeros(3), np.full(3, 2.0), {}, None).mae_interval == Interval(2.0, 2.0)


@pytest.mark.simulation
def test_intervals_of_maes_hold_the_truth_as_often_as_they_say() -> None:
    """Skewed errors in groups as small as the smallest of the course: 93 to 97 of 100, where percentiles have 92."""
    random, sizes = np.random.default_rng(5), (50, 61, 116)
    codes, everyone = np.repeat([0, 1, 2], sizes), np.zeros(sum(sizes), dtype=np.int64)
    means, trials, hits = np.array([9.0, 8.0, 6.0]), 800, np.zeros(4)
    truth = [means[codes].mean(), *means]
    for trial in range(trials):
        errors = random.gamma(1.36, 1 / 1.36, len(codes)) * means[codes]
        draws = bootstrap(errors, [(everyone, 1), (codes, 3)], 600, trial)
        samples = [sample for drawn in draws for sample in zip(drawn.means.T, drawn.standard_errors.T, strict=True)]
        whose = [errors, *(errors[codes == group] for group in range(3))]
        found = [mean_interval(own, *sample) for own, sample in zip(whose, samples, strict=True)]
        hits += [interval.low <= true <= interval.high for interval, true in zip(found, truth, strict=True)]
    assert (hits / trials).min() >= 0.93
    assert (hits / trials).max() <= 0.97


@pytest.mark.simulation
@pytest.mark.parametrize("bias", [0.0, 0.5, 3.0])
def test_intervals_of_biases_hold_the_truth_near_zero_too(bias: float) -> None:
    random, codes = np.random.default_rng(6), np.repeat([0, 1, 2], [600, 50, 116])
    means, trials, hits = 7 + bias * 0.75 * np.array([-1.0, 1.0, 0.0]), 150, np.zeros(2)
    for trial in range(trials):
        errors = random.gamma(1.36, 1 / 1.36, len(codes)) * means[codes]
        (found,) = evaluate_split(
            np.zeros(len(codes)), errors, {"x": (codes, ("a", "b", "c"))}, None, resamples=200, seed=trial
        ).biases
        assert found.interval is not None
        assert found.gap_interval is not None
        hits += found.interval.low <= bias <= found.interval.high
        hits[1] += found.gap_interval.low <= 1.5 * bias <= found.gap_interval.high
    assert (hits / trials).min() >= 0.93


def _drawn(seed: int, spread: float = 3.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ages, predictions and three groups of unlike size and error, with some images in none."""
    random = np.random.default_rng(seed)
    codes = np.repeat([0, 1, 2, -1], [60, 25, 15, 10])
    ages = random.uniform(1, 80, len(codes))
    return ages, ages + random.exponential(np.array([5.0, 5 + spread, 5 + 3 * spread, 5.0])[codes]), codes


def _mae(true: np.ndarray, found: np.ndarray) -> float:
    return float(np.abs(np.asarray(true) - np.asarray(found)).mean())


def _bias(maes: np.ndarray) -> float:
    return float(np.mean([abs(a - b) for a, b in combinations(maes, 2)]))


def _bootstrap_t(errors: np.ndarray) -> Interval:
    random = np.random.default_rng(9)
    found = []
    for _ in range(2500):
        sample = errors[random.integers(0, len(errors), len(errors))]
        found.append((sample.mean() - errors.mean()) / (sample.std() / np.sqrt(len(errors))))
    below, above = np.quantile(found, [0.025, 0.975])
    standard_error = errors.std() / np.sqrt(len(errors))
    return Interval(errors.mean() - above * standard_error, errors.mean() - below * standard_error)


class _CloseTo:
    """Equal to an interval whose ends are off by less than a tenth of its width."""

    def __init__(self, interval: Interval) -> None:
        self.interval = interval

    def __eq__(self, other: object) -> bool:
        own = self.interval
        slack = (own.high - own.low) / 10
        return isinstance(other, Interval) and max(abs(other.low - own.low), abs(other.high - own.high)) < slack

    def __hash__(self) -> int:
        return hash(self.interval)

    def __repr__(self) -> str:
        return f"close to {self.interval}"


def _close_to(interval: Interval | None) -> _CloseTo:
    assert interval is not None
    return _CloseTo(interval)


def _noise(errors: np.ndarray, codes: np.ndarray, resamples: int, seed: int = 0) -> Noise:
    groups = (codes, tuple("abc"[: codes.max() + 1]))
    result = evaluate_split(np.zeros(len(errors)), errors, {"x": groups}, None, resamples=resamples, seed=seed)
    assert result.biases[0].noise is not None
    return result.biases[0].noise


def test_noise_is_what_shuffled_groups_show() -> None:
    random = np.random.default_rng(2)
    errors = np.abs(random.normal(0, 7.5, size=400))
    codes = np.repeat([0, 1, 2], [300, 80, 20])
    noise = _noise(errors, codes, 4000)
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
    for trial in range(30):
        errors = np.abs(random.normal(0, 6 / np.sqrt(2 / np.pi), size=1482))
        noise = _noise(errors, np.repeat([0, 1], [766, 716]), 400, trial)
        means.append(noise.mean)
        p95s.append(noise.p95)
    assert np.mean(means) == pytest.approx(0.19, abs=0.02)
    assert np.mean(p95s) == pytest.approx(0.47, abs=0.04)
