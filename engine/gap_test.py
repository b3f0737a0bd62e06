"""Whether group means differ by more than chance: a permutation test of Welch's statistic. NumPy only.

With m_g the mean of group g, v_g the estimated variance of that mean, w_g = 1 / v_g and m_w the mean of the m_g,
weighted by w_g,

    T = sum over g of w_g (m_g - m_w)^2

Its distribution without any difference comes from shuffled group labels. T divides by each group's own variance, so
the test keeps its level if groups scatter differently (Chung and Romano, Exact and asymptotically robust permutation
tests, 2013; Pauly, Brunner and Konietschke, Asymptotic permutation tests in general factorial designs, 2015).

The same test, applied to values minus a share of the observed differences, gives the low end of an interval: the
smallest share that is not rejected. It is 0 exactly if the test of no difference has p > 0.05.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.resampling import Codes, Floats
from engine.split_result import LEVEL

SMALLEST_GROUP = 5
POWER = 0.8
_HALVINGS = 12
_TIE = 1e-6
"""The relative difference of equal statistics due to rounding."""
_FLAT = 1e-9
"""A sum of squares below this share of the largest square is a rounding error."""


@dataclass(frozen=True, eq=False)
class GapTest:
    """Shuffled sums of G groups, sufficient to test any share of the observed differences.

    `variances` (G,) are those of the observed group means. `n` and the following fields have one row per shuffle and
    one column per group: the number of images n, the values x, the observed group means m, and their products, each
    summed over the units of a group.
    """

    observed: float
    variances: Floats
    units: Floats
    n: Floats
    nn: Floats
    x: Floats
    xx: Floats
    xn: Floats
    m: Floats
    mm: Floats
    mn: Floats
    xm: Floats

    def p_value(self, share: float = 0.0) -> float:
        """The p-value of the hypothesis that the true differences are `share` times the observed ones, from 0 to 1.

        Ties count as larger, and the observed labels count as one of the shuffles.
        """
        sums = self.x - share * self.m
        squares = self.xx - 2 * share * self.xm + share**2 * self.mm
        products = self.xn - share * self.mn
        shuffled = _welch(self.units, self.n, self.nn, sums, squares, products)
        reached = int(np.count_nonzero(shuffled >= (1 - share) ** 2 * self.observed * (1 - _TIE)))
        return (reached + 1) / (len(shuffled) + 1)

    @cached_property
    def smallest_share(self) -> float:
        """The smallest share of the observed differences that is not rejected at the 5% level."""
        if self.p_value() > LEVEL:
            return 0.0
        rejected, accepted = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = (rejected + accepted) / 2
            if self.p_value(middle) > LEVEL:
                accepted = middle
            else:
                rejected = middle
        return accepted

    @property
    def detectable(self) -> float:
        """The smallest mean gap over pairs of groups that the test detects in four of five samples.

        If one group, the hardest to detect, differs from all others by d, the mean gap is 2 d / G. The statistic is
        then close to a non-central chi-square variable with G - 1 degrees of freedom and non-centrality
        d^2 w_g (W - w_g) / W, with W the sum of the w_g.
        """
        from scipy.special import chdtri, chndtrinc  # takes a tenth of a second, which most commands need not wait for

        groups, weights = len(self.variances), 1 / self.variances
        non_centrality = float(chndtrinc(chdtri(groups - 1, LEVEL), groups - 1, 1 - POWER))
        lent = weights * (weights.sum() - weights) / weights.sum()
        return 2 / groups * math.sqrt(non_centrality / float(lent.min()))


def gap_test(
    values: Floats,
    codes: Codes,
    names: Sequence[str],
    *,
    subjects: Codes | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> GapTest | str:
    """Tests whether groups have equal means, or returns the reason why they cannot be tested.

    With subjects, all images of a subject in one group form a unit that is shuffled as a whole. Each of K shuffles of
    the values is paired with each of K shuffles of the labels, with K * K >= `resamples`: any two of these pairs are
    independent.

    Parameters
    ----------
    values
        A finite value of each image, shape (N,).
    codes, names
        Group of each image (N,), negative for an image in no group, and the names of the G groups.
    subjects
        Codes (N,) from 0 of the persons in the images; None if every image shows another person.
    resamples
        The minimum number of shuffles.
    seed
        Seed of the shuffles.

    Returns
    -------
    GapTest or str
        A reason if a group has fewer than five units or no variance.
    """
    groups, inside = len(names), codes >= 0
    values, codes = values[inside], codes[inside]
    if subjects is None:
        n, x = np.ones(len(values)), values
    else:
        _, first, unit = np.unique(subjects[inside] * groups + codes, return_index=True, return_inverse=True)
        n, x = np.bincount(unit).astype(np.float64), np.bincount(unit, weights=values).astype(np.float64)
        codes = codes[first]
    units = np.bincount(codes, minlength=groups).astype(np.float64)
    if units.min() < SMALLEST_GROUP:
        small = [name for name, count in zip(names, units, strict=True) if count < SMALLEST_GROUP]
        return f"fewer than {SMALLEST_GROUP} {'images' if subjects is None else 'subjects'} of {', '.join(small)}"
    # Centred values keep differences of large sums exact.
    x = x - n * values.mean()

    def by_group(column: Floats) -> Floats:
        return np.bincount(codes, weights=column, minlength=groups).astype(np.float64)

    means = by_group(x) / by_group(n)
    residuals = by_group((x - n * means[codes]) ** 2)
    flat = residuals <= _FLAT * np.abs(x).max() ** 2
    if flat.any():
        return f"no variance in {', '.join(name for name, is_flat in zip(names, flat, strict=True) if is_flat)}"
    m = n * means[codes]
    own = (by_group(n), by_group(n * n), by_group(x), by_group(x * x), by_group(x * n))
    columns = {"x": x, "xx": x * x, "m": m, "mm": m * m, "xm": x * m}
    if subjects is not None:
        columns |= {"n": n, "nn": n * n, "xn": x * n, "mn": m * n}
    shuffled = _shuffled_sums(np.stack(list(columns.values())), codes, groups, resamples, seed)
    sums = dict(zip(columns, shuffled, strict=True))
    if subjects is None:
        sums |= {"n": units, "nn": units, "xn": sums["x"], "mn": sums["m"]}
    return GapTest(observed=float(_welch(units, *own)), variances=_variances(units, *own), units=units, **sums)


def _welch(units: Floats, n: Floats, nn: Floats, x: Floats, xx: Floats, xn: Floats) -> Floats:
    """Welch's statistic from sums over the units of each group, shape (..., G) to (...)."""
    means, weights = x / n, 1 / _variances(units, n, nn, x, xx, xn)
    centre = (weights * means).sum(axis=-1, keepdims=True) / weights.sum(axis=-1, keepdims=True)
    return np.asarray((weights * (means - centre) ** 2).sum(axis=-1))


