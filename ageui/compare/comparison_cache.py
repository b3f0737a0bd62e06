"""Bootstrap results of earlier comparisons, so that comparing the same runs again costs nothing."""

from dataclasses import dataclass, field

from ageui.present.table import Difference
from engine.fairness import SplitResult

Key = tuple[object, ...]


@dataclass(frozen=True)
class ComparisonCache:
    """Bootstrap results, all with the same number of resamples.

    `differences` are keyed by both sides and the figure, `constants` by images, age and groups, and `results` by run,
    images and MAE.
    """

    differences: dict[Key, Difference] = field(default_factory=dict)
    constants: dict[Key, SplitResult] = field(default_factory=dict)
    results: dict[Key, SplitResult] = field(default_factory=dict)
