"""How much a figure varies over seeds, estimated over all repeated settings: a moderated variance.

Two or three seeds say little about the variance of a setting. The variances of many settings are alike, so each is
drawn towards a common value s0^2, which counts as much as d0 further degrees of freedom (Smyth, Linear models and
empirical Bayes methods for assessing differential expression in microarray experiments, 2004, section 6.2):

    moderated variance = (d0 s0^2 + d s^2) / (d0 + d)

A difference of means over these variances follows Student's t with d0 + d degrees of freedom.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST_DEGREES = 5.0
"""Where settings seem alike by chance, their common variance would otherwise count for more than it is worth."""
_SMALLEST = 1e-12
_NEWTON_STEPS = 50


@dataclass(frozen=True)
class SeedVariance:
    """What all repeated settings say of the variance of one figure over seeds.

    `variance` (s0^2) is in the figure's unit squared, and counts as much as `degrees` (d0) degrees of freedom; infinite
    where the settings' variances differ by no more than chance makes them.
    """

    variance: float
    degrees: float

    def moderated(self, variance: float, degrees: float) -> tuple[float, float]:
        """Variance and degrees of freedom of a setting with a sample `variance` over `degrees` + 1 seeds."""
        lent = min(self.degrees, MOST_DEGREES)
        return (lent * self.variance + degrees * variance) / (lent + degrees), lent + degrees


def seed_variance(variances: Sequence[float], degrees: Sequence[float]) -> SeedVariance | None:
    """Fits the common variance to the sample variances of settings, each with its degrees of freedom (seeds - 1).

    Settings with a single seed say nothing and must be left out. A single setting gives its own variance, with no
    further degrees of freedom to lend. Returns None without any.

    Examples
    --------
    >>> common = seed_variance([0.010, 0.014, 0.009, 0.012], [2, 2, 2, 2])
    >>> round(common.variance, 4), common.degrees
    (0.0112, inf)
    """
    from scipy.special import digamma, polygamma

    known = [(max(v, _SMALLEST), d) for v, d in zip(variances, degrees, strict=True) if d > 0 and math.isfinite(v)]
    if not known:
        return None
    found, d = np.array(known).T
    logs = np.log(found) - digamma(d / 2) + np.log(d / 2)
    centre = float(logs.mean())
    if len(found) < 2:
        return SeedVariance(float(found[0]), 0.0)
    beyond_chance = float(logs.var(ddof=1) - polygamma(1, d / 2).mean())
    if beyond_chance <= 0:
        return SeedVariance(float(found @ d / d.sum()), math.inf)
    half = _inverse_trigamma(beyond_chance)
    return SeedVariance(math.exp(centre + float(digamma(half)) - math.log(half)), 2 * half)


def _inverse_trigamma(value: float) -> float:
    """The y with trigamma(y) = value, by Newton's method on its reciprocal (Smyth 2004, appendix)."""
    from scipy.special import polygamma

    y = 0.5 + 1 / value
    for _ in range(_NEWTON_STEPS):
        trigamma = float(polygamma(1, y))
        step = trigamma * (1 - trigamma / value) / float(polygamma(2, y))
        y += step
        if -step / y < 1e-8:
            break
    return y
