"""Corrections of one run's predicted ages, fitted to labelled images. NumPy only.

Networks regress to the mean: they overestimate the young and underestimate the old. With m the mean age of the train
images, p the predicted and a the true ages, `Stretch` predicts

    m + s (p - m),  s = sqrt(sum (a - m)^2 / sum (p - m)^2)

which gives predictions the spread that ages have about the train mean: the slope of reduced major axis regression
(Smith, Use and misuse of the reduced major axis for line-fitting, 2009). It lies between the least-squares slope, which
leaves the regression to the mean, and its inverse, which removes all of it and enlarges large errors.

`Isotonic` predicts the rising function of p that is closest to the ages by squared error (Zadrozny and Elkan,
Transforming classifier scores into accurate multiclass probability estimates, 2002), linear between fitted values.
"""

from dataclasses import dataclass

import numpy as np

from engine.cross_fit import Draws, Parameters
from engine.resampling import Floats


@dataclass(frozen=True)
class Stretch:
    """Stretches predictions about `centre`, the train mean in years, by a fitted slope or by the given `slope`."""

    centre: float
    slope: float | None = None

    @property
    def is_fitted(self) -> bool:
        return self.slope is None

    def fit(self, sources: Floats, ages: Floats, draws: Draws) -> Parameters:
        """Slopes (R, 1); 1 where all drawn predictions equal the train mean."""
        if self.slope is not None:
            return np.full((len(draws), 1), self.slope)
        wanted = draws @ (ages - self.centre) ** 2
        found = draws @ (sources[0] - self.centre) ** 2
        ratios = np.divide(wanted, found, out=np.ones_like(wanted), where=found > 0)
        return np.asarray(np.sqrt(ratios)[:, None])

    def apply(self, parameters: Parameters, sources: Floats) -> Floats:
        return np.asarray(self.centre + np.asarray(parameters) * (sources[0] - self.centre))


@dataclass(frozen=True)
class Isotonic:
    """Maps predictions by the rising function that fits best; beyond the fitted predictions it is constant."""

    @property
    def is_fitted(self) -> bool:
        return True

    def fit(self, sources: Floats, ages: Floats, draws: Draws) -> Parameters:
        """The corners of each function, shape (2, K): rising predictions and the ages they are mapped to."""
        from scipy.optimize import isotonic_regression  # takes a quarter of a second, which few commands need

        knots, place = np.unique(sources[0], return_inverse=True)
        drawn = np.stack([np.bincount(place, weights=row, minlength=len(knots)) for row in draws])
        sums = np.stack([np.bincount(place, weights=row * ages, minlength=len(knots)) for row in draws])
        found = []
        for weights, total in zip(drawn, sums, strict=True):
            there = weights > 0
            values = isotonic_regression(total[there] / weights[there], weights=weights[there]).x
            found.append(_corners(knots[there], values))
        return found

    def apply(self, parameters: Parameters, sources: Floats) -> Floats:
        return np.stack([np.interp(sources[0], knots, values) for knots, values in parameters])


def _corners(knots: Floats, values: Floats) -> Floats:
    """The ends of the stretches of equal values, shape (2, K)."""
    changes = np.flatnonzero(np.diff(values) != 0)
    ends = np.unique([0, *changes, *changes + 1, len(values) - 1])
    return np.stack([knots[ends], values[ends]])
