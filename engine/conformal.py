"""Intervals around predicted ages, calibrated on labelled images: locally weighted split conformal. NumPy only.

One half of the images gives the size of errors at each predicted age. With w(y) the mean absolute error around the
predicted age y, the other half gives the scores |age - y| / w(y). The interval is y ± q w(y), where q is the score of
rank ceil((n + 1) 0.9) of n (Lei et al., Distribution-free predictive inference for regression, 2018, section 5.2). For
new faces drawn from the same population, it contains the true age in at least 90% of cases, whatever the network.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from engine.resampling import Codes, Floats

CONFIDENCE = 0.9
LEAST_IMAGES = 40
"""The fewest images to calibrate on. To measure coverage, half of them calibrate, and half of these give scores: at
least 9, so that a score has the rank above."""
_BIN_IMAGES, _MOST_BINS = 50, 10
_REPEATS = 20
_LEAST_SHARE, _LEAST_YEARS = 0.1, 1e-6


@dataclass(frozen=True, eq=False)
class AgeIntervals:
    """Half widths of 90% intervals in years, at predicted `ages` in rising order, each (K,).

    `coverage` is the share of true ages inside the intervals, measured on images that did not calibrate them: the mean
    over random splits into a half that calibrates and a half that measures.
    """

    ages: Floats
    half_widths: Floats
    coverage: float = math.nan

    def around(self, predicted: Floats) -> Floats:
        """Low and high ends, at least 0, around predicted ages (N,), shape (N, 2), in years."""
        half = np.interp(predicted, self.ages, self.half_widths)
        return np.stack([np.maximum(predicted - half, 0.0), np.maximum(predicted + half, 0.0)], axis=-1)


def age_intervals(ages: Floats, predicted: Floats, *, seed: int = 0) -> AgeIntervals | None:
    """Calibrates intervals on true and predicted ages (N,), in years, of images outside the training set.

    Returns None for fewer than 40 images, or if predictions are not finite.

    Examples
    --------
    Errors grow with age, and so do the intervals:

    >>> random = np.random.default_rng(0)
    >>> predicted = random.uniform(10, 80, 2000)
    >>> intervals = age_intervals(predicted + random.normal(0, predicted / 10), predicted)
    >>> intervals.around(np.array([20.0, 60.0])).round().tolist()
    [[17.0, 23.0], [50.0, 70.0]]
    >>> round(intervals.coverage, 2)
    0.9
    """
    if len(ages) < LEAST_IMAGES or not (np.isfinite(predicted).all() and np.isfinite(ages).all()):
        return None
    random = np.random.default_rng(seed)
    inside = []
    for _ in range(_REPEATS):
        measuring, calibrating = _halves(len(ages), random)
        low, high = _calibrated(ages[calibrating], predicted[calibrating], random).around(predicted[measuring]).T
        inside.append(np.mean((low <= ages[measuring]) & (ages[measuring] <= high)))
    return replace(_calibrated(ages, predicted, random), coverage=float(np.mean(inside)))


def _calibrated(ages: Floats, predicted: Floats, random: np.random.Generator) -> AgeIntervals:
    errors = np.abs(predicted - ages)
    shaping, scoring = _halves(len(ages), random)
    shaping = shaping[np.argsort(predicted[shaping])]
    bins = np.array_split(shaping, min(max(1, len(shaping) // _BIN_IMAGES), _MOST_BINS))
    knots = np.array([predicted[own].mean() for own in bins])
    widths = np.array([errors[own].mean() for own in bins])
    widths = np.maximum(widths, max(_LEAST_SHARE * errors[shaping].mean(), _LEAST_YEARS))
    scores = np.sort(errors[scoring] / np.interp(predicted[scoring], knots, widths))
    rank = math.ceil((len(scores) + 1) * CONFIDENCE)
    return AgeIntervals(knots, widths * scores[rank - 1])


def _halves(n: int, random: np.random.Generator) -> tuple[Codes, Codes]:
    order = random.permutation(n)
    return order[: n // 2], order[n // 2 :]
