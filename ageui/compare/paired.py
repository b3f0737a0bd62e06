"""Differences between predictors and a baseline on the same images, with paired bootstrap intervals. NumPy only.

Each bootstrap sample draws images (or subjects) and scores all predictors on that draw, so an image's difficulty
for both cancels. Predictions that were fitted to ages are refitted in each sample.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.fairness import CONFIDENCE, RESAMPLES
from engine.figure_forms import FigureForm
from engine.figure_samples import quantity_means
from engine.image_errors import ImageErrors
from engine.resampling import Floats, GroupColumns, image_draws
from engine.split_result import Interval

_DECIMALS = 5
"""Samples are rounded to these, since rounding errors would make equal predictors differ."""

MakeForm = Callable[[ImageErrors], FigureForm | None]


@dataclass(frozen=True)
class PairedDifference:
    """A figure minus the baseline's, with its 95% bootstrap interval and variance over draws of images.

    Interval and variance are None if an error is not finite.
    """

    value: float
    interval: Interval | None
    variance: float | None


def paired_differences(
    sides: Sequence[Sequence[ImageErrors]],
    baseline: Sequence[ImageErrors],
    form: MakeForm,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[PairedDifference]:
    """The difference of each side to a baseline in one figure.

    Parameters
    ----------
    sides
        The errors of each side's trainings, whose figures are averaged. All are on the same images with equal groups.
    baseline
        The errors of the baseline's trainings.
    form
        Returns the form of the figure, which the images have.
    resamples
        Number of bootstrap samples.
    seed
        Seed of the draws.

    Returns
    -------
    list of PairedDifference
        One per side, in the figure's unit.

    Examples
    --------
    >>> from functools import partial
    >>> from engine.figure_forms import figure_form
    >>> ages, everyone = np.array([20.0, 30.0, 40.0, 50.0]), {}
    >>> errors = [ImageErrors.of_predictions(ages, ages + off, everyone) for off in (4.0, 6.0)]
    >>> paired_differences([errors[:1]], errors[1:], partial(figure_form, "mae"))
    [PairedDifference(value=-2.0, interval=Interval(low=-2.0, high=-2.0), variance=0.0)]
    """
    every = [training for side in (*sides, baseline) for training in side]
    forms = [form(training) for training in every]
    known = [one for one in forms if one is not None]
    if len(known) < len(every):
        raise ValueError("an image set lacks the figure")
    values = [one.value(training) for one, training in zip(known, every, strict=True)]
    ends = np.cumsum([len(side) for side in (*sides, baseline)])[:-1]
    *ours, theirs = (float(np.mean(own)) for own in np.split(np.array(values), ends))
    if not all(training.are_finite for training in every):
        return [PairedDifference(own - theirs, None, None) for own in ours]
    samples = np.split(_samples(every, known, resamples, seed), ends)
    *drawn, reference = (own.mean(axis=0) for own in samples)
    return [_paired(own - theirs, sample - reference) for own, sample in zip(ours, drawn, strict=True)]


def _samples(trainings: Sequence[ImageErrors], forms: Sequence[FigureForm], resamples: int, seed: int) -> Floats:
    """Bootstrap samples of a figure of each training, from the same draws of images, shape (trainings, resamples)."""
    first, quantities = trainings[0], forms[0].quantities
    values = np.column_stack([quantity(training) for training in trainings for quantity in quantities])
    columns = GroupColumns([(values, forms[0].grouping)])
    blocks: list[Floats] = []
    start = 0
    for draws in image_draws(len(first.ages), resamples, seed, first.subjects):
        ((means, _),) = columns.means(draws)
        own = means.reshape(len(trainings), len(quantities), *means.shape[1:])
        for place, training in enumerate(trainings):
            if training.refit is not None:
                sample, grouping = training.of_samples(draws, start), forms[0].grouping
                own[place] = [quantity_means(one, sample, draws, grouping, training) for one in quantities]
        start += len(draws)
        blocks.append(np.stack([form.of_means(*parts) for form, parts in zip(forms, own, strict=True)]))
    return np.concatenate(blocks, axis=1)


def _paired(value: float, samples: Floats) -> PairedDifference:
    """The difference `value`, with interval and variance from its `samples` (R,).

    Noise raises small biases, and samples raise them once more. The interval reaches to the percentiles, and to those
    mirrored at the value, whichever is further.
    """
    tail, samples = (1 - CONFIDENCE) / 2, np.round(samples, _DECIMALS)
    low, high = np.quantile(samples, [tail, 1 - tail])
    ends = Interval(float(min(low, 2 * value - high)), float(max(high, 2 * value - low)))
    return PairedDifference(value, ends, float(samples.var()))
