"""The figures of a split, each a function of group means, so that bootstrap samples can be scored too. NumPy only.

Figures of all images: `mae` and `signed` (the mean signed error) in years, `cs5` (the cumulative score at five years:
the percentage of faces estimated within five years), and `slope` (years of signed error per year of age; below 0 if
predictions lean towards the mean age).

Figures of an attribute, here of `gender`, in years except for the ratio:

- `gender`: the bias, the mean over pairs of groups of the gap between their MAEs.
- `gender_signed`: the signed gap, the same for mean signed errors.
- `gender_gap` and `gender_ratio`: the largest MAE of a group minus the smallest, and divided by it.
- `gender_worst`: the largest MAE of a group.
- `gender_standardised`: the bias if all groups had the same ages. The MAE of a group is the mean of its MAEs in the
  age groups that all groups fill, weighted by the number of images of all groups in these (direct standardisation).
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from engine.image_errors import ImageErrors
from engine.resampling import Codes, Floats, Grouping, group_means

CLOSE_YEARS = 5.0
FILLED = 5
"""The number of a group's images from which an age group counts as filled."""
_TINY = 1e-9
OVERALL_FIGURES = ("signed", "cs5", "slope")
ATTRIBUTE_KINDS = ("signed", "gap", "ratio", "worst", "standardised")

Key = tuple[str, ...]
"""The attributes that group the images; may be none or several."""
EVERYONE: Key = ()
Quantity = Callable[[ImageErrors], Floats]
"""A value for each image, (N,), whose group means figures depend on."""


def absolute(images: ImageErrors) -> Floats:
    """The absolute errors in years, as a `Quantity`."""
    return images.absolute


def signed(images: ImageErrors) -> Floats:
    """The signed errors in years, as a `Quantity`."""
    return images.signed


def _close(images: ImageErrors) -> Floats:
    return np.where(images.absolute <= CLOSE_YEARS, 100.0, 0.0)


def _age(images: ImageErrors) -> Floats:
    return np.asarray(images.ages - images.ages.mean())


def _age_times_signed(images: ImageErrors) -> Floats:
    return _age(images) * images.signed


def _age_squared(images: ImageErrors) -> Floats:
    return _age(images) ** 2


@dataclass(frozen=True, eq=False)
class FigureForm:
    """How a figure follows from group means.

    `grouping` divides the images; forms with equal keys share it. `of_means` takes the means of all groups (..., G) for
    each of the `quantities`, and returns figures (...).
    """

    key: Key
    grouping: Grouping
    quantities: tuple[Quantity, ...]
    of_means: Callable[..., Floats]
    note: str | None = None

    def value(self, images: ImageErrors) -> float:
        """The figure of the images."""
        codes, groups = self.grouping
        return float(self.of_means(*(group_means(quantity(images), codes, groups) for quantity in self.quantities)))


def figure_form(name: str, images: ImageErrors) -> FigureForm | None:
    """The form of a figure by its name; None if the images lack it.

    An attribute with an empty group, or with only one group, has no figures. If an attribute is named like a figure,
    such as `face_gap`, the name means its bias.
    """
    if name in _OVERALL:
        return overall_form(name, images)
    if name in images.groups:
        return attribute_form(name, "", images)
    attribute, _, kind = name.rpartition("_")
    return attribute_form(attribute, kind, images) if kind and attribute in images.groups else None


def overall_form(name: str, images: ImageErrors) -> FigureForm | None:
    """The form of `mae` or one of `OVERALL_FIGURES`; None without images, or for a slope over equal ages."""
    if len(images.ages) == 0 or (name == "slope" and np.ptp(images.ages) == 0):
        return None
    everyone = (np.zeros(len(images.ages), dtype=np.int64), 1)
    return FigureForm(EVERYONE, everyone, *_OVERALL[name])


def attribute_form(attribute: str, kind: str, images: ImageErrors) -> FigureForm | None:
    """The form of one of `ATTRIBUTE_KINDS`, or of the bias for kind "", of an attribute; None if it is undefined."""
    codes, names = images.groups[attribute]
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    if len(names) < 2 or not counts.all():
        return None
    if kind == "standardised":
        return _standardised(attribute, images)
    return FigureForm((attribute,), (codes, len(names)), *_OF_GROUPS[kind]) if kind in _OF_GROUPS else None


def group_form(attribute: str, group: str, images: ImageErrors) -> FigureForm | None:
    """The form of the MAE of a group; None if no image belongs to it."""
    if attribute not in images.groups or group not in images.groups[attribute][1]:
        return None
    codes, names = images.groups[attribute]
    own = np.where(codes == list(names).index(group), 0, -1)
    return FigureForm((attribute, group), (own, 1), (absolute,), _only) if (own == 0).any() else None


