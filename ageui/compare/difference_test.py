"""Whether two settings differ in a figure, beyond what the choice of images and of seeds makes.

A difference of means over seeds has three independent sources of chance: the seeds of either side, and the images that
both sides share. Their variances add. The seeds of both sides count as many degrees of freedom as those of the side
with fewer, and images and seeds together as Satterthwaite (1946) has it. What is left of each training on each image
counts in both parts, which makes the test a little conservative.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from ageui.compare.seed_variance import SeedVariance
from ageui.present.table import LEVEL
from engine.fairness import Interval

POWER = 0.8
MOST_SEEDS = 1000


@dataclass(frozen=True)
class Side:
    """One side of a comparison: the sample `variance` of a figure over its `seeds`."""

    seeds: int
    variance: float = 0.0


@dataclass(frozen=True)
class DifferenceTest:
    """A t-test of a difference: its `value` and standard `error`, in the figure's unit, and `degrees` of freedom."""

    value: float
    error: float
    degrees: float

    @property
    def p_value(self) -> float:
        """The two-sided p-value of no difference."""
        from scipy.special import stdtr  # takes a tenth of a second, which commands without a test need not wait for

        if self.error == 0:
            return float(self.value == 0)
        return min(1.0, 2 * float(stdtr(self.degrees, -abs(self.value) / self.error)))

    def interval(self, confidence: float = 1 - LEVEL) -> Interval:
        """The two-sided confidence interval of the difference."""
        from scipy.special import stdtrit

        margin = float(stdtrit(self.degrees, (1 + confidence) / 2)) * self.error
        return Interval(self.value - margin, self.value + margin)


def difference_test(
    value: float, image_variance: float, images: int, sides: Sequence[Side], seeds: SeedVariance | None
) -> DifferenceTest | None:
    """Tests a difference between the mean figures of two settings.

    Parameters
    ----------
    value
        The difference, in the figure's unit.
    image_variance
        The variance of the difference over draws of `images` shared images, the trainings given.
    sides
        The sides whose figures depend on a seed: both, or the one that is set against a constant predictor.
    seeds
        The seed variance over all repeated settings of the same data; None if nothing was repeated.

    Returns
    -------
    DifferenceTest or None
        None if a side has a single seed, which says nothing of how its setting varies.

    Examples
    --------
    >>> test = difference_test(-0.5, 0.001, 1978, [Side(3, 0.01), Side(3, 0.02)], SeedVariance(0.015, 4.0))
    >>> round(test.p_value, 4), round(test.interval().high, 2)
    (0.0034, -0.25)
    """
    if any(side.seeds < 2 for side in sides):
        return None
    seed_part, seed_degrees = 0.0, math.inf
    for side in sides:
        variance, degrees = side.variance, side.seeds - 1.0
        if seeds is not None:
            variance, degrees = seeds.moderated(variance, degrees)
        seed_part += variance / side.seeds
        seed_degrees = min(seed_degrees, degrees)
    total = image_variance + seed_part
    spread = image_variance**2 / (images - 1) + seed_part**2 / seed_degrees
    return DifferenceTest(value, math.sqrt(total), total**2 / spread if spread > 0 else math.inf)


def seeds_to_settle(years: float, image_variance: float, seeds: SeedVariance) -> int | None:
    """The seeds a side that find a true difference of `years` with 80% power, uncorrected.

    None if image noise alone is larger: no number of seeds settles it, more images can.

    Examples
    --------
    >>> seeds_to_settle(0.25, 0.002, SeedVariance(0.017, 8.0))
    6
    """
    normal = NormalDist()
    reach = normal.inv_cdf(1 - LEVEL / 2) + normal.inv_cdf(POWER)
    room = (years / reach) ** 2 - image_variance
    if room <= 0:
        return None
    needed = max(2, math.ceil(2 * seeds.variance / room))
    return needed if needed <= MOST_SEEDS else None
