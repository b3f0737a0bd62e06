"""The variance of a figure over seeds, estimated over all repeated settings: a moderated variance.

Two or three seeds say little about the variance of a setting. The variances of many settings are alike, so each is
drawn towards a common variance s0^2, which counts as d0 further degrees of freedom (Smyth, Linear models and empirical
Bayes methods for assessing differential expression in microarray experiments, 2004):

    moderated variance = (d0 s0^2 + d s^2) / (d0 + d)

The sample variances of settings follow s0^2 F(d, d0). A few settings do not determine d0 and s0^2, so tests average
over candidates for both, weighted by how well they explain all sample variances. One best d0 would trust the common
variance too much whenever settings look alike by chance.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.resampling import Floats

CANDIDATE_DEGREES = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
CANDIDATE_STEPS = np.linspace(-3, 3, 9)
"""Candidates for log s0^2: standard errors away from its estimate."""
_SMALLEST_SHARE, _SMALLEST = 1e-4, 1e-12


@dataclass(frozen=True, eq=False)
class SeedVariance:
    """The prior of a figure's variance over seeds: H candidates for its scale and spread, each array (H,).

    `variances` holds s0^2, in the figure's unit squared, `degrees` the degrees of freedom d0 that each counts for, and
    `weights` the probabilities of the candidates.
    """

    variances: Floats
    degrees: Floats
    weights: Floats

    @property
    def typical(self) -> float:
        """The typical variance of a setting over seeds, in the figure's unit squared."""
        return math.exp(float(self.weights @ np.log(self.variances)))

    def moderated(self, variance: float, degrees: float) -> tuple[Floats, Floats]:
        """Variance and degrees of freedom of a setting with a sample `variance` over `degrees` + 1 seeds, each (H,)."""
        together = self.degrees + degrees
        return (self.degrees * self.variances + degrees * variance) / together, together


def seed_variance(variances: Sequence[float], degrees: Sequence[float]) -> SeedVariance | None:
    """Fits the prior to the sample variances of settings, each with its degrees of freedom (seeds - 1).

    Leave out settings with a single seed, which have no variance. Returns None without any.

    Examples
    --------
    >>> prior = seed_variance([0.010, 0.014, 0.009, 0.012], [2, 2, 2, 2])
    >>> round(prior.typical, 3), len(prior.weights)
    (0.012, 45)
    """
    from scipy.special import betaln, digamma, polygamma

    known = [(v, d) for v, d in zip(variances, degrees, strict=True) if d > 0 and math.isfinite(v)]
    if not known:
        return None
    found, d = np.array(known).T
    logs = np.log(np.maximum(found, max(_SMALLEST_SHARE * found.mean(), _SMALLEST)))
    d0 = CANDIDATE_DEGREES
    # The moments of log F give the estimate of log s0^2 for each d0, and its standard error.
    centre = (logs - digamma(d / 2) + np.log(d / 2)).mean() + digamma(d0 / 2) - np.log(d0 / 2)
    error = np.sqrt((polygamma(1, d / 2).mean() + polygamma(1, d0 / 2)) / len(logs))
    scales = (centre[:, None] + error[:, None] * CANDIDATE_STEPS).ravel()
    d0, width = (np.repeat(column, len(CANDIDATE_STEPS)) for column in (d0, error))
    ratio = logs - scales[:, None]
    own, lent = d / 2, d0[:, None] / 2
    density = own * (ratio + np.log(own / lent)) - (own + lent) * np.log1p(own / lent * np.exp(ratio))
    fit = (density - betaln(own, lent)).sum(axis=1) + np.log(width)
    weights = np.exp(fit - fit.max())
    return SeedVariance(np.exp(scales), d0, weights / weights.sum())
