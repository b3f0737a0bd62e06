"""Absolute errors and group codes of images, from stored predictions, and the intervals that follow from them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ageui.compare.comparison import MAE, Group
from ageui.compare.paired import PairedDifference, bias_differences, mae_differences
from engine.choices import AGE_EDGES
from engine.fairness import RESAMPLES, BiasResult, SplitResult, evaluate_split
from engine.resampling import Codes, Floats

if TYPE_CHECKING:
    from ageui.store.records import Predictions, RunDetail

    LoadPredictions = Callable[[int, str], Predictions | None]


@dataclass(frozen=True, eq=False)
class ImageErrors:
    """Ages and absolute errors (N,) in years on one set of images, and each attribute's codes (N,) and group names."""

    ages: Floats
    errors: Floats
    groups: Mapping[str, tuple[Codes, tuple[str, ...]]]


def image_errors(
    predictions: "Predictions", groups: Mapping[str, tuple[str, ...]], age_edges: Sequence[float]
) -> ImageErrors:
    """The errors of a run, over the group names of its stored result."""
    coded = {name: (_codes(predictions, name, names, age_edges), names) for name, names in groups.items()}
    errors = np.abs(predictions.predicted.astype(np.float64) - predictions.ages)
    return ImageErrors(predictions.ages, errors, coded)


def constant_errors(like: ImageErrors, age: float) -> ImageErrors:
    """The errors of a predictor that says `age` years for each of the same images."""
    return replace(like, errors=np.abs(age - like.ages))


def constant_result(like: ImageErrors, age: float, split: str, resamples: int) -> SplitResult:
    """The scores of a predictor that says `age` years for every image, with intervals and noise.

    Parameters
    ----------
    like
        Errors of any predictor on the images, for their ages and groups.
    age
        The predicted age in years.
    split
        Name of the split, for the reasons of undefined biases.
    resamples
        Number of bootstrap samples and shuffles; 0 computes no intervals.
    """
    predicted = np.full(len(like.ages), age)
    return evaluate_split(like.ages, predicted, like.groups, None, split=split, resamples=resamples)


def with_intervals(result: SplitResult, of: ImageErrors, split: str, resamples: int = RESAMPLES) -> SplitResult:
    """A stored result with all intervals and noise computed again, including those of groups and gaps.

    Runs scored by older versions get the intervals of this version, so that all runs can be compared.

    Parameters
    ----------
    result
        The stored result.
    of
        The errors of its predictions.
    split
        Name of the split, for the reasons of undefined biases.
    resamples
        Number of bootstrap samples and shuffles.

    Returns
    -------
    SplitResult
        The stored result unchanged if an error is not finite.
    """
    if not np.isfinite(of.errors).all():
        return result
    found = evaluate_split(np.zeros(len(of.errors)), of.errors, of.groups, None, split=split, resamples=resamples)
    biases = tuple(_with_intervals(bias, found.bias(bias.attribute)) for bias in result.biases)
    return replace(result, mae_interval=found.mae_interval, biases=biases)


def with_all_intervals(run: "RunDetail", load: "LoadPredictions") -> "RunDetail":
    """A run with all intervals of its results.

    Parameters
    ----------
    run
        The stored run.
    load
        Returns the predictions of a run, given by its id, on a split, or None.

    Returns
    -------
    RunDetail
        The same run; results without predictions are unchanged.
    """
    edges = run.config.get("age_edges", AGE_EDGES)
    found = []
    for scores in run.results:
        if predictions := load(run.id, scores.split):
            errors = image_errors(predictions, groups_of(scores.result), edges)
            scores = replace(scores, result=with_intervals(scores.result, errors, scores.split))
        found.append(scores)
    return replace(run, results=tuple(found))


def groups_of(result: SplitResult) -> dict[str, tuple[str, ...]]:
    """The group names of each attribute of a result."""
    return {bias.attribute: tuple(group.group for group in bias.groups) for bias in result.biases}


def _with_intervals(stored: BiasResult, found: BiasResult | None) -> BiasResult:
    if found is None:
        return stored
    intervals = {group.group: group.interval for group in found.groups}
    groups = tuple(replace(group, interval=intervals.get(group.group)) for group in stored.groups)
    return replace(stored, interval=found.interval, noise=found.noise, groups=groups, gap_interval=found.gap_interval)


def has_images(of: ImageErrors, column: str, group: Group | None) -> bool:
    """Whether a figure has images to draw from: the interval of a bias needs one in every group of the attribute."""
    if column == MAE:
        return len(of.ages) > 0
    codes, names = of.groups[group.attribute if group else column]
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    return bool(counts[names.index(group.name)] > 0 if group else (counts > 0).all())


def paired_differences(
    sides: Sequence[Sequence[ImageErrors]],
    against: Sequence[ImageErrors],
    column: str,
    group: Group | None,
    resamples: int,
) -> list[PairedDifference]:
    """The difference of each side to a baseline in one figure, with its interval over images.

    Parameters
    ----------
    sides
        The errors of each side's trainings, whose figures are averaged. All sides have the figure, on the same images
        with the same groups.
    against
        The errors of the baseline's trainings.
    column
        `mae`, or the attribute of a bias.
    group
        The group whose MAE is the figure instead; None for others.
    resamples
        Number of bootstrap samples.

    Returns
    -------
    list of PairedDifference
        One per side, in years.
    """
    groups = against[0].groups
    errors = [np.stack([one.errors for one in side]) for side in sides]
    baseline = np.stack([one.errors for one in against])
    if group is not None:
        codes, names = groups[group.attribute]
        own = codes == names.index(group.name)
        return mae_differences([one[:, own] for one in errors], baseline[:, own], resamples=resamples)
    if column == MAE:
        return mae_differences(errors, baseline, resamples=resamples)
    codes, names = groups[column]
    return bias_differences(errors, baseline, codes, len(names), resamples=resamples)


def _codes(predictions: "Predictions", attribute: str, names: tuple[str, ...], age_edges: Sequence[float]) -> Codes:
    if attribute == "age":
        return np.searchsorted(np.asarray(age_edges, dtype=np.float64), predictions.ages, side="right").astype(np.int64)
    place = {name: index for index, name in enumerate(names)}
    values = predictions.attributes[attribute]
    return np.array([-1 if value is None else place.get(value, -1) for value in values], dtype=np.int64)
