"""Ages and errors of the images of a split, the basis of all figures. NumPy only."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.groups import crossed_groups, filled_groups
from engine.resampling import Codes, Floats

if TYPE_CHECKING:
    import pandas as pd

Refit = Callable[[NDArray[np.float32], int], Floats]
"""Returns predicted ages (B, N) in years, refitted to each of B bootstrap samples, given draws (B, N) of the images and
the number of the first sample."""
RefitErrors = Callable[[NDArray[np.float32], int], tuple[Floats, Floats]]
"""Returns signed and absolute errors, each (B, N), like the predictions of `Refit`."""


@dataclass(frozen=True, eq=False)
class ImageErrors:
    """The basis of all figures, in years: `ages`, signed errors (predicted - age) and absolute errors, each (N,).

    `groups` maps each attribute to the codes (N,) of its groups, negative for an image in no group, and their names.
    `subjects` are codes (N,) from 0 of the persons in the images; None if every image shows another person. `refit`
    repeats the fit of predictions that were fitted to ages in bootstrap samples.
    """

    ages: Floats
    signed: Floats
    absolute: Floats
    groups: Mapping[str, tuple[Codes, Sequence[str]]]
    subjects: Codes | None = None
    refit: RefitErrors | None = None

    @classmethod
    def of_predictions(
        cls,
        ages: Floats,
        predicted: Floats,
        groups: Mapping[str, tuple[Codes, Sequence[str]]],
        subjects: Codes | None = None,
        refit: Refit | None = None,
    ) -> "ImageErrors":
        """The errors of predicted ages in years, shape (N,)."""
        signed = predicted - ages

        def errors(draws: NDArray[np.float32], start: int) -> tuple[Floats, Floats]:
            assert refit is not None
            off = refit(draws, start) - ages
            return off, np.abs(off)

        return cls(ages, signed, np.abs(signed), groups, subjects, errors if refit is not None else None)

    def of_samples(self, draws: NDArray[np.float32], start: int) -> "ImageErrors":
        """The errors in bootstrap samples given by draws (B, N) of the images; (B, N) if predictions are refitted.

        `start` is the number of the first sample.
        """
        if self.refit is None:
            return self
        signed, absolute = self.refit(draws, start)
        return replace(self, signed=signed, absolute=absolute)

    def of_constant(self, age: float) -> "ImageErrors":
        """The errors of a predictor that always predicts `age` years, on the same images."""
        return self.of_predictions(self.ages, np.full(len(self.ages), age), self.groups, self.subjects)

    def crossed(self, attributes: Sequence[str]) -> tuple[Codes, tuple[str, ...]]:
        """Codes and names of the non-empty crossed groups of several attributes."""
        every = np.arange(len(self.ages))
        return filled_groups(*crossed_groups(len(every), [self.groups[one] for one in attributes]), every)

    @property
    def are_finite(self) -> bool:
        return bool(np.isfinite(self.absolute).all())

    def units(self, codes: Codes, groups: int) -> NDArray[np.int64]:
        """The number of images or subjects in each group, shape (groups,). Negative codes belong to no group."""
        inside = codes >= 0
        own = codes[inside]
        if self.subjects is not None:
            own = np.unique(self.subjects[inside] * groups + own) % groups
        return np.bincount(own, minlength=groups)


class LabelledPredictions(Protocol):
    """Predicted ages (N,) in years with the labels of their images; `subjects` is empty if they are unknown."""

    @property
    def ages(self) -> NDArray[np.float64]: ...

    @property
    def predicted(self) -> NDArray[np.float32]: ...

    @property
    def attributes(self) -> Mapping[str, tuple[str | None, ...]]: ...

    @property
    def subjects(self) -> tuple[str | None, ...]: ...

    @property
    def refit(self) -> Refit | None: ...


def image_errors(
    predictions: LabelledPredictions, groups: Mapping[str, Sequence[str]], age_edges: Sequence[float]
) -> ImageErrors:
    """The errors of predictions, with the given group names of each attribute."""
    coded = {name: (_codes(predictions, name, names, age_edges), tuple(names)) for name, names in groups.items()}
    predicted = predictions.predicted.astype(np.float64)
    subjects = subject_codes(predictions.subjects)
    return ImageErrors.of_predictions(predictions.ages, predicted, coded, subjects, predictions.refit)


def _codes(predictions: LabelledPredictions, attribute: str, names: Sequence[str], age_edges: Sequence[float]) -> Codes:
    if attribute == "age":
        return np.searchsorted(np.asarray(age_edges, dtype=np.float64), predictions.ages, side="right").astype(np.int64)
    place = {name: index for index, name in enumerate(names)}
    values = predictions.attributes[attribute]
    return np.array([-1 if value is None else place.get(value, -1) for value in values], dtype=np.int64)


def averaged(trainings: Sequence[ImageErrors]) -> ImageErrors:
    """The errors of each image, averaged over several trainings scored on the same images."""

    def refit(draws: NDArray[np.float32], start: int) -> tuple[Floats, Floats]:
        return _mean_errors([one.of_samples(draws, start) for one in trainings])

    signed, absolute = _mean_errors(trainings)
    is_refitted = any(one.refit is not None for one in trainings)
    return replace(trainings[0], signed=signed, absolute=absolute, refit=refit if is_refitted else None)


def _mean_errors(trainings: Sequence[ImageErrors]) -> tuple[Floats, Floats]:
    signed = np.broadcast_arrays(*(one.signed for one in trainings))
    absolute = np.broadcast_arrays(*(one.absolute for one in trainings))
    return np.mean(signed, axis=0), np.mean(absolute, axis=0)


def subject_codes(subjects: "Sequence[str | None] | pd.Series[Any]") -> Codes | None:
    """Codes of persons from 0; None if no two images share a subject. An image without a subject is its own person."""
    known = [subject if isinstance(subject, str) else None for subject in subjects]
    codes: dict[str | int, int] = {}
    found = np.array([codes.setdefault(place if one is None else one, len(codes)) for place, one in enumerate(known)])
    return found if len(codes) < len(known) else None
