"""What a bootstrap came to, kept: asking again for the same runs costs nothing."""

from dataclasses import dataclass, field

from ageui.compare.comparison import Difference
from engine.fairness import SplitResult

Key = tuple[object, ...]


@dataclass(frozen=True)
class Known:
    """Differences by both sides and figure, constants by images, age and groups, results by run, images and MAE.

    All are for one number of resamples.
    """

    differences: dict[Key, Difference] = field(default_factory=dict)
    constants: dict[Key, SplitResult] = field(default_factory=dict)
    results: dict[Key, SplitResult] = field(default_factory=dict)
