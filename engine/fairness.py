"""Group errors and the bias scores of the report, with their uncertainty. NumPy only.

With err_i = |predicted_i - age_i| in years and MAE_g the mean of err over group g,

    bias(attribute) = mean over all unordered pairs (a, b) of groups of |MAE_a - MAE_b|

unweighted by group size: the definition of the course report that this project implements.

Intervals cover 95%. Their methods were chosen by simulation: `tests/benchmarks/interval_coverage.py`.

- MAE and MAE of a group: bootstrap-t (Efron and Tibshirani, An introduction to the bootstrap, 1993, chapter 12.5),
  because errors are skewed and groups small.
- Bias and gap are made of absolute values, which noise can only raise. The high end of their interval is the percentile
  of a bootstrap inside each group, which counts noise twice and so errs on the wide side. The low end inverts a test:
  the smallest true figure, with all gaps between groups shrunk alike, that would reach the measured one in one of forty
  samples. It is 0 for a figure inside noise.
- The largest group MAE: from the low end of the worst group's interval to the highest end of all.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.resampling import Codes, Draws, Floats, bootstrap, group_means, shuffled_means

RESAMPLES = 2000
CONFIDENCE = 0.95
_TAIL = (1 - CONFIDENCE) / 2
_FAR = 1e9
"""The t of a sample without spread, such as one image drawn several times: beyond all others."""
_HALVINGS = 10


@dataclass(frozen=True)
class Interval:
    """A 95% interval in years."""

    low: float
    high: float


@dataclass(frozen=True)
class Noise:
    """The bias in years that chance alone gives: its mean and 95th percentile over shuffled groups."""

    mean: float
    p95: float


@dataclass(frozen=True)
class GroupResult:
    """One group in one split: `mae` and `signed` (mean of predicted - age) in years; None if `n` is 0.

    `interval` is that of the MAE. A single image has none, nor does a result read from a database.
    """

    group: str
    n: int
    mae: float | None
    signed: float | None
    interval: Interval | None = None


@dataclass(frozen=True)
class BiasResult:
    """The bias of one attribute in years; if `value` is None, `reason` says why it is undefined.

    `missing` images have no value of the attribute and belong to no group. `gap_interval` is the interval of `gap`;
    results read from a database lack it.
    """

    attribute: str
    value: float | None
    reason: str | None
    interval: Interval | None
    noise: Noise | None
    groups: tuple[GroupResult, ...]
    missing: int = 0
    gap_interval: Interval | None = None

    @property
    def inside_noise(self) -> bool:
        """Whether more than one of twenty shuffles gives as much bias; False if unknown."""
        return self.value is not None and self.noise is not None and self.value <= self.noise.p95

    @property
    def worst(self) -> GroupResult | None:
        """The group with the largest MAE."""
        return max((g for g in self.groups if g.mae is not None), key=lambda g: g.mae or 0.0, default=None)

    @property
    def worst_interval(self) -> Interval | None:
        """The interval of the largest true group MAE, whichever group has it; None unless all groups have intervals."""
        found = [group.interval for group in self.groups if group.interval is not None]
        if self.worst is None or self.worst.interval is None or len(found) < len(self.groups):
            return None
        return Interval(self.worst.interval.low, max(interval.high for interval in found))

    @property
    def gap(self) -> float | None:
        """The largest MAE of a group minus the smallest, in years."""
        maes = [group.mae for group in self.groups if group.mae is not None]
        return max(maes) - min(maes) if self.value is not None else None


@dataclass(frozen=True)
class Baseline:
    """Scores of the predictor that always says `age` years, the train mean, on the same images."""

    age: float
    mae: float
    bias: dict[str, float | None]


@dataclass(frozen=True)
class SplitResult:
    """A run's scores on one split; all errors in years."""

    n: int
    mae: float
    mae_interval: Interval | None
    signed: float
    biases: tuple[BiasResult, ...]
    baseline: Baseline | None

    def bias(self, attribute: str) -> BiasResult | None:
        """The bias of an attribute; None if the images have no such attribute."""
        return next((bias for bias in self.biases if bias.attribute == attribute), None)


