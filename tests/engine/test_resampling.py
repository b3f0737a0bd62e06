"""Bootstrap draws and shuffles against loops, exact distributions and an independent permutation test."""

from itertools import permutations, product

import numpy as np
import pytest
from scipy.stats import permutation_test

from engine.resampling import bootstrap, group_means, shuffled_means

ERRORS = np.array([1.0, 4.0, 2.0, 9.0, 3.5, 6.0, 0.5, 7.0])
CODES = np.array([0, 1, 0, 1, 2, 2, 0, -1])


def _gap(means: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.abs(means[..., 0] - means[..., 1])


def test_group_means_ignore_rows_in_no_group() -> None:
    means = group_means(np.array([1.0, 3.0, 50.0, 8.0]), np.array([0, 0, -1, 2]), 3)
    assert means[0] == 2
    assert np.isnan(means[1])
    assert means[2] == 8


def test_means_and_standard_errors_are_those_of_draws_with_replacement() -> None:
    """The other way: as many images as there are. The sample size that varies shows in the standard errors alone."""
    random = np.random.default_rng(0)
    errors, codes = random.exponential(6, 150), np.repeat([0, 1, -1], [100, 40, 10])
    (draws,) = bootstrap(errors, [(codes, 2)], 20_000, seed=1)
    for group in range(2):
        own = errors[codes == group]
        samples = own[random.integers(0, len(own), (20_000, len(own)))]
        means, standard_errors = samples.mean(axis=1), samples.std(axis=1) / np.sqrt(len(own))
        levels = [0.025, 0.25, 0.5, 0.75, 0.975]
        found = np.quantile(draws.means[:, group], levels)
        assert found == pytest.approx(np.quantile(means, levels), abs=0.08 * means.std())
        found = np.quantile(draws.standard_errors[:, group], levels)
        assert found == pytest.approx(np.quantile(standard_errors, levels), rel=0.1)


def test_each_grouping_sees_only_its_own_groups() -> None:
    """Groups of equal errors have a mean that no draw changes, whatever other groupings are drawn beside them."""
    errors = np.array([1.0, 1.0, 5.0, 5.0, 5.0, 9.0, 70.0])
    codes = np.array([0, 0, 1, 1, 1, 2, -1])
    together = bootstrap(errors, [(np.arange(7) % 2, 2), (codes, 3)], 50, seed=0)
    (alone,) = bootstrap(errors, [(codes, 3)], 50, seed=0)
    assert together[1].means == pytest.approx(np.tile([1.0, 5.0, 9.0], (50, 1)))
    assert together[1].standard_errors == pytest.approx(np.zeros((50, 3)))
    np.testing.assert_array_equal(together[1].means, alone.means)


def test_a_group_without_images_is_nan_and_spoils_no_other() -> None:
    (draws,) = bootstrap(ERRORS, [(CODES, 4)], 20, seed=0)
    assert np.isnan(draws.means[:, 3]).all()
    assert np.isfinite(draws.means[:, :3]).all()


def test_draws_are_a_function_of_the_seed_and_not_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    before = bootstrap(ERRORS, [(CODES, 3)], 300, seed=4)[0].means
    np.testing.assert_array_equal(before, bootstrap(ERRORS, [(CODES, 3)], 300, seed=4)[0].means)
    assert (before != bootstrap(ERRORS, [(CODES, 3)], 300, seed=5)[0].means).any()
    monkeypatch.setattr("engine.resampling._BLOCK_ELEMENTS", 64)
    np.testing.assert_allclose(before, bootstrap(ERRORS, [(CODES, 3)], 300, seed=4)[0].means)


def test_shuffles_of_a_tiny_case_are_all_permutations_alike() -> None:
    errors, codes = np.array([1.0, 2.0, 4.0, 8.0]), np.array([0, 1, 1, -1])
    exact = sorted(abs(first - (second + third) / 2) for first, second, third in permutations(errors[:3]))
    found = _gap(shuffled_means(errors, (codes, 2), 40_000, seed=0))
    values, counts = np.unique(found.round(9), return_counts=True)
    assert values.tolist() == sorted(set(exact))
    assert counts / len(found) == pytest.approx([1 / 3] * 3, abs=0.02)


def test_the_share_of_shuffles_that_reach_the_gap_is_the_p_value_of_scipy() -> None:
    random = np.random.default_rng(1)
    first, second = random.exponential(5, 9), random.exponential(9, 7)

    def statistic(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.abs(x.mean(axis=axis) - y.mean(axis=axis))

    exact = permutation_test((first, second), statistic, alternative="greater", vectorized=True, n_resamples=np.inf)
    shuffled = shuffled_means(np.concatenate([first, second]), (np.repeat([0, 1], [9, 7]), 2), 40_000, seed=3)
    assert (_gap(shuffled) >= statistic(first, second) - 1e-9).mean() == pytest.approx(exact.pvalue, abs=0.01)
    assert 0.02 < exact.pvalue < 0.98


def test_any_two_shuffles_are_independent() -> None:
    """The gaps of pairs that share their errors, or their groups, vary together no more than others do."""
    errors, codes = np.arange(6.0) ** 2, np.array([0, 0, 0, 1, 1, 1])
    gaps = np.stack([_gap(shuffled_means(errors, (codes, 2), 4, seed)) for seed in range(3000)])
    assert gaps.shape == (3000, 4)
    correlations = np.corrcoef(gaps.T)[np.triu_indices(4, 1)]
    assert np.abs(correlations).max() < 0.07


def test_shuffles_leave_out_images_in_no_group() -> None:
    means = shuffled_means(np.array([1.0, 1.0, 1.0, 500.0]), (np.array([0, 1, 1, -1]), 2), 10, seed=0)
    assert means.shape == (16, 2)
    assert means == pytest.approx(np.ones((16, 2)))


def test_poisson_draws_of_two_images_have_the_exact_distribution() -> None:
    """Both counts are Poisson of mean 1; with none drawn the mean stays."""
    (draws,) = bootstrap(np.array([0.0, 1.0]), [(np.zeros(2, dtype=np.int64), 1)], 40_000, seed=2)
    weights = np.exp(-1) / np.cumprod([1, *range(1, 9)])
    expected: dict[float, float] = {}
    for (first, p), (second, q) in product(enumerate(weights), repeat=2):
        mean = round(second / (first + second), 6) if first + second else 0.5
        expected[mean] = expected.get(mean, 0.0) + p * q
    for mean, share in expected.items():
        assert (np.abs(draws.means[:, 0] - mean) < 1e-5).mean() == pytest.approx(share, abs=0.012)
