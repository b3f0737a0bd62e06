"""Whether two settings differ in a figure, beyond the chance of images and seeds.

A difference of means over seeds has three independent sources of chance: the seeds of either side, and the images that
both sides share. Given the variance that seeds have in common, each side's part follows a scaled t distribution, and
their sum is close to one with the same second and fourth moment (Patil, Approximation to the Behrens-Fisher
distributions, 1965). The p-value averages over the candidates for that common variance. The residual of each training
on each image counts in both parts, which makes the test slightly conservative.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from ageui.compare.seed_variance import SeedVariance, seed_variance
from engine.resampling import Floats
from engine.split_result import LEVEL, Interval

POWER = 0.8
MOST_SEEDS = 1000
_LEAST_DEGREES = 4.5
"""A t distribution has a fourth moment beyond 4 degrees of freedom."""
_STEPS = 60


@dataclass(frozen=True)
class Side:
    """One side of a comparison: the sample `variance` of a figure over its `seeds`."""

    seeds: int
    variance: float = 0.0


@dataclass(frozen=True, eq=False)
class DifferenceTest:
    """A test of a difference: its `value`, in the figure's unit, against a mixture of t distributions.

    The mixture has `weights`, `scales` in the figure's unit, and `degrees` of freedom, each (H,).
    """

    value: float
    scales: Floats
    degrees: Floats
    weights: Floats

    @property
    def p_value(self) -> float:
        """The two-sided p-value of no difference."""
        return min(1.0, self._beyond(abs(self.value)))

    def interval(self, confidence: float = 1 - LEVEL) -> Interval:
        """The two-sided confidence interval of the difference."""
        from scipy.special import gammaln

        margin = NormalDist().inv_cdf((1 + confidence) / 2) * float(self.scales.min())
        half = self.degrees / 2
        heights = 2 * np.exp(gammaln(half + 0.5) - gammaln(half)) / np.sqrt(2 * math.pi * half)
        # The tail is convex and too large at the first margin, so Newton's method approaches the root from below.
        for _ in range(_STEPS):
            slopes = heights * (1 + (margin / self.scales) ** 2 / self.degrees) ** -(half + 0.5) / self.scales
            step = (self._beyond(margin) - (1 - confidence)) / float(self.weights @ slopes)
            margin += step
            if step <= 1e-9 * margin:
                break
        return Interval(self.value - margin, self.value + margin)

    def _beyond(self, margin: float) -> float:
        """The probability of a difference of at least `margin` by chance."""
        from scipy.special import stdtr  # takes a tenth of a second, which commands without a test need not wait for

        return 2 * float(self.weights @ stdtr(self.degrees, -margin / self.scales))


def difference_test(
    value: float, image_variance: float, images: int, sides: Sequence[Side], seeds: SeedVariance | None
) -> DifferenceTest | None:
    """Tests a difference between the mean figures of two settings.

    Parameters
    ----------
    value
        The difference, in the figure's unit.
    image_variance
        The variance of the difference over draws of `images` shared images, given the trainings.
    sides
        The sides whose figures depend on a seed: both, or the one that is compared with a constant predictor.
    seeds
        The seed variance over all repeated settings of the same data; None uses the two sides alone.

    Returns
    -------
    DifferenceTest or None
        None if a side has a single seed, which shows no variation.

    Examples
    --------
    >>> prior = seed_variance([0.01, 0.02, 0.015, 0.03, 0.004], [2] * 5)
    >>> test = difference_test(-0.5, 0.001, 1978, [Side(3, 0.01), Side(3, 0.02)], prior)
    >>> round(test.p_value, 4), round(test.interval().high, 2)
    (0.0027, -0.24)
    """
    if any(side.seeds < 2 for side in sides):
        return None
    prior = seeds or seed_variance([side.variance for side in sides], [side.seeds - 1 for side in sides])
    if prior is None:
        return None
    parts = [(np.full_like(prior.weights, image_variance), np.full_like(prior.weights, images - 1))]
    for side in sides:
        variance, degrees = prior.moderated(side.variance, side.seeds - 1)
        parts.append((variance / side.seeds, degrees))
    total, beyond_normal = np.zeros_like(prior.weights), np.zeros_like(prior.weights)
    for variance, degrees in parts:
        degrees = np.maximum(degrees, _LEAST_DEGREES)
        variance = variance * degrees / (degrees - 2)
        total += variance
        beyond_normal += variance**2 / (degrees - 4)
    matched = 4 + total**2 / beyond_normal
    return DifferenceTest(value, np.sqrt(total * (matched - 2) / matched), matched, prior.weights)


def seeds_to_settle(years: float, image_variance: float, seeds: SeedVariance) -> int | None:
    """The number of seeds per side that detects a true difference of `years` with 80% power, uncorrected.

    None if the noise of images alone is larger: then only more images help.

    Examples
    --------
    >>> seeds_to_settle(0.25, 0.002, seed_variance([0.012, 0.016, 0.024, 0.020], [2] * 4))
    7
    """
    normal = NormalDist()
    reach = normal.inv_cdf(1 - LEVEL / 2) + normal.inv_cdf(POWER)
    room = (years / reach) ** 2 - image_variance
    if room <= 0:
        return None
    needed = max(2, math.ceil(2 * seeds.typical / room))
    return needed if needed <= MOST_SEEDS else None