def mean_pairwise_gap(group_maes: Floats) -> Floats:
    """The bias of groups from their MAEs: the mean of |a - b| over all unordered pairs of groups.

    Parameters
    ----------
    group_maes
        MAEs in years, shape (..., G) for G >= 2 groups.

    Returns
    -------
    array
        Shape (...), in years.

    Examples
    --------
    >>> mean_pairwise_gap(np.array([3.0, 5.0, 9.0])).item()  # (2 + 4 + 6) / 3
    4.0
    """
    groups = group_maes.shape[-1]
    steps = np.diff(np.sort(group_maes, axis=-1), axis=-1)
    below = np.arange(1, groups)
    # The step between the i-th and the next larger MAE is part of the gaps of i (G - i) pairs.
    return np.asarray(steps @ (below * (groups - below)) / math.comb(groups, 2))


def evaluate_split(
    ages: Floats,
    predicted: Floats,
    groups: Mapping[str, tuple[Codes, Sequence[str]]],
    constant_age: float | None,
    *,
    split: str = "this split",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> SplitResult:
    """Scores predictions against ages: MAE, and the bias of every attribute.

    The same input gives the same figures; other attributes move them by rounding errors only.

    Parameters
    ----------
    ages, predicted
        True and predicted ages in years, shape (N,).
    groups
        For each attribute, the codes (N,) and the group names, as `engine.groups.group_codes` returns them.
    constant_age
        Mean age of the train images in years, for the baseline; None leaves the baseline out.
    split
        Name of the split, for the reasons of undefined biases.
    resamples
        Number of bootstrap samples and shuffles. With 0, or errors that are not finite, intervals and noise are left
        out.
    seed
        Seed of the samples.

    Returns
    -------
    SplitResult
        All errors in years.

    Examples
    --------
    Both men are estimated 1 year too old, both women 4 years too young:

    >>> ages = np.array([20.0, 30.0, 40.0, 50.0])
    >>> gender = (np.array([0, 0, 1, 1]), ("male", "female"))
    >>> result = evaluate_split(ages, ages + [1, 1, -4, -4], {"gender": gender}, 35.0, resamples=0)
    >>> result.mae, result.signed, result.bias("gender").value, result.baseline.mae
    (2.5, -1.5, 3.0, 10.0)
    """
    signed = predicted - ages
    errors = np.abs(signed)
    draws: Sequence[Draws | None] = (None,) * (1 + len(groups))
    if resamples and len(errors) > 1 and np.isfinite(errors).all():
        everyone = (np.zeros(len(errors), dtype=np.int64), 1)
        groupings = [everyone, *((codes, len(names)) for codes, names in groups.values())]
        draws = bootstrap(errors, groupings, resamples, seed)
    interval = mean_interval(errors, draws[0].means[:, 0], draws[0].standard_errors[:, 0]) if draws[0] else None
    biases = tuple(
        _bias_result(attribute, errors, signed, codes, names, split, drawn, seed)
        for (attribute, (codes, names)), drawn in zip(groups.items(), draws[1:], strict=True)
    )
    baseline = None
    if constant_age is not None:
        constant_errors = np.abs(constant_age - ages)
        baseline = Baseline(
            constant_age,
            float(constant_errors.mean()),
            {name: bias_value(constant_errors, codes, names, split)[0] for name, (codes, names) in groups.items()},
        )
    return SplitResult(len(ages), float(errors.mean()), interval, float(signed.mean()), biases, baseline)


def bias_value(
    errors: Floats, codes: Codes, names: Sequence[str], split: str = "this split"
) -> tuple[float | None, str | None]:
    """The bias of one attribute, if it is defined.

    Parameters
    ----------
    errors
        Absolute errors in years, shape (N,).
    codes
        Group of each image, shape (N,); below 0 for an image in no group.
    names
        Names of the groups.
    split
        Name of the split, for the reason.

    Returns
    -------
    value, reason
        The bias in years and None, or None and the reason: fewer than two groups, or an empty group.

    Examples
    --------
    >>> bias_value(np.array([1.0, 3.0, 4.0]), np.array([0, 0, 1]), ("male", "female"))
    (2.0, None)
    >>> bias_value(np.array([1.0, 3.0, 4.0]), np.array([0, 0, 0]), ("male", "female"))
    (None, 'no image of female in this split')
    """
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    present = [name for name, count in zip(names, counts, strict=True) if count]
    if len(present) == 0:
        return None, f"no image of {split} has a value"
    if len(names) < 2:
        return None, f"only one group: {names[0]}"
    if len(present) < len(names):
        empty = [name for name, count in zip(names, counts, strict=True) if not count]
        return None, f"no image of {', '.join(empty)} in {split}"
    return float(mean_pairwise_gap(group_means(errors, codes, len(names)))), None


def mean_interval(errors: Floats, means: Floats, standard_errors: Floats) -> Interval | None:
    """The bootstrap-t interval of a mean, within the smallest and the largest error.

    That bound matters for groups of a few images only.

    Parameters
    ----------
    errors
        Errors in years, shape (N,).
    means, standard_errors
        Mean and standard error of each bootstrap sample of `errors`, shape (R,).

    Returns
    -------
    Interval or None
        None for fewer than two errors.
    """
    if len(errors) < 2:
        return None
    mean, standard_error = errors.mean(), errors.std() / math.sqrt(len(errors))
    off = means - mean
    t = np.divide(off, standard_errors, out=np.sign(off) * _FAR, where=standard_errors > 0)
    below, above = np.quantile(t, [_TAIL, 1 - _TAIL])
    low, high = np.clip([mean - above * standard_error, mean - below * standard_error], errors.min(), errors.max())
    return Interval(float(low), float(high))


def _bias_result(
    attribute: str,
    errors: Floats,
    signed: Floats,
    codes: Codes,
    names: Sequence[str],
    split: str,
    draws: Draws | None,
    seed: int,
) -> BiasResult:
    value, reason = bias_value(errors, codes, names, split)
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    maes, signs = group_means(errors, codes, len(names)), group_means(signed, codes, len(names))
    intervals: list[Interval | None] = [None] * len(names)
    if draws is not None:
        samples = zip(draws.means.T, draws.standard_errors.T, strict=True)
        intervals = [mean_interval(errors[codes == group], *sample) for group, sample in enumerate(samples)]
    groups = tuple(
        GroupResult(name, int(n), float(mae) if n else None, float(sign) if n else None, interval)
        for name, n, mae, sign, interval in zip(names, counts, maes, signs, intervals, strict=True)
    )
    missing = int((codes < 0).sum())
    if value is None or draws is None:
        return BiasResult(attribute, value, reason, None, None, groups, missing)
    shuffled = shuffled_means(errors, (codes, len(names)), len(draws.means), seed)
    noise, noise_of_gap = _noise(mean_pairwise_gap(shuffled)), _noise(_range(shuffled))
    interval = gap_interval = None
    if counts.min() > 1:
        off = (draws.means - maes) * np.sqrt(counts / (counts - 1))
        interval = _unfolded(mean_pairwise_gap, maes, off, noise)
        gap_interval = _unfolded(_range, maes, off, noise_of_gap)
    return BiasResult(attribute, value, reason, interval, noise, groups, missing, gap_interval)


def _unfolded(figure: Callable[[Floats], Floats], maes: Floats, off: Floats, noise: Noise) -> Interval:
    """The interval of a figure that noise can only raise, from group MAEs (G,) and sample deviations (R, G)."""
    value = float(figure(maes))
    high = max(value, float(np.quantile(figure(maes + off), 1 - _TAIL)))
    too_low, enough = 0.0, 1.0
    if value <= noise.p95 or _reaches(figure, off, value):
        return Interval(0.0, high)
    for _ in range(_HALVINGS):
        middle = (too_low + enough) / 2
        if _reaches(figure, middle * maes + off, value):
            enough = middle
        else:
            too_low = middle
    return Interval(too_low * value, high)


def _reaches(figure: Callable[[Floats], Floats], samples: Floats, value: float) -> bool:
    """Whether a figure of samples (R, G) reaches `value` in at least one of forty."""
    return bool((figure(samples) >= value).mean() >= _TAIL)


def _range(group_maes: Floats) -> Floats:
    """The largest minus the smallest MAE of (..., G), shape (...)."""
    return np.asarray(group_maes.max(axis=-1) - group_maes.min(axis=-1))


def _noise(shuffled: Floats) -> Noise:
    return Noise(float(shuffled.mean()), float(np.quantile(shuffled, 0.95)))
