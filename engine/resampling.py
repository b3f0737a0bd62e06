"""What the group means of an error would be for other images, and for other groups: bootstrap and shuffles. NumPy only.

A grouping is a pair of codes (N,) and a count G: the group of each image from 0, below 0 for an image in none. Errors
(N,) are finite, in years.

One set of draws serves all groupings: every group divides by what was drawn of it, which draws inside each group
without drawing anew for each grouping, and makes all group means one product of matrices.
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
    """Bootstrap samples of G groups: their means, and the standard errors of these means, each (resamples, G)."""

    means: Floats
    standard_errors: Floats


def group_means(values: Floats, codes: Codes, groups: int) -> Floats:
    """Mean of `values` (N,) in each group, shape (groups,); NaN for an empty one. Codes below 0 belong to none."""
    inside = codes >= 0
    counts = np.bincount(codes[inside], minlength=groups)
    sums = np.bincount(codes[inside], weights=values[inside], minlength=groups)
    return np.asarray(np.divide(sums, counts, out=np.full(groups, np.nan), where=counts > 0))


def bootstrap(errors: Floats, groupings: Sequence[Grouping], resamples: int, seed: int) -> list[Draws]:
    """Bootstrap means of every group of each grouping, from the same draws.

    An image is drawn as often as a Poisson variable of mean 1 says, which is drawing N of N with replacement but for a
    sample size that varies, and that means divide by (Chamandy et al., Estimating uncertainty for massive data streams,
    2012). A group of which nothing is drawn keeps its mean: with three images that is one sample in twenty.
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
    """Group means when groups are shuffled over the images that are in one, shape (at least `resamples`, G).

    Each of K shuffles of the errors is set against each of K shuffles of the groups, with K * K >= `resamples`. Every
    pair is a uniform shuffle and any two pairs are independent, so that means and percentiles over them are as sure as
    those over as many shuffles made one by one.
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
    """How often each of `n` images is drawn, shape (block, n), in blocks of resamples that stay in a processor's cache.

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
