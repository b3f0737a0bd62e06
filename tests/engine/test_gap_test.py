"""The permutation test against SciPy's, against loops, and by simulation."""

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import permutation_test

import engine.gap_test
from engine.gap_test import SMALLEST_GROUP, GapTest, gap_test
from engine.split_result import LEVEL


def _welch(*samples: np.ndarray, axis: int = -1) -> np.ndarray:
    means = np.stack([one.mean(axis=axis) for one in samples])
    weights = np.stack([one.shape[axis] / one.var(axis=axis, ddof=1) for one in samples])
    centre = (weights * means).sum(axis=0) / weights.sum(axis=0)
    return (weights * (means - centre) ** 2).sum(axis=0)


def _tested(*samples: np.ndarray, resamples: int = 40_000, seed: int = 0) -> GapTest:
    codes = np.repeat(np.arange(len(samples)), [len(one) for one in samples])
    test = gap_test(np.concatenate(samples), codes, tuple("abcdef"[: len(samples)]), resamples=resamples, seed=seed)
    assert isinstance(test, GapTest)
    return test


@pytest.mark.parametrize(("sizes", "scales"), [((5, 6), (1, 1)), ((9, 5), (1, 3)), ((5, 5, 7), (1, 2, 1))])
def test_the_p_value_is_that_of_scipy(sizes: tuple[int, ...], scales: tuple[int, ...]) -> None:
    random, found = np.random.default_rng(1), []
    for shift in (0.0, 2.0, 5.0):
        samples = [random.exponential(3 * scale, size) for size, scale in zip(sizes, scales, strict=True)]
        samples[-1] += shift
        other = permutation_test(
            samples, _welch, alternative="greater", vectorized=True, n_resamples=40_000, rng=np.random.default_rng(0)
        )
        assert _tested(*samples).p_value() == pytest.approx(other.pvalue, abs=0.012)
        found.append(other.pvalue)
    assert min(found) < 0.2
    assert max(found) > 0.1


def test_ties_count_as_larger() -> None:
    """Of the 252 ways to part ten images, the observed one and its mirror image are the most extreme."""
    low, high = np.array([0.0, 1.0, 2.0, 3.0, 4.0]), np.array([50.0, 51.0, 52.0, 53.0, 54.0])
    assert _tested(low, high).p_value() == pytest.approx(2 / 252, rel=0.15)
    assert _tested(high, low).p_value() == pytest.approx(2 / 252, rel=0.15)


def test_both_counts_get_one() -> None:
    apart = np.arange(30.0), np.arange(30.0) + 1000
    assert _tested(*apart, resamples=1).p_value() == 1 / 2
    assert _tested(*apart, resamples=99).p_value() == 1 / 101
    assert _tested(np.arange(30.0), np.arange(30.0), resamples=99).p_value() == 1


@pytest.mark.parametrize("seed", range(40))
def test_the_smallest_share_is_zero_exactly_where_no_difference_is_not_rejected(seed: int) -> None:
    random = np.random.default_rng(seed)
    test = _tested(random.gamma(1.4, 4, 40), random.gamma(1.4, 5.5, 12), random.gamma(1.4, 4, 8), resamples=400)
    assert (test.smallest_share == 0) == (test.p_value() > LEVEL)
    assert test.p_value(test.smallest_share) > LEVEL
    assert test.p_value(1.0) == 1


@pytest.mark.parametrize("seed", range(5))
def test_a_share_is_tested_by_subtracting_it_from_the_groups(seed: int) -> None:
    random = np.random.default_rng(seed)
    samples = random.normal(0, 2, 12), random.normal(3, 4, 9), random.normal(1, 1, 30)
    test = _tested(*samples, resamples=900)
    for share in (0.25, 0.5, 0.9):
        lowered = _tested(*(one - share * one.mean() for one in samples), resamples=900)
        assert test.p_value(share) == pytest.approx(lowered.p_value(), abs=0.003)
    if test.smallest_share:
        assert test.p_value(test.smallest_share - 0.01) <= LEVEL + 0.01


@pytest.mark.parametrize(
    ("sizes", "flat", "subjects", "reason"),
    [
        ((SMALLEST_GROUP - 1, 9, 3), None, False, "fewer than 5 images of a, c"),
        ((9, 9, 9), 1, False, "no variance in b"),
        ((8, 8, 12), None, True, "fewer than 5 subjects of a, b"),
    ],
)
def test_why_groups_cannot_be_tested(sizes: tuple[int, ...], flat: int | None, subjects: bool, reason: str) -> None:
    codes = np.repeat([0, 1, 2], sizes)
    values = np.random.default_rng(0).normal(0, 1, len(codes))
    values[codes == flat] = 0.1
    owners = np.arange(len(codes)) // 2 if subjects else None
    assert gap_test(values, codes, ("a", "b", "c"), subjects=owners) == reason


def test_equal_errors_cannot_be_tested() -> None:
    assert gap_test(np.full(20, 0.1), np.arange(20) % 2, ("a", "b")) == "no variance in a, b"


def test_images_in_no_group_do_not_count() -> None:
    random = np.random.default_rng(3)
    values, codes = random.exponential(4, 40), np.repeat([0, 1, -1], [20, 12, 8])
    with_all, without = gap_test(values, codes, ("a", "b")), gap_test(values[:32], codes[:32], ("a", "b"))
    assert isinstance(with_all, GapTest)
    assert isinstance(without, GapTest)
    assert (with_all.p_value(), with_all.detectable) == (without.p_value(), without.detectable)