def figure_names(attributes: Iterable[str]) -> list[str]:
    """The names of all figures except MAE: those of all images, then those of each attribute, its bias first."""
    kinds = ("", *(f"_{kind}" for kind in ATTRIBUTE_KINDS))
    return [*OVERALL_FIGURES, *(f"{attribute}{kind}" for attribute in attributes for kind in kinds)]


def groups_form(attribute: str, images: ImageErrors) -> FigureForm:
    """The form of the MAEs of all groups of an attribute, shape (..., G); NaN for groups without images."""
    codes, names = images.groups[attribute]
    return FigureForm((attribute,), (codes, len(names)), (absolute,), np.asarray)


def mean_pairwise_gap(group_means: Floats) -> Floats:
    """The mean of |a - b| over all unordered pairs of group means.

    Parameters
    ----------
    group_means
        Means in years, shape (..., G) for G >= 2 groups.

    Returns
    -------
    array
        Shape (...), in years.

    Examples
    --------
    >>> mean_pairwise_gap(np.array([3.0, 5.0, 9.0])).item()  # (2 + 4 + 6) / 3
    4.0
    """
    groups = group_means.shape[-1]
    steps = np.diff(np.sort(group_means, axis=-1), axis=-1)
    below = np.arange(1, groups)
    # The step between the i-th and the next larger mean is part of the gaps of i (G - i) pairs.
    return np.asarray(steps @ (below * (groups - below)) / math.comb(groups, 2))


def range_of(group_means: Floats) -> Floats:
    """The largest minus the smallest mean of (..., G), shape (...)."""
    return np.asarray(group_means.max(axis=-1) - group_means.min(axis=-1))


def ratio_of(group_means: Floats) -> Floats:
    """The largest over the smallest mean of (..., G), shape (...); means below a billionth count as that."""
    means = np.maximum(group_means, _TINY)
    return np.asarray(means.max(axis=-1) / means.min(axis=-1))


def _worst(group_means: Floats) -> Floats:
    return np.asarray(group_means.max(axis=-1))


def _only(group_means: Floats) -> Floats:
    return np.asarray(group_means[..., 0])


def _slope(age: Floats, signed: Floats, product: Floats, square: Floats) -> Floats:
    """The least-squares slope of signed errors over ages, from means over all images (..., 1)."""
    variance = np.maximum(square - age**2, _TINY)
    return np.asarray(((product - age * signed) / variance)[..., 0])


_OVERALL: dict[str, tuple[tuple[Quantity, ...], Callable[..., Floats]]] = {
    "mae": ((absolute,), _only),
    "signed": ((signed,), _only),
    "cs5": ((_close,), _only),
    "slope": ((_age, signed, _age_times_signed, _age_squared), _slope),
}
_OF_GROUPS: dict[str, tuple[tuple[Quantity, ...], Callable[..., Floats]]] = {
    "": ((absolute,), mean_pairwise_gap),
    "signed": ((signed,), mean_pairwise_gap),
    "gap": ((absolute,), range_of),
    "ratio": ((absolute,), ratio_of),
    "worst": ((absolute,), _worst),
}


def _standardised(attribute: str, images: ImageErrors) -> FigureForm | None:
    """The bias over the age groups that all groups fill; None without any, and for age itself."""
    if attribute == "age" or "age" not in images.groups:
        return None
    (codes, names), (ages, age_names) = images.groups[attribute], images.groups["age"]
    inside = (codes >= 0) & (ages >= 0)
    cells = np.bincount((codes * len(age_names) + ages)[inside], minlength=len(names) * len(age_names))
    counts = cells.reshape(len(names), len(age_names))
    shared = np.flatnonzero(counts.min(axis=0) >= FILLED)
    if len(shared) == 0:
        return None
    place = np.full(len(age_names), -1)
    place[shared] = np.arange(len(shared))
    kept = np.where(inside & (place[ages] >= 0), codes * len(shared) + place[ages], -1)
    weights = counts[:, shared].sum(axis=0) / counts[:, shared].sum()

    def of_means(means: Floats) -> Floats:
        return mean_pairwise_gap(means.reshape(*means.shape[:-1], len(names), len(shared)) @ weights)

    grouping = (kept, len(names) * len(shared))
    return FigureForm((attribute, "by", "age"), grouping, (absolute,), of_means, _left_out(counts))


def _left_out(counts: Codes) -> str | None:
    """A remark on the images outside the age groups that all groups fill, from counts (groups, age groups)."""
    outside = counts[:, counts.min(axis=0) < FILLED].sum()
    if not outside:
        return None
    return f"without {100 * outside / counts.sum():.0f}% of the images, in age groups that not all groups fill"
