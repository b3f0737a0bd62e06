"""Bootstrap of group means: how figures of groups vary with the sample of images. NumPy only.

A grouping is a pair of codes (N,) and a count G: the group of each image from 0, negative for an image in no group.

One set of draws serves all figures. Each group's sum is divided by the number of its drawn images. This equals drawing
inside every group, but needs no draws per grouping, and turns group means into matrix products.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Grouping = tuple[Codes, int]

_BLOCK_ELEMENTS = 500_000
_POISSON_STEPS = [
    math.floor(65_536 * sum(math.exp(-1) / math.factorial(drawn) for drawn in range(below))) for below in range(1, 9)
]


def group_means(values: Floats, codes: Codes, groups: int) -> Floats:
    """Mean of `values` (N,) in each group, shape (groups,); NaN for an empty group. Negative codes belong to no group.

    Examples
    --------
    >>> group_means(np.array([1.0, 3.0, 8.0, 9.0]), np.array([0, 0, 1, -1]), groups=3)
    array([ 2.,  8., nan])
    """
    inside = codes >= 0
    counts = np.bincount(codes[inside], minlength=groups)
    sums = np.bincount(codes[inside], weights=values[inside], minlength=groups)
    return np.asarray(np.divide(sums, counts, out=np.full(groups, np.nan), where=counts > 0))


def image_draws(images: int, resamples: int, seed: int, subjects: Codes | None = None) -> Iterator[NDArray[np.float32]]:
    """How often each image is drawn in each bootstrap sample, shape (block, images), in blocks of samples.

    The number of draws of an image is a Poisson variable with mean 1. This equals drawing N of N with replacement,
    except that the sample size, by which means are divided, varies (Chamandy et al., Estimating uncertainty for massive
    data streams, 2012). With `subjects` (N,), codes from 0, all images of a subject are drawn together.
    """
    if subjects is None:
        yield from _poisson_counts(images, resamples, seed)
    else:
        for counts in _poisson_counts(int(subjects.max()) + 1, resamples, seed):
            yield counts[:, subjects]


def sample_means(values: Floats, draws: NDArray[np.float32], grouping: Grouping, kept: Floats) -> Floats:
    """Group means (R, G) of values that differ between bootstrap samples, shape (R, N), with draws (R, N).

    A group without drawn images gets its mean in `kept` (G,).
    """
    codes, groups = grouping
    members = (np.arange(groups) == codes[:, None]).astype(np.float64)
    drawn = draws @ members
    sums = (draws * values) @ members
    return np.where(drawn > 0, np.divide(sums, drawn, out=np.zeros_like(sums), where=drawn > 0), kept)


class GroupColumns:
    """Values of images, arranged so that one matrix product with draws of images gives the means of all groups.

    Parameters
    ----------
    parts
        For each grouping, finite values (N, V) and the grouping.

    Examples
    --------
    >>> everyone = (np.zeros(3, dtype=np.int64), 1)
    >>> columns = GroupColumns([(np.array([[1.0], [2.0], [6.0]]), everyone)])
    >>> ((means, drawn),) = columns.means(next(image_draws(3, resamples=2000, seed=0)))
    >>> means.shape, round(means.mean(), 1)
    ((1, 2000, 1), np.float64(3.0))
    """

    def __init__(self, parts: Sequence[tuple[Floats, Grouping]]) -> None:
        self._centres = [_group_centres(values, grouping) for values, grouping in parts]
        columns = [
            column
            for (values, (codes, groups)), centres in zip(parts, self._centres, strict=True)
            for column in _columns(values, codes, groups, centres)
        ]
        matrix = np.concatenate(columns, axis=1)
        # Squares of huge errors do not fit into float32.
        self._scales = np.abs(matrix).max(axis=0)
        self._scales[self._scales == 0] = 1
        self._matrix = (matrix / self._scales).astype(np.float32)

    def means(self, draws: NDArray[np.float32]) -> list[tuple[Floats, Floats]]:
        """Means of every group in each bootstrap sample, and the number of the group's drawn images.

        A group without drawn images keeps its mean: with three images, that is one sample in twenty. With `draws`
        (R, N), as `image_draws` returns them, the shapes are (V, R, G) and (R, G). The mean of an empty group is NaN.
        """
        sums, start, found = (draws @ self._matrix) * self._scales, 0, []
        for centres in self._centres:
            values, groups = centres.shape
            own = sums[:, start : start + (1 + values) * groups].reshape(len(draws), 1 + values, groups)
            drawn, off = own[:, 0], own[:, 1:]
            found.append((centres[:, None] + np.moveaxis(off / np.maximum(drawn, 1)[:, None], 1, 0), drawn))
            start += (1 + values) * groups
        return found


def _group_centres(values: Floats, grouping: Grouping) -> Floats:
    """Group means of each column of `values` (N, V), shape (V, G)."""
    return np.stack([group_means(column, *grouping) for column in values.T])


def _columns(values: Floats, codes: Codes, groups: int, centres: Floats) -> Iterator[Floats]:
    """Membership of each group (N, G), then each value off the mean of its group, in the column of that (N, G)."""
    members = (np.arange(groups) == codes[:, None]).astype(np.float64)
    yield members
    for column, means in zip(values.T, np.nan_to_num(centres), strict=True):
        yield members * (column[:, None] - means)


def _poisson_counts(n: int, resamples: int, seed: int) -> Iterator[NDArray[np.float32]]:
    """The number of draws of each of `n` images, shape (block, n), in blocks that fit a processor's cache.

    Compares a uniform 16-bit number with the steps of the distribution, up to 8 draws per image.
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
