"""Intervals of the MAEs of groups, from stored predictions."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ageui.compare.scoring import scored
from engine.fairness import CONFIDENCE, RESAMPLES, Codes, Floats, Interval, SplitResult, bootstrap_group_maes

if TYPE_CHECKING:
    from ageui.report.plots import Intervals
    from ageui.store.records import Predictions


def group_intervals(result: SplitResult, predictions: "Predictions", age_edges: Sequence[float]) -> "Intervals":
    """The 95% bootstrap interval of each group's MAE, in years; none for a group of a single image or a NaN error."""
    groups = {bias.attribute: tuple(group.group for group in bias.groups) for bias in result.biases}
    one = scored(predictions, groups, age_edges)
    return {
        (attribute, names[group]): interval
        for attribute, (codes, names) in one.groups.items()
        for group, interval in _intervals(one.errors, codes, len(names)).items()
    }


def _intervals(errors: Floats, codes: Codes, groups: int) -> dict[int, Interval]:
    counts = np.bincount(codes[codes >= 0], minlength=groups)
    drawn = [group for group in range(groups) if counts[group] > 1 and np.isfinite(errors[codes == group]).all()]
    if not drawn:
        return {}
    place = {group: index for index, group in enumerate(drawn)}
    renumbered = np.array([place.get(int(code), -1) for code in codes])
    maes = bootstrap_group_maes(errors, renumbered, len(drawn), RESAMPLES, np.random.default_rng(0))
    tail = (1 - CONFIDENCE) / 2
    lows, highs = np.quantile(maes, [tail, 1 - tail], axis=0)
    return {group: Interval(float(low), float(high)) for group, low, high in zip(drawn, lows, highs, strict=True)}