def test_images_of_a_subject_that_are_all_alike_count_as_one() -> None:
    random = np.random.default_rng(4)
    values, codes, subjects = random.exponential(4, 30), np.repeat([0, 1], [18, 12]), random.permutation(30)
    once = gap_test(values, codes, ("a", "b"), subjects=subjects)
    three = gap_test(*(np.repeat(one, 3) for one in (values, codes)), ("a", "b"), subjects=np.repeat(subjects, 3))
    apart = gap_test(*(np.repeat(one, 3) for one in (values, codes)), ("a", "b"))
    assert isinstance(once, GapTest)
    assert isinstance(three, GapTest)
    assert isinstance(apart, GapTest)
    assert three.p_value() == pytest.approx(once.p_value())
    assert three.smallest_share == pytest.approx(once.smallest_share)
    assert three.detectable == pytest.approx(once.detectable)
    assert apart.detectable < once.detectable


def test_the_variance_over_subjects_is_that_of_a_loop() -> None:
    """Subjects have different numbers of images, and some are in two groups, where they count as two units."""
    random = np.random.default_rng(5)
    subjects, codes = random.integers(0, 25, 120), random.integers(0, 2, 120)
    values = random.normal(0, 1, 120) + random.normal(0, 3, 25)[subjects]
    test = gap_test(values, codes, ("a", "b"), subjects=subjects)
    assert isinstance(test, GapTest)
    for group in range(2):
        own = codes == group
        mean, owners = values[own].mean(), np.unique(subjects[own])
        sums = [(values[own & (subjects == one)] - mean).sum() for one in owners]
        units = len(owners)
        assert test.units[group] == units
        assert test.variances[group] == pytest.approx(np.sum(np.square(sums)) * units / (units - 1) / own.sum() ** 2)


def _gaps(values: np.ndarray, codes: np.ndarray, resamples: int, seed: int = 0) -> np.ndarray:
    sums = engine.gap_test._shuffled_sums(values[None], codes, int(codes.max()) + 1, resamples, seed)[0]
    means = sums / np.bincount(codes)
    return np.abs(means[:, 0] - means[:, 1])


def test_shuffles_of_a_tiny_case_are_all_permutations_alike() -> None:
    values, codes = np.array([1.0, 2.0, 4.0]), np.array([0, 1, 1])
    exact = sorted(abs(first - (second + third) / 2) for first, second, third in permutations(values))
    found = _gaps(values, codes, 40_000)
    gaps, counts = np.unique(found.round(9), return_counts=True)
    assert gaps.tolist() == sorted(set(exact))
    assert counts / len(found) == pytest.approx([1 / 3] * 3, abs=0.02)


def test_any_two_shuffles_are_independent() -> None:
    """The gaps of pairs that share their values, or their groups, vary together no more than others do."""
    values, codes = np.arange(6.0) ** 2, np.array([0, 0, 0, 1, 1, 1])
    gaps = np.stack([_gaps(values, codes, 4, seed) for seed in range(3000)])
    assert gaps.shape == (3000, 4)
    correlations = np.corrcoef(gaps.T)[np.triu_indices(4, 1)]
    assert np.abs(correlations).max() < 0.07


@pytest.mark.simulation
@pytest.mark.parametrize("spread", [0.67, 1.0, 1.5])
def test_the_level_holds_where_the_smallest_group_scatters_differently(spread: float) -> None:
    random, codes, rejected, trials = np.random.default_rng(7), np.repeat([0, 1, 2], [600, 50, 116]), 0, 500
    spreads = np.where(codes == 1, spread, 1.0) * 6 / 7
    for trial in range(trials):
        errors = random.gamma(spreads**-2, 7 * spreads**2)
        test = gap_test(errors, codes, ("a", "b", "c"), resamples=400, seed=trial)
        assert isinstance(test, GapTest)
        rejected += test.p_value() <= LEVEL
    assert 0.025 <= rejected / trials <= 0.08


@pytest.mark.simulation
def test_four_of_five_samples_reveal_a_detectable_gap() -> None:
    """The hardest case: the group apart is the one whose mean is the least certain."""
    random, codes, found, trials = np.random.default_rng(8), np.repeat([0, 1, 2], [600, 50, 116]), np.zeros(3), 400
    for trial in range(trials):
        values = random.normal(0, 6, len(codes))
        plain = gap_test(values, codes, ("a", "b", "c"), resamples=400, seed=trial)
        assert isinstance(plain, GapTest)
        for group in range(3):
            # A group that is d apart from two that are alike makes a mean gap of 2 d / 3.
            shifted = values + np.where(codes == group, plain.detectable * 3 / 2, 0.0)
            one = gap_test(shifted, codes, ("a", "b", "c"), resamples=400, seed=trial)
            assert isinstance(one, GapTest)
            found[group] += one.p_value() <= LEVEL
    assert found.min() / trials == pytest.approx(0.8, abs=0.06)
    assert found.argmin() == 1


@pytest.mark.simulation
def test_the_level_holds_where_images_of_a_subject_are_alike() -> None:
    """A test that takes every image for another person rejects far too often."""
    random, rejected, trials = np.random.default_rng(9), np.zeros(2), 300
    for trial in range(trials):
        subjects = np.repeat(np.arange(60), random.integers(1, 12, 60))
        codes = (subjects % 3 == 0).astype(np.int64)
        values = random.normal(0, 3, 60)[subjects] + random.normal(0, 3, len(subjects))
        for place, owners in enumerate((subjects, None)):
            test = gap_test(values, codes, ("a", "b"), subjects=owners, resamples=400, seed=trial)
            assert isinstance(test, GapTest)
            rejected[place] += test.p_value() <= LEVEL
    assert 0.02 <= rejected[0] / trials <= 0.09
    assert rejected[1] / trials > 0.2
