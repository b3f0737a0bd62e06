"""Intervals of the MAEs of groups, from stored predictions."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ageui.compare.scoring import scored
from engine.fairness import Interval, SplitResult, evaluate_split

if TYPE_CHECKING:
    from ageui.store.records import Predictions

Intervals = Mapping[tuple[str, str], Interval]
"""Intervals of MAEs, in years, by attribute and group."""


def group_intervals(result: SplitResult, predictions: "Predictions", age_edges: Sequence[float]) -> Intervals:
    """The 95% interval of each group's MAE, which is not stored with a result.

    None for a group of a single image, nor for any where a prediction is not finite.
    """
    groups = {bias.attribute: tuple(group.group for group in bias.groups) for bias in result.biases}
    codes = scored(predictions, groups, age_edges).groups
    again = evaluate_split(predictions.ages, predictions.predicted.astype(np.float64), codes, None)
    return {
        (bias.attribute, group.group): group.interval
        for bias in again.biases
        for group in bias.groups
        if group.interval is not None
    }
