"""Paired bootstrap intervals against loops over draws."""

import numpy as np
import pytest
from raw_errors import bias_differences, mae_differences

OURS = np.array([1.0, 4.0, 2.0, 9.0])
THEIRS = np.array([2.0, 2.0, 5.0, 3.0])


def test_the_interval_of_an_mae_equals_a_loop_over_draws() -> None:
    random = np.random.default_rng(5)
    ours, theirs = random.exponential(5, 80), random.exponential(4, 80)
    draws = [random.integers(0, 80, 80) for _ in range(4000)]
    looped = [ours[draw].mean() - theirs[draw].mean() for draw in draws]
    (found,) = mae_differences([ours], theirs, resamples=4000)
    assert found.value == pytest.approx(ours.mean() - theirs.mean())
    assert found.interval is not None
    ends = np.quantile(looped, [0.025, 0.975])
    assert [found.interval.low, found.interval.high] == pytest.approx(ends, abs=0.15 * np.std(looped))


def test_a_bias_over_three_groups_equals_a_loop_over_draws() -> None:
    random = np.random.default_rng(3)
    ours, theirs = random.exponential(5, 60), random.exponential(4, 60)
    codes = np.repeat([0, 1, 2, -1], 15)
    differences = []
    for _ in range(4000):
        draws = [random.choice(np.flatnonzero(codes == group), 15) for group in range(3)]
        gaps = []
        for errors in (ours, theirs):
            a, b, c = (errors[draw].mean() for draw in draws)
            gaps.append((abs(a - b) + abs(a - c) + abs(b - c)) / 3)
        differences.append(gaps[0] - gaps[1])
    (found,) = bias_differences([ours], theirs, codes, 3, resamples=4000)
    assert found.interval is not None
    spread = np.std(differences)
    assert [found.interval.low, found.interval.high] == pytest.approx(
        np.quantile(differences, [0.025, 0.975]), abs=0.15 * spread
    )


def test_pairing_makes_a_constant_advantage_certain() -> None:
    hard = np.random.default_rng(0).exponential(20, 50)
    (found,) = mae_differences([hard], hard + 0.5)
    assert found.value == pytest.approx(-0.5)
    assert found.interval is not None
    assert [found.interval.low, found.interval.high] == pytest.approx([-0.5, -0.5])
    assert found.variance == pytest.approx(0)


def test_a_predictor_does_not_differ_from_itself() -> None:
    (found,) = bias_differences([OURS], OURS, np.array([0, 0, 1, 1]), 2)
    assert (found.value, found.variance) == (0.0, 0.0)


def test_differences_of_several_are_those_of_each_alone() -> None:
    random = np.random.default_rng(2)
    sides = [random.exponential(5, (trainings, 60)) for trainings in (1, 3, 2)]
    baseline, codes = random.exponential(4, (2, 60)), np.repeat([0, 1, 2, -1], 15)
    maes, biases = mae_differences(sides, baseline), bias_differences(sides, baseline, codes, 3)
    for side, mae, bias in zip(sides, maes, biases, strict=True):
        (mae_alone,) = mae_differences([side], baseline)
        (bias_alone,) = bias_differences([side], baseline, codes, 3)
        for found, alone in ((mae, mae_alone), (bias, bias_alone)):
            assert found.value == alone.value
            assert found.interval is not None
            assert alone.interval is not None
            # A processor may sum a matrix of another shape in another order, in float32.
            assert (found.interval.low, found.interval.high, found.variance) == pytest.approx(
                (alone.interval.low, alone.interval.high, alone.variance)
            )


def test_equal_predictors_do_not_differ_by_rounding() -> None:
    random = np.random.default_rng(4)
    baseline, codes = random.exponential(5, (5, 90)), np.repeat([0, 1, 2], 30)
    others = [random.exponential(5, (5, 90)) for _ in range(9)]
    *_, found = bias_differences([*others, baseline.copy()], baseline, codes, 3)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high, found.variance) == (0.0, 0.0, 0.0)


def test_many_images_are_drawn_in_blocks_and_repeat_by_seed() -> None:
    random = np.random.default_rng(1)
    ours, theirs = random.exponential(6, 30_000), random.exponential(6.5, 30_000)
    (found,) = mae_differences([ours], theirs, resamples=200, seed=5)
    assert [found] == mae_differences([ours], theirs, resamples=200, seed=5)
    assert [found] != mae_differences([ours], theirs, resamples=200, seed=6)
    assert found.interval is not None
    assert found.variance == pytest.approx(np.var(ours - theirs) / 30_000, rel=0.3)
    half_width = 1.96 * np.std(ours - theirs) / np.sqrt(30_000)
    assert (found.interval.high - found.interval.low) / 2 == pytest.approx(half_width, rel=0.2)
