"""Bootstrap draws against loops and exact distributions."""

from itertools import product

import numpy as np
import pytest

from engine.figure_forms import FigureForm, absolute
from engine.figure_samples import figure_samples
from engine.image_errors import ImageErrors
from engine.resampling import Codes, Floats, GroupColumns, group_means, image_draws

ERRORS = np.array([1.0, 4.0, 2.0, 9.0, 3.5, 6.0, 0.5, 7.0])
CODES = np.array([0, 1, 0, 1, 2, 2, 0, -1])


def _samples(
    errors: Floats, groupings: list[tuple[Codes, int]], resamples: int, seed: int, subjects: Codes | None = None
) -> list[tuple[Floats, Floats]]:
    """Means of the groups of each grouping, and their standard errors, from the same draws."""
    images = ImageErrors(np.zeros(len(errors)), errors, errors, {}, subjects)
    forms = [FigureForm((str(place),), grouping, (absolute,), np.asarray) for place, grouping in enumerate(groupings)]
    found = figure_samples(images, forms, [form.key for form in forms], resamples, seed)
    return [(found.means[form.key, absolute], found.standard_errors[form.key]) for form in forms]


def test_group_means_ignore_rows_in_no_group() -> None:
    means = group_means(np.array([1.0, 3.0, 50.0, 8.0]), np.array([0, 0, -1, 2]), 3)
    assert means[0] == 2
    assert np.isnan(means[1])
    assert means[2] == 8


def test_means_and_standard_errors_are_those_of_draws_with_replacement() -> None:
    """The other way: as many images as there are. The sample size that varies shows in the standard errors alone."""
    random = np.random.default_rng(0)
    errors, codes = random.exponential(6, 150), np.repeat([0, 1, -1], [100, 40, 10])
    ((drawn, drawn_errors),) = _samples(errors, [(codes, 2)], 20_000, seed=1)
    for group in range(2):
        own = errors[codes == group]
        samples = own[random.integers(0, len(own), (20_000, len(own)))]
        means, standard_errors = samples.mean(axis=1), samples.std(axis=1) / np.sqrt(len(own))
        levels = [0.025, 0.25, 0.5, 0.75, 0.975]
        found = np.quantile(drawn[:, group], levels)
        assert found == pytest.approx(np.quantile(means, levels), abs=0.08 * means.std())
        found = np.quantile(drawn_errors[:, group], levels)
        assert found == pytest.approx(np.quantile(standard_errors, levels), rel=0.1)


def test_subjects_are_drawn_as_a_whole() -> None:
    """Draw by draw as a loop: subjects of several images, some of them in two groups."""
    random = np.random.default_rng(1)
    subjects, codes, errors = random.integers(0, 12, 60), random.integers(-1, 2, 60), random.exponential(6, 60)
    ((drawn, drawn_errors),) = _samples(errors, [(codes, 2)], 300, seed=1, subjects=subjects)
    counts = np.concatenate(list(image_draws(60, 300, 1, subjects)))
    for subject in range(12):
        own = counts[:, subjects == subject]
        assert (own == own[:, :1]).all()
    for sample, times in enumerate(counts):
        for group in range(2):
            own = codes == group
            n = times[own].sum()
            mean = (times * errors)[own].sum() / n
            assert drawn[sample, group] == pytest.approx(mean, rel=1e-5)
            squares = 0.0
            for subject in range(12):
                mine = own & (subjects == subject)
                squares += times[mine].max(initial=0) * (errors[mine] - mean).sum() ** 2
            assert drawn_errors[sample, group] == pytest.approx(np.sqrt(squares) / n, rel=1e-4, abs=1e-6)


def test_each_grouping_sees_only_its_own_groups() -> None:
    """Groups of equal errors have a mean that no draw changes, whatever other groupings are drawn beside them."""
    errors = np.array([1.0, 1.0, 5.0, 5.0, 5.0, 9.0, 70.0])
    codes = np.array([0, 0, 1, 1, 1, 2, -1])
    together = _samples(errors, [(np.arange(7) % 2, 2), (codes, 3)], 50, seed=0)
    (alone,) = _samples(errors, [(codes, 3)], 50, seed=0)
    assert together[1][0] == pytest.approx(np.tile([1.0, 5.0, 9.0], (50, 1)))
    assert together[1][1] == pytest.approx(np.zeros((50, 3)))
    np.testing.assert_array_equal(together[1][0], alone[0])


def test_a_group_without_images_is_nan_and_spoils_no_other() -> None:
    ((means, _),) = _samples(ERRORS, [(CODES, 4)], 20, seed=0)
    assert np.isnan(means[:, 3]).all()
    assert np.isfinite(means[:, :3]).all()


def test_huge_errors_are_drawn_like_small_ones() -> None:
    small, huge = (_samples(ERRORS * scale, [(CODES, 3)], 50, seed=0)[0] for scale in (1.0, 1e30))
    np.testing.assert_allclose(huge[0], small[0] * 1e30, rtol=1e-5)
    np.testing.assert_allclose(huge[1], small[1] * 1e30, rtol=1e-5, atol=1e26)


def test_draws_are_a_function_of_the_seed_and_not_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(seed: int) -> Floats:
        return _samples(ERRORS, [(CODES, 3)], 300, seed)[0][0]

    before = drawn(4)
    np.testing.assert_array_equal(before, drawn(4))
    assert (before != drawn(5)).any()
    monkeypatch.setattr("engine.resampling._BLOCK_ELEMENTS", 64)
    np.testing.assert_allclose(before, drawn(4))


def test_values_are_drawn_together() -> None:
    """Two columns of one grouping: where one is a function of the other, so are its means."""
    columns = GroupColumns([(np.column_stack([ERRORS, 3 - 2 * ERRORS]), (CODES, 3))])
    for draws in image_draws(len(ERRORS), 20, seed=0):
        ((means, drawn),) = columns.means(draws)
        assert means.shape == (2, 20, 3)
        np.testing.assert_allclose(means[1], 3 - 2 * means[0], rtol=1e-5)
        np.testing.assert_array_equal(drawn[:, 0], draws[:, CODES == 0].sum(axis=1))


def test_poisson_draws_of_two_images_have_the_exact_distribution() -> None:
    """Both counts are Poisson of mean 1; with none drawn the mean stays."""
    ((means, _),) = _samples(np.array([0.0, 1.0]), [(np.zeros(2, dtype=np.int64), 1)], 40_000, seed=2)
    weights = np.exp(-1) / np.cumprod([1, *range(1, 9)])
    expected: dict[float, float] = {}
    for (first, p), (second, q) in product(enumerate(weights), repeat=2):
        mean = round(second / (first + second), 6) if first + second else 0.5
        expected[mean] = expected.get(mean, 0.0) + p * q
    for mean, share in expected.items():
        assert (np.abs(means[:, 0] - mean) < 1e-5).mean() == pytest.approx(share, abs=0.012)
