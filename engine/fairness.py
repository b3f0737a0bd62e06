"""Group errors and the bias scores of the report, with their uncertainty. NumPy only.

With err_i = |predicted_i - age_i| in years and MAE_g the mean of err over group g,

    bias(attribute) = mean over all unordered pairs (a, b) of groups of |MAE_a - MAE_b|

unweighted by group size: the definition of the course report that this project implements.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A 95% interval in years."""

    low: float
    high: float


@dataclass(frozen=True)
class Noise:
    """A bias in years if groups made no difference: its mean and 95th percentile over shuffled groups."""

    mean: float
    p95: float


@dataclass(frozen=True)
class GroupResult:
    """One group in one split: `mae` and `signed` (mean of predicted - age) in years; None where `n` is 0."""

    group: str
    n: int
    mae: float | None
    signed: float | None


@dataclass(frozen=True)
class BiasResult:
    """The bias of one attribute in years; `value` is None where it is not defined, and `reason` says why.

    `missing` images have no value of the attribute and are in no group.
    """

    attribute: str
    value: float | None
    reason: str | None
    interval: Interval | None
    noise: Noise | None
    groups: tuple[GroupResult, ...]
    missing: int = 0

    @property
    def worst(self) -> GroupResult | None:
        """The group with the largest MAE."""
        return max((g for g in self.groups if g.mae is not None), key=lambda g: g.mae or 0.0, default=None)


@dataclass(frozen=True)
class Baseline:
    """The predictor that always says `age` years (the train mean): what it scores on the same images."""

    age: float
    mae: float
    bias: dict[str, float | None]


@dataclass(frozen=True)
class SplitResult:
    """What a run scored on one split; all errors in years."""

    n: int
    mae: float
    mae_interval: Interval | None
    signed: float
    biases: tuple[BiasResult, ...]
    baseline: Baseline | None

    def bias(self, attribute: str) -> BiasResult | None:
        return next((bias for bias in self.biases if bias.attribute == attribute), None)


def group_means(values: Floats, codes: Codes, groups: int) -> Floats:
    """Mean of `values` (N,) in each group, shape (groups,); NaN for an empty one. Codes below 0 belong to none."""
    inside = codes >= 0
    counts = np.bincount(codes[inside], minlength=groups)
    sums = np.bincount(codes[inside], weights=values[inside], minlength=groups)
    return np.asarray(np.divide(sums, counts, out=np.full(groups, np.nan), where=counts > 0))


def mean_pairwise_gap(group_maes: Floats) -> Floats:
    """The bias from group MAEs of shape (..., G): mean of |a - b| over the G(G-1)/2 unordered pairs, shape (...)."""
    groups = group_maes.shape[-1]
    pairs = list(combinations(range(groups), 2))
    gaps = [np.abs(group_maes[..., a] - group_maes[..., b]) for a, b in pairs]
    return np.asarray(np.mean(np.stack(gaps, axis=-1), axis=-1))


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
    """Scores predictions (N,) against ages (N,), both in years.

    `groups` maps each attribute to codes (N,) and group names, as `engine.groups.group_codes` returns them.
    `constant_age` is the train mean for the baseline. `resamples` 0 leaves out intervals and noise.
    """
    errors = np.abs(predicted - ages)
    signed = predicted - ages
    random = np.random.default_rng(seed)
    biases = tuple(
        _bias_result(attribute, errors, signed, codes, names, split, resamples, random)
        for attribute, (codes, names) in groups.items()
    )
    baseline = None
    if constant_age is not None:
        constant_errors = np.abs(constant_age - ages)
        baseline = Baseline(
            constant_age,
            float(constant_errors.mean()),
            {name: bias_value(constant_errors, codes, names, split)[0] for name, (codes, names) in groups.items()},
        )
    interval = _percentiles(_resampled_means(errors, resamples, random)) if resamples and len(errors) > 1 else None
    return SplitResult(len(ages), float(errors.mean()), interval, float(signed.mean()), biases, baseline)


def bias_value(
    errors: Floats, codes: Codes, names: Sequence[str], split: str = "this split"
) -> tuple[float | None, str | None]:
    """The bias in years and None, or None and the reason why it is not defined: a lone group, or an empty one."""
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


def bootstrap_group_maes(
    errors: Floats, codes: Codes, groups: int, resamples: int, random: np.random.Generator
) -> Floats:
    """Group MAEs of `resamples` bootstrap samples drawn inside each group (stratified), shape (resamples, groups)."""
    return np.stack([_resampled_means(errors[codes == g], resamples, random) for g in range(groups)], axis=1)


def noise_of_bias(errors: Floats, codes: Codes, groups: int, resamples: int, random: np.random.Generator) -> Noise:
    """The bias that remains when the group labels are shuffled over the images: what noise alone would show."""
    inside = codes >= 0
    errors, codes = errors[inside], codes[inside]
    sizes = np.bincount(codes, minlength=groups)
    starts = np.cumsum(sizes) - sizes
    gaps = np.concatenate(
        [
            mean_pairwise_gap(
                np.add.reduceat(random.permuted(np.tile(errors, (count, 1)), axis=1), starts, axis=1) / sizes
            )
            for count in _blocks(resamples, len(errors))
        ]
    )
    return Noise(float(gaps.mean()), float(np.quantile(gaps, 0.95)))


def _bias_result(
    attribute: str,
    errors: Floats,
    signed: Floats,
    codes: Codes,
    names: Sequence[str],
    split: str,
    resamples: int,
    random: np.random.Generator,
) -> BiasResult:
    value, reason = bias_value(errors, codes, names, split)
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    maes, signs = group_means(errors, codes, len(names)), group_means(signed, codes, len(names))
    groups = tuple(
        GroupResult(name, int(n), float(mae) if n else None, float(sign) if n else None)
        for name, n, mae, sign in zip(names, counts, maes, signs, strict=True)
    )
    interval = noise = None
    if value is not None and resamples:
        interval = _percentiles(mean_pairwise_gap(bootstrap_group_maes(errors, codes, len(names), resamples, random)))
        noise = noise_of_bias(errors, codes, len(names), resamples, random)
    return BiasResult(attribute, value, reason, interval, noise, groups, int((codes < 0).sum()))


def _resampled_means(values: Floats, resamples: int, random: np.random.Generator) -> Floats:
    """Means of bootstrap samples of `values` (N,), shape (resamples,)."""
    n = len(values)
    return np.concatenate(
        [values[random.integers(0, n, size=(count, n))].mean(axis=1) for count in _blocks(resamples, n)]
    )


def _blocks(resamples: int, n: int) -> Iterator[int]:
    """Parts of `resamples` small enough that an array of part x n doubles stays below 32 MB."""
    block = max(1, 4_000_000 // max(1, n))
    for start in range(0, resamples, block):
        yield min(block, resamples - start)


def _percentiles(samples: Floats) -> Interval:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(samples, [tail, 1 - tail])
    return Interval(float(low), float(high))
