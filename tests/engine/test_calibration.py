"""Calibrated and blended predictions against independent references, and the intervals of fitted predictions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression

from engine.calibration import Isotonic, Stretch
from engine.cross_fit import (
    CrossRefit,
    FittedSplit,
    Method,
    OtherRefit,
    cross_fitted,
    fitted_to_all,
    fold_codes,
    same_values,
)
from engine.derived_methods import Chain
from engine.ensemble import Blend
from engine.fairness import score_errors
from engine.image_errors import ImageErrors, averaged

CENTRE = 35.0


def _shrunk(seed: int = 0, images: int = 240, sources: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Predictions (S, N) that regress to the mean, each source with noise of its own, and ages (N,)."""
    random = np.random.default_rng(seed)
    ages = random.normal(CENTRE, 15, images)
    noise = random.normal(0, 1, (sources, images)) * np.linspace(4, 8, sources)[:, None]
    return CENTRE + 0.6 * (ages - CENTRE) + noise, ages


def _folds(images: int, folds: int = 4, seed: int = 0) -> np.ndarray:
    return fold_codes([f"{place}.jpg" for place in range(images)], [], folds, seed)


def test_stretched_predictions_have_the_spread_of_ages_about_the_train_mean() -> None:
    predicted, ages = _shrunk()
    method = Stretch(CENTRE)
    (stretched,) = method.apply([fitted_to_all(method, predicted, ages)], predicted)
    assert_allclose(((stretched - CENTRE) ** 2).mean(), ((ages - CENTRE) ** 2).mean())
    least_squares = np.linalg.lstsq(predicted[0][:, None] - CENTRE, ages - CENTRE)[0].item()
    inverse = 1 / np.linalg.lstsq(ages[:, None] - CENTRE, predicted[0] - CENTRE)[0].item()
    assert_allclose(fitted_to_all(method, predicted, ages).item(), np.sqrt(least_squares * inverse))


def test_a_given_slope_is_used_as_it_is() -> None:
    predicted, ages = _shrunk()
    method = Stretch(CENTRE, 1.1)
    assert not method.is_fitted
    assert_allclose(
        method.apply(method.fit(predicted, ages, np.ones((1, 240), dtype=np.float32)), predicted),
        CENTRE + 1.1 * (predicted - CENTRE),
    )


def test_equal_predictions_stay_as_they_are() -> None:
    constant = np.full((1, 5), CENTRE)
    assert fitted_to_all(Stretch(CENTRE), constant, np.arange(5.0)).tolist() == [1.0]


@pytest.mark.parametrize("decimals", [0, 6])
def test_isotonic_predictions_are_those_of_scikit_learn(decimals: int) -> None:
    predicted, ages = _shrunk()
    predicted = predicted.round(decimals)
    weights = np.random.default_rng(1).poisson(1.0, 240).astype(np.float32)
    ours = Isotonic().apply(Isotonic().fit(predicted, ages, weights[None]), predicted - 0.25)
    drawn = weights > 0
    theirs = IsotonicRegression(out_of_bounds="clip").fit(predicted[0, drawn], ages[drawn], weights[drawn])
    assert_allclose(ours[0], theirs.predict(predicted[0] - 0.25))


def test_fitted_weights_minimise_the_squared_error_on_the_simplex() -> None:
    predicted, ages = _shrunk(sources=4)
    predicted[3] = 2 * CENTRE - ages  # a source that is wrong everywhere
    found = fitted_to_all(Blend(), predicted, ages)
    assert_allclose([found.sum(), found.min()], [1, 0], atol=1e-9)
    reference = minimize(
        lambda weights: np.mean((weights @ predicted - ages) ** 2),
        np.full(4, 0.25),
        bounds=[(0, 1)] * 4,
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1},
        tol=1e-12,
    )
    assert_allclose(found, reference.x, atol=1e-4)


def test_perfect_sources_share_their_weight() -> None:
    assert fitted_to_all(Blend(), np.ones((2, 3)), np.ones(3)).tolist() == [0.5, 0.5]


def test_a_chain_fits_its_second_method_to_predictions_of_the_first() -> None:
    predicted, ages = _shrunk(sources=3)
    chain = Chain(Blend(), Stretch(CENTRE))
    weights = fitted_to_all(Blend(), predicted, ages)
    slope = fitted_to_all(Stretch(CENTRE), (weights @ predicted)[None], ages)
    fitted = fitted_to_all(chain, predicted, ages)
    assert_allclose(np.concatenate(fitted), [*weights, *slope])
    assert_allclose(chain.apply([fitted], predicted + 1)[0], CENTRE + slope * (weights @ (predicted + 1) - CENTRE))
    assert chain.is_fitted
    assert Chain(Blend(), Stretch(CENTRE, 1.1)).is_fitted


METHODS = [Stretch(CENTRE), Isotonic(), Blend(), Chain(Blend(), Stretch(CENTRE)), Chain(Blend(), Isotonic())]


