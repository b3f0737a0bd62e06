"""The scores of trainings that differ in their seed, from the errors of each image averaged over the trainings."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from engine.fairness import RESAMPLES, score_errors
from engine.image_errors import ImageErrors, averaged
from engine.split_result import SplitResult


class Training(NamedTuple):
    """The scores of a run on one split: equal for equal predictions of the same run. `images` is a hash."""

    run_id: int | None
    images: str
    mae: float | None


Averages = dict[tuple[Training, ...], SplitResult]
"""Averaged scores by the trainings behind them."""


def averaged_scores(
    trainings: tuple[Training, ...],
    load: Callable[[], Iterable[ImageErrors | None]],
    known: Averages,
    resamples: int = RESAMPLES,
) -> SplitResult | None:
    """Intervals and tests for a mean over trainings.

    Parameters
    ----------
    trainings
        The trainings that are averaged.
    load
        Returns the errors of each training, None without predictions; not called for `known` scores.
    known
        Earlier results with the same number of resamples; new ones are added.
    resamples
        Number of bootstrap samples and shuffles; with 0, nothing is computed.

    Returns
    -------
    SplitResult or None
        None if the trainings were scored on different images, or if one of them has no predictions.
    """
    if trainings not in known and resamples and len({training.images for training in trainings}) == 1:
        errors = list(load())
        found = [one for one in errors if one is not None]
        if len(found) == len(errors):
            known[trainings] = score_errors(averaged(found), resamples=resamples)
    return known.get(trainings)
