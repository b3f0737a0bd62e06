"""Scores predictions on the validation split, cheaply enough for every epoch."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from engine.config import RunConfig
from engine.epoch_scores import EpochScores, GroupError
from engine.figure_forms import mean_pairwise_gap
from engine.resampling import Codes, Floats

STEPS_PER_SCORING: Final = 500
"""The number of train steps on cached features that take a hundred times as long as two scorings."""
MOST_EPOCHS_APART: Final = 20


def scoring_interval(config: RunConfig, train_images: int | None) -> int:
    """The number of epochs between scorings of a stage on cached features, whose epochs take milliseconds.

    `train_images` is the data set's number of train images, None if unknown. Stages on images are scored every epoch.

    Examples
    --------
    >>> from engine.config import build_config
    >>> config = build_config({"batch": 32})
    >>> [scoring_interval(config, images) for images in (100_000, 4000, 100, None)]
    [1, 4, 20, 20]
    """
    steps = math.ceil(train_images / config.batch) if train_images else 1
    return min(MOST_EPOCHS_APART, math.ceil(STEPS_PER_SCORING / steps))


class EpochScorer:
    """Scores predictions for the same V images after each epoch, with the formulas of `engine.fairness`.

    Parameters
    ----------
    ages
        True ages in years, shape (V,).
    groups
        For each attribute, the codes (V,), negative for an image in no group, and the group names.

    Examples
    --------
    >>> gender = (np.array([0, 0, 1, 1]), ("male", "female"))
    >>> scorer = EpochScorer(np.array([20.0, 30.0, 40.0, 50.0]), {"gender": gender})
    >>> scores = scorer.scores(np.array([21.0, 31.0, 36.0, 46.0]))
    >>> scores.mae, dict(scores.bias), [group.signed for group in scores.groups]
    (2.5, {'gender': 3.0}, [1.0, -4.0])
    """

    def __init__(self, ages: Floats, groups: Mapping[str, tuple[Codes, Sequence[str]]]) -> None:
        self._ages = ages
        self._names = [(attribute, name) for attribute, (_, names) in groups.items() for name in names]
        ends = np.cumsum([0, *(len(names) for _, names in groups.values())])
        self._places = {name: slice(*place) for name, place in zip(groups, pairwise(ends), strict=True)}
        codes = np.stack([codes for codes, _ in groups.values()])
        attributes, self._rows = np.nonzero(codes >= 0)
        self._bins = codes[attributes, self._rows] + ends[attributes]
        self._counts = np.bincount(self._bins, minlength=len(self._names))

    def scores(self, predicted: Floats) -> EpochScores:
        """The scores of predicted ages in years, shape (V,) for V > 0; non-finite if ages are."""
        signed = predicted - self._ages
        absolute = np.abs(signed)
        maes, means = self._group_means(absolute), self._group_means(signed)
        with np.errstate(invalid="ignore"):
            bias = {attribute: self._bias(attribute, maes) for attribute in self._places}
        groups = (
            GroupError(attribute, name, n, *((mae, mean) if n else (None, None)))
            for (attribute, name), n, mae, mean in zip(
                self._names, self._counts.tolist(), maes.tolist(), means.tolist(), strict=True
            )
        )
        return EpochScores(len(signed), float(absolute.mean()), bias, tuple(groups))

    def _group_means(self, values: Floats) -> Floats:
        """The mean of `values` (V,) in each group of all attributes, as in `engine.resampling.group_means`."""
        sums = np.bincount(self._bins, weights=values[self._rows], minlength=len(self._names))
        return np.asarray(sums / np.maximum(self._counts, 1))

    def _bias(self, attribute: str, maes: Floats) -> float | None:
        place = self._places[attribute]
        is_defined = place.stop - place.start >= 2 and self._counts[place].all()
        return float(mean_pairwise_gap(maes[place])) if is_defined else None
