"""Bootstrap and shuffles of group means: how an error's group means vary with other images, or other groups. NumPy
only.

A grouping is a pair of codes (N,) and a count G: the group of each image from 0, below 0 for an image in none. Errors
(N,) are finite, in years.

One set of draws serves all groupings. Each group divides by the number of its drawn images, which draws inside every
group without new draws per grouping, and turns all group means into one matrix product.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Grouping = tuple[Codes, int]

_BLOCK_ELEMENTS = 500_000
_POISSON_STEPS = [
    math.floor(65_536 * sum(math.exp(-1) / math.factorial(drawn) for drawn in range(below))) for below in range(1, 9)
]


@dataclass(frozen=True, eq=False)
class Draws:
    """Bootstrap samples of G groups: their means and the standard errors of these means, each (resamples, G)."""

    means: Floats
    standard_errors: Floats


def group_means(values: Floats, codes: Codes, groups: int) -> Floats:
    """Mean of `values` (N,) in each group, shape (groups,); NaN for an empty group. Codes below 0 belong to no group.

    Examples
    --------
    >>> group_means(np.array([1.0, 3.0, 8.0, 9.0]), np.array([0, 0, 1, -1]), groups=3)
    array([ 2.,  8., nan])
    """
    inside = codes >= 0
    counts = np.bincount(codes[inside], minlength=groups)
    sums = np.bincount(codes[inside], weights=values[inside], minlength=groups)
    return np.asarray(np.divide(sums, counts, out=np.full(groups, np.nan), where=counts > 0))


def bootstrap(errors: Floats, groupings: Sequence[Grouping], resamples: int, seed: int) -> list[Draws]:
    """Bootstrap means of every group of each grouping, from the same draws.

    The number of draws of an image is a Poisson variable of mean 1. That equals drawing N of N with replacement except
    that the sample size varies, and means divide by it (Chamandy et al., Estimating uncertainty for massive data
    streams, 2012). A group without drawn images keeps its mean: with three images, that is one sample in twenty.

    Parameters
    ----------
    errors
        Finite errors in years, shape (N,).
    groupings
        Codes (N,) and number of groups of each grouping.
    resamples
        Number of samples.
    seed
        Seed of the draws.

    Returns
    -------
    list of Draws
        One for each grouping, in order.

    Examples
    --------
    >>> everyone = (np.zeros(3, dtype=np.int64), 1)
    >>> (draws,) = bootstrap(np.array([1.0, 2.0, 6.0]), [everyone], resamples=2000, seed=0)
    >>> draws.means.shape, round(draws.means.mean(), 1)
    ((2000, 1), np.float64(3.0))
    """
    scale = float(errors.max()) or 1.0
    members = [np.arange(groups) == codes[:, None] for codes, groups in groupings]
    means = [group_means(errors, codes, groups) for codes, groups in groupings]
    inside = np.concatenate(members, axis=1).astype(np.float32)
    about = np.concatenate(means)
    off = (inside * (errors[:, None] - about) / scale).astype(np.float32)
    columns = np.concatenate([inside, off, off * off], axis=1)
    sums = np.concatenate([counts @ columns for counts in _poisson_counts(len(errors), resamples, seed)])
    drawn, offs, squares = np.split(sums.astype(np.float64), 3, axis=1)
    drawn = np.maximum(drawn, 1)
    offs /= drawn
    variances = np.maximum(squares / drawn - offs**2, 0)
    ends = np.cumsum([groups for _, groups in groupings])[:-1]
    parts = (np.split(array * scale, ends, axis=1) for array in (offs, np.sqrt(variances / drawn)))
    return [Draws(mean + off, error) for mean, off, error in zip(means, *parts, strict=True)]


def shuffled_means(errors: Floats, grouping: Grouping, resamples: int, seed: int) -> Floats:
    """Group means after shuffling the groups over the images that belong to one.

    Each of K shuffles of the errors is combined with each of K shuffles of the groups, with K * K >= `resamples`. Every
    pair is a uniform shuffle and any two pairs are independent, so means and percentiles over them are as precise as
    over as many single shuffles.

    Parameters
    ----------
    errors
        Finite errors in years, shape (N,).
    grouping
        Codes (N,) and number of groups G.
    resamples
        The least number of shuffles.
    seed
        Seed of the shuffles.

    Returns
    -------
    array
        Shape (K * K, G), in years.
    """
    codes, groups = grouping
    errors, codes = errors[codes >= 0], codes[codes >= 0]
    side = math.isqrt(max(resamples, 1) - 1) + 1
    random = np.random.default_rng([seed, 1])
    shuffled = random.permuted(np.broadcast_to(errors, (side, len(errors))), axis=1)
    labels = random.permuted(np.broadcast_to(codes, (side, len(codes))), axis=1)
    members = (labels[:, None, :] == np.arange(groups)[:, None]).astype(np.float64)
    sums = shuffled @ members.reshape(side * groups, len(codes)).T
    return np.asarray(sums.reshape(side * side, groups) / np.bincount(codes, minlength=groups))


def _poisson_counts(n: int, resamples: int, seed: int) -> Iterator[NDArray[np.float32]]:
    """Counts how often each of `n` images is drawn, shape (block, n), in blocks that fit a processor's cache.

    A uniform 16-bit number is compared with the steps of the distribution, up to 8 draws of an image.
    """
    random = np.random.default_rng([seed, 0])
    rows = max(1, min(resamples, _BLOCK_ELEMENTS // n))
    for start in range(0, resamples, rows):
        shape = (min(rows, resamples - start), n)
        size = shape[0] * n
        uniform = random.integers(0, 2**64, size=-(-size // 4), dtype=np.uint64).view(np.uint16)[:size].reshape(shape)
        counts = np.zeros(shape, dtype=np.uint8)
        for step in _POISSON_STEPS:
            counts += uniform >= step
        yield counts.astype(np.float32)
