"""Differences between predictors and a baseline on the same images, with paired bootstrap intervals. NumPy only.

Each resample draws images and scores all predictors on that draw, so difficulties that an image poses to both cancel.
Errors are absolute, in years, of shape (N,), or (S, N) for S trainings of a predictor, whose figures are averaged.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.fairness import CONFIDENCE, RESAMPLES, Interval, mean_pairwise_gap
from engine.resampling import Codes, Floats, group_means

_BLOCK_ELEMENTS = 2_000_000
_DECIMALS = 9
"""Samples in years are rounded to these, since rounding errors would make equal predictors differ."""


@dataclass(frozen=True)
class PairedDifference:
    """A figure minus the baseline's, in years, with its 95% percentile interval and variance over draws of images.

    Interval and variance are None if an error is not finite.
    """

    value: float
    interval: Interval | None
    variance: float | None


def mae_differences(
    sides: Sequence[Floats], baseline: Floats, *, resamples: int = RESAMPLES, seed: int = 0
) -> list[PairedDifference]:
    """The MAE of each predictor minus that of the baseline.

    Parameters
    ----------
    sides
        Absolute errors of each predictor in years, (N,) or (S, N), over the same images in the same order.
    baseline
        Those of the baseline.
    resamples
        How often images are drawn.
    seed
        Seed of the draws.

    Returns
    -------
    list of PairedDifference
        One per predictor.

    Examples
    --------
    >>> import numpy as np
    >>> baseline = np.array([4.0, 6.0, 8.0, 10.0])
    >>> (difference,) = mae_differences([baseline - 1.0], baseline)
    >>> difference
    PairedDifference(value=-1.0, interval=Interval(low=-1.0, high=-1.0), variance=0.0)
    """
    off = np.stack([_mean(side) - _mean(baseline) for side in sides], axis=-1)
    samples = _resampled_means(off, resamples, np.random.default_rng(seed))
    values = [float(side.mean() - baseline.mean()) for side in sides]
    return [_paired(*pair) for pair in zip(values, samples.T, strict=True)]


def bias_differences(
    sides: Sequence[Floats],
    baseline: Floats,
    codes: Codes,
    groups: int,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[PairedDifference]:
    """The bias of each predictor minus that of the baseline; images are drawn inside each group.

    Parameters
    ----------
    sides, baseline
        Absolute errors in years, as for `mae_differences`.
    codes
        The group of each image (N,), from 0; below 0 means no group.
    groups
        How many groups there are, at least two, each with at least one image.
    resamples, seed
        As for `mae_differences`.

    Returns
    -------
    list of PairedDifference
        One per predictor.

    Examples
    --------
    >>> import numpy as np
    >>> codes = np.array([0, 0, 1, 1])
    >>> unfair, fair = np.array([2.0, 2.0, 5.0, 5.0]), np.array([3.0, 3.0, 4.0, 4.0])
    >>> bias_differences([fair], unfair, codes, 2)
    [PairedDifference(value=-2.0, interval=Interval(low=-2.0, high=-2.0), variance=0.0)]
    """
    every = [np.atleast_2d(side) for side in (*sides, baseline)]
    errors, ends = np.concatenate(every).T, np.cumsum([len(side) for side in every])[:-1]
    random = np.random.default_rng(seed)
    means = [_resampled_means(errors[codes == group], resamples, random) for group in range(groups)]
    gaps = np.split(mean_pairwise_gap(np.stack(means, axis=-1)), ends, axis=1)
    *ours, theirs = (gap.mean(axis=1) for gap in gaps)
    values = [bias_of(side, codes, groups) - bias_of(baseline, codes, groups) for side in sides]
    return [_paired(value, own - theirs) for value, own in zip(values, ours, strict=True)]


def bias_of(errors: Floats, codes: Codes, groups: int) -> float:
    """The bias of a predictor: the mean over pairs of groups of the gap between their MAEs.

    Parameters
    ----------
    errors
        Absolute errors in years, (N,) or (S, N).
    codes, groups
        As for `bias_differences`.

    Returns
    -------
    float
        The bias in years, for several trainings the mean of theirs.

    Examples
    --------
    >>> import numpy as np
    >>> bias_of(np.array([2.0, 4.0, 6.0, 6.0]), np.array([0, 0, 1, 1]), 2)
    3.0
    """
    means = np.stack([group_means(own, codes, groups) for own in np.atleast_2d(errors)])
    return float(mean_pairwise_gap(means).mean())


def _mean(errors: Floats) -> Floats:
    """The errors (N,) of a predictor, averaged over its trainings."""
    return np.asarray(np.atleast_2d(errors).mean(axis=0))


def _resampled_means(values: Floats, resamples: int, random: np.random.Generator) -> Floats:
    """Means of the columns of `values` (N, P) over the same bootstrap draws of N images, shape (resamples, P).

    Counting how often each image was drawn makes all means of a block one product of matrices.
    """
    count = len(values)
    block = max(1, _BLOCK_ELEMENTS // count)
    found = []
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = random.integers(0, count, size=(rows, count)) + count * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count)
        found.append(counts.astype(np.float64) @ values / count)
    return np.concatenate(found)


def _paired(value: float, samples: Floats) -> PairedDifference:
    """The difference `value` with what its `samples` (R,) say of it."""
    if not np.isfinite(samples).all():
        return PairedDifference(value, None, None)
    tail, samples = (1 - CONFIDENCE) / 2, np.round(samples, _DECIMALS)
    low, high = np.quantile(samples, [tail, 1 - tail])
    return PairedDifference(value, Interval(float(low), float(high)), float(samples.var()))
