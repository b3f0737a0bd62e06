"""Differences between two predictors on the same images, with paired bootstrap intervals. NumPy only.

Each resample draws images, and both predictors are scored on that draw: what makes an image hard for both cancels.
Errors are absolute, in years, of shape (N,), or (S, N) for S trainings of a predictor, whose figures are averaged.
"""

import numpy as np

from ageui.compare.records import Difference
from engine.fairness import CONFIDENCE, RESAMPLES, Interval, mean_pairwise_gap
from engine.resampling import Codes, Floats, group_means

_BLOCK_ELEMENTS = 2_000_000


def mae_difference(errors: Floats, baseline: Floats, *, resamples: int = RESAMPLES, seed: int = 0) -> Difference:
    """MAE minus the baseline's, both over the same images in the same order."""
    ours, theirs = _resampled_means(errors, baseline, resamples, np.random.default_rng(seed))
    return Difference(float(errors.mean() - baseline.mean()), _percentiles(ours.mean(axis=0) - theirs.mean(axis=0)))


def bias_difference(
    errors: Floats, baseline: Floats, codes: Codes, groups: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> Difference:
    """Bias minus the baseline's, drawn inside each group. `codes` (N,) count from 0, below 0 is no group.

    Every one of the `groups`, at least two, needs an image.
    """
    random = np.random.default_rng(seed)
    members = [codes == group for group in range(groups)]
    pairs = [_resampled_means(errors[..., own], baseline[..., own], resamples, random) for own in members]
    ours, theirs = (mean_pairwise_gap(np.stack(means, axis=-1)).mean(axis=0) for means in zip(*pairs, strict=True))
    value = bias_of(errors, codes, groups) - bias_of(baseline, codes, groups)
    return Difference(value, _percentiles(ours - theirs))


def bias_of(errors: Floats, codes: Codes, groups: int) -> float:
    """The bias in years: mean over pairs of groups of the gap between their MAEs."""
    means = np.stack([group_means(own, codes, groups) for own in np.atleast_2d(errors)])
    return float(mean_pairwise_gap(means).mean())


def _resampled_means(
    errors: Floats, baseline: Floats, resamples: int, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """Means of both over the same bootstrap draws of N images, shapes (S, resamples), in blocks that bound memory."""
    ours, theirs = np.atleast_2d(errors), np.atleast_2d(baseline)
    count = ours.shape[-1]
    block = max(1, _BLOCK_ELEMENTS // count)
    means: tuple[list[Floats], list[Floats]] = ([], [])
    for start in range(0, resamples, block):
        drawn = random.integers(0, count, size=(min(block, resamples - start), count))
        for side, found in zip((ours, theirs), means, strict=True):
            found.append(np.stack([one[drawn].mean(axis=1) for one in side]))
    return np.concatenate(means[0], axis=1), np.concatenate(means[1], axis=1)


def _percentiles(samples: Floats) -> Interval | None:
    """None where a figure is no finite number: such a difference is neither real nor not."""
    if not np.isfinite(samples).all():
        return None
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(samples, [tail, 1 - tail])
    return Interval(float(low), float(high))
