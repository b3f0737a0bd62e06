"""Figures of runs that differ in their seed alone: mean, spread, and how sure a difference of means is. NumPy only.

A difference of means over seeds holds two kinds of chance: which images were scored, and which seeds were trained. The
paired bootstrap of the mean over seeds covers the images, and Student's t over seeds the seeds. They are independent,
so their distances from the value add as squares. What is left of each training on each image counts in both, which
makes the interval a little wider than it has to be.
"""

import math
from collections.abc import Sequence

import numpy as np

from ageui.compare.comparison import Difference, Spread
from engine.fairness import Interval

_T_975 = (12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622)
Z_975 = 1.959964
"""The 97.5th percentile of the normal distribution."""


def mean_and_spread(values: Sequence[float]) -> tuple[float, Spread]:
    """Mean and sample standard deviation (over n - 1) of at least one value, in the unit of the values."""
    with np.errstate(invalid="ignore"):
        std = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return float(np.mean(values)), Spread(std, len(values))


def seed_margin(ours: dict[int, float] | None, theirs: dict[int, float] | None) -> float | None:
    """Half the 95% interval of a difference of means over seeds, the images given; None where seeds cannot tell.

    Figures come by seed, and None is a figure that no seed changes, that of the constant predictor. With the same
    seeds on both sides they are paired; with others they are two samples, with the degrees of freedom of the smaller
    one, which errs on the wide side. One training alone says nothing of how seeds vary.
    """
    if ours is None or theirs is None:
        return _margin(list((ours or theirs or {}).values()))
    if ours.keys() == theirs.keys():
        return _margin([value - theirs[seed] for seed, value in ours.items()])
    fewest = min(len(ours), len(theirs))
    if fewest < 2:
        return None
    variances = [float(np.var(list(side.values()), ddof=1)) / len(side) for side in (ours, theirs)]
    return student_t(fewest - 1) * math.sqrt(sum(variances))


def widened(difference: Difference, margin: float | None) -> Difference:
    """A difference whose interval covers the seeds beside the images; without one where either is not known."""
    if margin is None or difference.interval is None:
        return Difference(difference.value, None)
    value, interval = difference.value, difference.interval
    low = value - math.hypot(max(0.0, value - interval.low), margin)
    high = value + math.hypot(max(0.0, interval.high - value), margin)
    return Difference(value, Interval(low, high))


def student_t(degrees: int) -> float:
    """The 97.5th percentile of Student's t: a table, from 10 degrees on Abramowitz and Stegun's expansion 26.7.5."""
    if degrees <= len(_T_975):
        return _T_975[degrees - 1]
    z, n = Z_975, degrees
    first = (z**3 + z) / (4 * n)
    second = (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    return z + first + second + third


def _margin(differences: Sequence[float]) -> float | None:
    count = len(differences)
    if count < 2:
        return None
    return student_t(count - 1) * float(np.std(differences, ddof=1)) / math.sqrt(count)