def _variances(units: Floats, n: Floats, nn: Floats, x: Floats, xx: Floats, xn: Floats) -> Floats:
    """The variance of each group's mean, from sums over its units, shape (..., G)."""
    means = x / n
    residuals = xx - 2 * means * xn + means**2 * nn
    return np.asarray(np.maximum(residuals, _FLAT * np.abs(xx)) * units / (units - 1) / n**2)


def _shuffled_sums(columns: Floats, codes: Codes, groups: int, resamples: int, seed: int) -> Floats:
    """Group sums of columns (C, U) over shuffled labels, shape (C, at least `resamples`, G)."""
    side = math.isqrt(max(resamples, 1) - 1) + 1
    random = np.random.default_rng([seed, 1])
    order = random.permuted(np.broadcast_to(np.arange(len(codes)), (side, len(codes))), axis=1)
    labels = random.permuted(np.broadcast_to(codes, (side, len(codes))), axis=1)
    # The sums of the last group are the totals minus those of the others.
    members = (labels[:, None, :] == np.arange(groups - 1)[:, None]).astype(np.float64).reshape(-1, len(codes)).T
    sums = np.stack([(column[order] @ members).reshape(side * side, groups - 1) for column in columns])
    rest = columns.sum(axis=1)[:, None, None] - sums.sum(axis=2, keepdims=True)
    return np.concatenate([sums, rest], axis=2)