@pytest.mark.parametrize("method", METHODS)
def test_an_image_counts_as_often_as_it_is_drawn(method: Method) -> None:
    predicted, ages = _shrunk(sources=2)
    draws = np.random.default_rng(3).poisson(1.0, (1, 240)).astype(np.float32)
    weighted = method.apply(method.fit(predicted, ages, draws), predicted)
    often = np.repeat(np.arange(240), draws[0].astype(int))
    repeated = method.apply([fitted_to_all(method, predicted[:, often], ages[often])], predicted)
    assert_allclose(weighted, repeated, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_an_image_is_predicted_without_its_own_age(method: Method) -> None:
    predicted, ages = _shrunk(sources=2)
    folds = _folds(240)
    (before,) = cross_fitted(method, predicted, ages, folds)
    changed = np.where(folds == 2, ages + 50, ages)
    (after,) = cross_fitted(method, predicted, changed, folds)
    assert_allclose(after[folds == 2], before[folds == 2])
    assert np.abs(after - before)[folds != 2].max() > 1


def test_folds_depend_on_names_and_seed_alone_and_keep_linked_images_together() -> None:
    names = [f"{place}.jpg" for place in range(101)]
    links = same_values([str(place // 3) if place < 30 else None for place in range(101)])
    codes = fold_codes(names, links, 5, seed=1)
    assert np.ptp(np.bincount(codes, minlength=5)) <= 3
    assert all(len(set(codes[start : start + 3])) == 1 for start in range(0, 30, 3))
    order = np.random.default_rng(0).permutation(101)
    place = np.argsort(order)
    moved = fold_codes([names[one] for one in order], [(place[a], place[b]) for a, b in links], 5, seed=1)
    assert moved.tolist() == codes[order].tolist()
    assert fold_codes(names, links, 5, seed=2).tolist() != codes.tolist()


def _errors(predicted: np.ndarray, ages: np.ndarray, method: Method) -> ImageErrors:
    folds = _folds(len(ages))
    refit = CrossRefit(method, FittedSplit(predicted, ages, folds))
    groups = {"half": ((ages > CENTRE).astype(np.int64), ("young", "old"))}
    return ImageErrors.of_predictions(ages, cross_fitted(method, predicted, ages, folds)[0], groups, refit=refit)


def test_intervals_redo_the_fit_in_every_sample() -> None:
    """The interval of the signed error against a loop that draws images and fits again."""
    predicted, ages = _shrunk(images=60)
    ages = ages + 6  # the slope stretches about the train mean, so every fit moves the mean error
    method, folds = Stretch(CENTRE), _folds(60)
    errors = _errors(predicted, ages, method)
    found = score_errors(errors, resamples=4000).figure("slope")
    random, slopes = np.random.default_rng(5), []
    for _ in range(1500):
        often = random.integers(0, 60, 60)
        off = np.empty(60)
        for fold in range(4):
            fitted, own = often[folds[often] != fold], folds[often] == fold
            slope = np.sqrt(((ages[fitted] - CENTRE) ** 2).sum() / ((predicted[0, fitted] - CENTRE) ** 2).sum())
            off[own] = CENTRE + slope * (predicted[0, often[own]] - CENTRE) - ages[often[own]]
        slopes.append(np.polyfit(ages[often], off, 1)[0])
    assert found is not None
    assert found.interval is not None
    assert_allclose([found.interval.low, found.interval.high], np.quantile(slopes, [0.025, 0.975]), atol=0.012)
    fixed = score_errors(ImageErrors.of_predictions(ages, errors.signed + ages, errors.groups)).figure("slope")
    assert fixed is not None
    assert fixed.interval is not None
    assert abs(np.ptp(np.quantile(slopes, [0.025, 0.975])) - (fixed.interval.high - fixed.interval.low)) > 0.03


@pytest.mark.parametrize("method", METHODS)
def test_refitting_moves_no_figure_and_every_interval(method: Method) -> None:
    predicted, ages = _shrunk(sources=2)
    errors = _errors(predicted, ages, method)
    fixed = ImageErrors.of_predictions(ages, errors.signed + ages, errors.groups)
    ours, theirs = score_errors(errors, resamples=500), score_errors(fixed, resamples=500)
    assert (ours.mae, ours.signed) == (theirs.mae, theirs.signed)
    assert ours.bias("half").p_value == theirs.bias("half").p_value  # type: ignore[union-attr]
    assert ours.mae_interval != theirs.mae_interval
    assert ours.figure("half").interval != theirs.figure("half").interval  # type: ignore[union-attr]


@pytest.mark.parametrize("method", METHODS)
def test_the_same_samples_are_fitted_once(method: Method, monkeypatch: pytest.MonkeyPatch) -> None:
    predicted, ages = _shrunk(sources=2)
    refit = CrossRefit(method, FittedSplit(predicted, ages, _folds(240)))
    draws = np.random.default_rng(4).poisson(1.0, (3, 240)).astype(np.float32)
    first, other = refit(draws, 0), refit(draws[::-1], 0)
    assert_allclose(other, first[::-1])
    monkeypatch.setattr(type(method), "fit", None)
    assert_allclose(refit(draws, 0), first)


def test_averages_over_seeds_refit_each_seed() -> None:
    predicted, ages = _shrunk()
    calibrated = _errors(predicted, ages, Stretch(CENTRE))
    plain = ImageErrors.of_predictions(ages, predicted[0], calibrated.groups)
    both = averaged([calibrated, plain])
    draws = np.ones((2, 240), dtype=np.float32)
    sample = both.of_samples(draws, 0)
    assert_allclose(sample.absolute, np.tile((calibrated.absolute + plain.absolute) / 2, (2, 1)), atol=1e-5)
    assert averaged([plain, plain]).refit is None


def test_a_fit_on_other_images_is_drawn_apart_from_the_scored_images() -> None:
    predicted, ages = _shrunk()
    fitted = FittedSplit(predicted[:, :100], ages[:100], _folds(100))
    refit = OtherRefit(Stretch(CENTRE), fitted, predicted[:, 100:])
    sample = refit(np.ones((300, 140), dtype=np.float32), 0)
    slopes = (sample[:, 0] - CENTRE) / (predicted[0, 100] - CENTRE)
    assert_allclose(slopes.mean(), fitted_to_all(Stretch(CENTRE), fitted.sources, fitted.ages).item(), rtol=0.02)
    assert slopes.std() > 0.01
    assert_allclose(refit(np.ones((300, 140), dtype=np.float32), 0), sample)
