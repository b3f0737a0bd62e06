"""Differences between two predictors on the same images, with paired bootstrap intervals. NumPy only.

Each resample draws images, and both predictors are scored on that draw: what makes an image hard for both cancels.
"""

import numpy as np

from ageui.compare.records import Difference
from engine.fairness import CONFIDENCE, RESAMPLES, Codes, Floats, Interval, group_means, mean_pairwise_gap

_BLOCK_ELEMENTS = 2_000_000


def mae_difference(errors: Floats, baseline: Floats, *, resamples: int = RESAMPLES, seed: int = 0) -> Difference:
    """MAE minus the baseline's, from absolute errors in years, both (N,) over the same images in the same order."""
    random = np.random.default_rng(seed)
    ours, theirs = _resampled_means(errors, baseline, resamples, random)
    return Difference(float(errors.mean() - baseline.mean()), _percentiles(ours - theirs))


def bias_difference(
    errors: Floats, baseline: Floats, codes: Codes, groups: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> Difference:
    """Bias minus the baseline's, drawn inside each group. `codes` (N,) count from 0, below 0 is no group.

    Every one of the `groups`, at least two, needs an image.
    """
    random = np.random.default_rng(seed)
    pairs = [_resampled_means(errors[codes == g], baseline[codes == g], resamples, random) for g in range(groups)]
    ours, theirs = (mean_pairwise_gap(np.stack(means, axis=1)) for means in zip(*pairs, strict=True))
    value = bias_of(errors, codes, groups) - bias_of(baseline, codes, groups)
    return Difference(value, _percentiles(ours - theirs))


def bias_of(errors: Floats, codes: Codes, groups: int) -> float:
    """The bias in years: mean over pairs of groups of the gap between their MAEs."""
    return float(mean_pairwise_gap(group_means(errors, codes, groups)))


def _resampled_means(
    errors: Floats, baseline: Floats, resamples: int, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """Means of both over the same bootstrap draws of N images, shapes (resamples,), in blocks that bound the memory."""
    count = len(errors)
    block = max(1, _BLOCK_ELEMENTS // count)
    ours, theirs = [], []
    for start in range(0, resamples, block):
        drawn = random.integers(0, count, size=(min(block, resamples - start), count))
        ours.append(errors[drawn].mean(axis=1))
        theirs.append(baseline[drawn].mean(axis=1))
    return np.concatenate(ours), np.concatenate(theirs)


def _percentiles(samples: Floats) -> Interval:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(samples, [tail, 1 - tail])
    return Interval(float(low), float(high))
