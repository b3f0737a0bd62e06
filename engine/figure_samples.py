"""Bootstrap samples of all figures of a split, from the same draws of images or subjects. NumPy only."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.figure_forms import FigureForm, Key, Quantity, absolute
from engine.image_errors import ImageErrors
from engine.resampling import Codes, Floats, GroupColumns, Grouping, group_means, image_draws, sample_means


@dataclass(frozen=True, eq=False)
class FigureSamples:
    """Group means of bootstrap samples, each (resamples, G), by the key of their grouping and their quantity.

    `standard_errors` are those of mean absolute errors, by the key of the grouping.
    """

    means: dict[tuple[Key, Quantity], Floats]
    standard_errors: dict[Key, Floats]

    def of(self, form: FigureForm) -> Floats:
        """The samples (resamples,) of a figure."""
        return form.of_means(*(self.means[form.key, quantity] for quantity in form.quantities))


def figure_samples(
    images: ImageErrors, forms: Sequence[FigureForm], studentised: Collection[Key], resamples: int, seed: int
) -> FigureSamples:
    """Draws bootstrap samples of the group means on which figures depend.

    Parameters
    ----------
    images
        Finite errors.
    forms
        The figures.
    studentised
        The keys of the groupings whose means of absolute errors need standard errors.
    resamples, seed
        Number of samples, and the seed of the draws.

    Returns
    -------
    FigureSamples
        All from the same draws of images or subjects. Means of refitted predictions come from each sample's own fit,
        their standard errors from the given predictions.
    """
    wanted: dict[Key, tuple[Grouping, list[Quantity]]] = {}
    for form in forms:
        quantities = wanted.setdefault(form.key, (form.grouping, []))[1]
        quantities += [quantity for quantity in form.quantities if quantity not in quantities]
    columns = GroupColumns(
        [
            (np.column_stack([quantity(images) for quantity in quantities] + units), grouping)
            for key, (grouping, quantities) in wanted.items()
            for units in [_unit_sums(images, grouping) if key in studentised else []]
        ]
    )
    means: dict[tuple[Key, Quantity], list[Floats]] = {}
    errors: dict[Key, list[Floats]] = {}
    start = 0
    for draws in image_draws(len(images.ages), resamples, seed, images.subjects):
        sample = images.of_samples(draws, start)
        start += len(draws)
        for (key, (grouping, quantities)), (found, drawn) in zip(wanted.items(), columns.means(draws), strict=True):
            for quantity, own in zip(quantities, found, strict=False):
                if images.refit is not None:
                    own = quantity_means(quantity, sample, draws, grouping, images)
                means.setdefault((key, quantity), []).append(own)
            if key in studentised:
                off = found[quantities.index(absolute)] - group_means(images.absolute, *grouping)
                errors.setdefault(key, []).append(_standard_errors(off, found[len(quantities) :], drawn))
    return FigureSamples(
        {key: np.concatenate(blocks) for key, blocks in means.items()},
        {key: np.concatenate(blocks) for key, blocks in errors.items()},
    )


def quantity_means(
    quantity: Quantity, sample: ImageErrors, draws: NDArray[np.float32], grouping: Grouping, images: ImageErrors
) -> Floats:
    """Group means (R, G) of a quantity of refitted predictions, given their errors in each `sample` with its draws
    (R, N). Groups without drawn images keep the mean of `images`."""
    return sample_means(quantity(sample), draws, grouping, group_means(quantity(images), *grouping))


def standard_error(images: ImageErrors, chosen: Codes) -> float:
    """The standard error of the mean absolute error of the images at places `chosen`."""
    off = images.absolute[chosen] - images.absolute[chosen].mean()
    if images.subjects is not None:
        off = np.bincount(images.subjects[chosen], weights=off)
    return float(np.sqrt((off**2).sum())) / len(chosen)


def _unit_sums(images: ImageErrors, grouping: Grouping) -> list[Floats]:
    """Products of sums over the images of a subject in its group: u u, u n and n n, each (N,).

    u sums the deviations of errors from their group's mean, n counts images. The first image of a subject carries the
    product, the others 0, so that a subject counts as often as it is drawn.
    """
    codes, groups = grouping
    off = images.absolute - np.where(codes >= 0, group_means(images.absolute, codes, groups)[codes], 0.0)
    if images.subjects is None:
        return [off**2, off, np.ones(len(off))]
    own = images.subjects * (groups + 1) + np.maximum(codes, -1) + 1
    _, first, unit = np.unique(own, return_index=True, return_inverse=True)
    sums, counts = np.bincount(unit, weights=off), np.bincount(unit).astype(np.float64)
    products = np.zeros((3, len(off)))
    products[:, first] = sums**2, sums * counts, counts**2
    return list(products)


def _standard_errors(off: Floats, unit_sums: Floats, drawn: Floats) -> Floats:
    """The standard errors of drawn group means that are `off` the group's own (R, G), from `_unit_sums` (3, R, G)."""
    squares, products, counts = unit_sums
    variances = np.maximum(squares - 2 * off * products + off**2 * counts, 0)
    return np.asarray(np.sqrt(variances / np.maximum(drawn, 1)))
