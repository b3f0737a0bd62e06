"""Figures of runs that differ only in their seed: mean, spread, and the interval of a difference of means. NumPy only.

A difference of means over seeds has two sources of chance: the images that were scored and the seeds that were trained.
The paired bootstrap of the mean covers the images, Student's t over seeds covers the seeds. They are independent, so
their distances from the value add as squares. The residual of each training on each image counts in both, which makes
the interval slightly wider than necessary.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ageui.present.table import Difference, Spread
from engine.fairness import Interval

_T_975 = (12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622)
Z_975 = 1.959964
"""The 97.5th percentile of the normal distribution."""


def mean_and_spread(values: Sequence[float]) -> tuple[float, Spread]:
    """Mean and sample standard deviation of a figure over seeds.

    Parameters
    ----------
    values
        At least one value, all in the same unit.

    Returns
    -------
    tuple
        The mean and the `Spread` (over n - 1), whose `std` is None for a single value.

    Examples
    --------
    >>> mean_and_spread([6.0, 7.0, 8.0])
    (7.0, Spread(std=1.0, n=3))
    """
    with np.errstate(invalid="ignore"):
        std = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return float(np.mean(values)), Spread(std, len(values))


def seed_margin(ours: Mapping[int, float] | None, theirs: Mapping[int, float] | None) -> float | None:
    """Half the 95% interval of a difference of means over seeds, for fixed images.

    With the same seeds on both sides, figures are paired by seed. Otherwise the sides are two samples, with the degrees
    of freedom of the smaller one, which errs on the wide side.

    Parameters
    ----------
    ours, theirs
        Figures by seed; None for the constant predictor, whose figures depend on no seed.

    Returns
    -------
    float or None
        The margin in the unit of the figures, None if one side has a single seed.

    Examples
    --------
    >>> seed_margin({0: 6.0, 1: 7.0}, {0: 5.5, 1: 6.5})
    0.0
    >>> round(seed_margin({0: 6.0, 1: 7.0, 2: 8.0}, None), 2)
    2.48
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
    """A difference whose interval also covers the seeds.

    Parameters
    ----------
    difference
        A difference of means, with an interval over images.
    margin
        What `seed_margin` returns for the same means.

    Returns
    -------
    Difference
        The same value with the wider interval, or without an interval if either part of it is unknown.

    Examples
    --------
    >>> widened(Difference(-1.0, Interval(-4.0, 2.0)), 4.0)
    Difference(value=-1.0, interval=Interval(low=-6.0, high=4.0))
    """
    if margin is None or difference.interval is None:
        return Difference(difference.value, None)
    value, interval = difference.value, difference.interval
    low = value - math.hypot(max(0.0, value - interval.low), margin)
    high = value + math.hypot(max(0.0, interval.high - value), margin)
    return Difference(value, Interval(low, high))


def student_t(degrees: int) -> float:
    """The 97.5th percentile of Student's t.

    Parameters
    ----------
    degrees
        Degrees of freedom, at least 1.

    Returns
    -------
    float
        A tabulated value below 10 degrees, above it Abramowitz and Stegun's expansion 26.7.5.

    Examples
    --------
    >>> student_t(4)
    2.7764
    >>> round(student_t(30), 3)
    2.042
    """
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
