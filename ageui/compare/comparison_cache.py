"""Bootstrap results of earlier comparisons, so that comparing the same runs again costs nothing."""

from dataclasses import dataclass, field

from ageui.compare.averaged_scores import Averages
from ageui.compare.paired import PairedDifference
from ageui.compare.seed_variance import SeedVariance
from engine.split_result import SplitResult

Key = tuple[object, ...]


@dataclass(frozen=True)
class ComparisonCache:
    """Bootstrap results, all with the same number of resamples, and seed variances.

    `differences` are keyed by both sides and the figure, `constants` by images, age and groups, `averages` by the
    trainings whose errors are averaged, and `seeds` by images.
    """

    differences: dict[Key, PairedDifference] = field(default_factory=dict)
    constants: dict[Key, SplitResult] = field(default_factory=dict)
    averages: Averages = field(default_factory=dict)
    seeds: dict[str, dict[str, SeedVariance]] = field(default_factory=dict)
