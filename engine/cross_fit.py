"""Predictions derived from those of trained runs by parameters fitted to ages (cross-fitting). NumPy only.

Each image is predicted with parameters fitted to the other folds, so that its own age takes no part. Each bootstrap
sample repeats every fit, so that intervals include the uncertainty of the fit.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.resampling import Codes, Floats

Draws = NDArray[np.float32]
Parameters = Sequence[Any] | Floats
"""The parameters of R fits."""


class Method(Protocol):
    """Derives predictions from those of S sources."""

    @property
    def is_fitted(self) -> bool:
        """Whether parameters are fitted to ages rather than given."""
        ...

    def fit(self, sources: Floats, ages: Floats, draws: Draws) -> Parameters:
        """Fits parameters to predictions (S, N) and ages (N,), in years, once for each row of weights (R, N)."""
        ...

    def apply(self, parameters: Parameters, sources: Floats) -> Floats:
        """Predictions (R, M), in years, from those of the sources (S, M)."""
        ...


def fold_codes(names: Sequence[str], links: Iterable[tuple[int, int]], folds: int, seed: int) -> Codes:
    """Deals images to folds of about equal size, depending on names and seed but not on the order.

    Parameters
    ----------
    names
        Names of the N images.
    links
        Pairs of places of images that must share a fold, such as those of one subject.
    folds, seed
        Number of folds, and the seed of the deal.

    Returns
    -------
    array
        The fold of each image, shape (N,).

    Examples
    --------
    >>> codes = fold_codes(["a", "b", "c", "d"], [(0, 3)], folds=2, seed=0)
    >>> codes[0] == codes[3], np.bincount(codes).tolist()
    (np.True_, [2, 2])
    """
    first = list(range(len(names)))

    def root(place: int) -> int:
        while first[place] != place:
            first[place] = first[first[place]]
            place = first[place]
        return place

    for one, other in links:
        first[root(other)] = root(one)
    units: dict[int, list[int]] = {}
    for place in range(len(names)):
        units.setdefault(root(place), []).append(place)

    def order(unit: list[int]) -> tuple[int, bytes]:
        name = min(names[place] for place in unit)
        return -len(unit), hashlib.sha256(f"{seed}/{name}".encode("utf-8", "surrogateescape")).digest()

    codes, sizes = np.empty(len(names), dtype=np.int64), np.zeros(folds, dtype=np.int64)
    for unit in sorted(units.values(), key=order):
        smallest = int(sizes.argmin())
        codes[unit] = smallest
        sizes[smallest] += len(unit)
    return codes


def same_values(values: Sequence[str | None]) -> list[tuple[int, int]]:
    """The pairs of neighbouring places that hold the same value; None equals nothing.

    Examples
    --------
    >>> same_values(["a", "b", None, "a", None])
    [(0, 3)]
    """
    last: dict[str, int] = {}
    pairs = []
    for place, value in enumerate(values):
        if value is not None:
            if value in last:
                pairs.append((last[value], place))
            last[value] = place
    return pairs


def cross_fitted(method: Method, sources: Floats, ages: Floats, folds: Codes, draws: Draws | None = None) -> Floats:
    """Predicts each image with parameters fitted to the other folds.

    Parameters
    ----------
    method
        The method to fit.
    sources
        Predictions of the sources in years, shape (S, N).
    ages
        True ages in years, shape (N,).
    folds
        The fold of each image, shape (N,).
    draws
        How often each image counts in each of R fits, shape (R, N). By default, one fit counts each image once.

    Returns
    -------
    array
        Predicted ages in years, shape (R, N).
    """
    if draws is None:
        draws = np.ones((1, len(ages)), dtype=np.float32)
    return _predicted(method, sources, folds, _cross_fits(method, sources, ages, folds, draws))


def _cross_fits(method: Method, sources: Floats, ages: Floats, folds: Codes, draws: Draws) -> dict[int, Parameters]:
    """For each fold, the parameters fitted to the others."""
    return {
        fold: method.fit(sources[:, folds != fold], ages[folds != fold], draws[:, folds != fold])
        for fold in np.unique(folds).tolist()
    }


def _predicted(method: Method, sources: Floats, folds: Codes, fits: Mapping[int, Parameters]) -> Floats:
    found = {fold: method.apply(parameters, sources[:, folds == fold]) for fold, parameters in fits.items()}
    predicted = np.empty((len(next(iter(found.values()))), len(folds)))
    for fold, own in found.items():
        predicted[:, folds == fold] = own
    return predicted


def fitted_to_all(method: Method, sources: Floats, ages: Floats) -> Any:
    """The parameters fitted to all images: predictions (S, N) and ages (N,) in years."""
    return method.fit(sources, ages, np.ones((1, len(ages)), dtype=np.float32))[0]


@dataclass(frozen=True, eq=False)
class FittedSplit:
    """The images that parameters are fitted to: predictions of the sources (S, N), ages (N,), and folds (N,)."""

    sources: Floats
    ages: Floats
    folds: Codes


@dataclass(frozen=True, eq=False)
class CrossRefit:
    """Repeats the cross-fit in bootstrap samples of the images, which are both fitted and scored."""

    method: Method
    fitted: FittedSplit
    _kept: dict[tuple[int, int, bytes], dict[int, Parameters]] = field(default_factory=dict)

    @property
    def sources(self) -> Floats:
        return self.fitted.sources

    def __call__(self, draws: Draws, start: int) -> Floats:
        """Predicted ages (B, N) for draws (B, N) of the images, the first of which is sample number `start`."""
        # All figures of a comparison need the same samples. Parameters take less memory than predictions.
        one, key = self.fitted, (start, len(draws), draws[0].tobytes())
        if key not in self._kept:
            self._kept[key] = _cross_fits(self.method, one.sources, one.ages, one.folds, draws)
        return _predicted(self.method, one.sources, one.folds, self._kept[key])


@dataclass(frozen=True, eq=False)
class OtherRefit:
    """Repeats a fit in bootstrap samples of its images; other images are scored, with predictions `sources` (S, M)."""

    method: Method
    fitted: FittedSplit
    sources: Floats
    seed: int = 0

    def __call__(self, draws: Draws, start: int) -> Floats:
        """Predicted ages (B, M), as `CrossRefit` returns them. The draws of the fitted images are independent."""
        random = np.random.default_rng([self.seed, 2, start])
        fitting = random.poisson(1.0, (len(draws), len(self.fitted.ages))).astype(np.float32)
        parameters = self.method.fit(self.fitted.sources, self.fitted.ages, fitting)
        return self.method.apply(parameters, self.sources)
