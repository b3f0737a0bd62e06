"""A run's scores on a split as plain records: figures and their uncertainty.

All errors are in years. Intervals cover 95%.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

LEVEL = 0.05
"""The level of all tests: the chance of taking noise for a difference."""

MAE = "mae"


@dataclass(frozen=True)
class Interval:
    """A 95% interval, in the unit of its figure."""

    low: float
    high: float


@dataclass(frozen=True)
class Figure:
    """A figure of a split. If `value` is None, `reason` says why, else `note` may be a remark on it."""

    value: float | None
    reason: str | None = None
    interval: Interval | None = None
    note: str | None = None


@dataclass(frozen=True)
class GapFigure(Figure):
    """A figure of the differences between groups, with a test of whether they differ at all.

    `p_value` belongs to the hypothesis of no difference. `detectable` is the smallest true figure that is detected in
    four of five samples with these group sizes. If the groups cannot be tested, `untested` says why.
    """

    p_value: float | None = None
    detectable: float | None = None
    untested: str | None = None

    @property
    def inside_noise(self) -> bool:
        """Whether the figure is indistinguishable from no difference; False if that was not tested."""
        return self.value is not None and self.p_value is not None and self.p_value > LEVEL


@dataclass(frozen=True)
class GroupResult:
    """A group in a split: `mae` and `signed` (mean of predicted - age) in years; None if `n` is 0.

    `interval` is that of the MAE; None for a single image or subject.
    """

    group: str
    n: int
    mae: float | None
    signed: float | None
    interval: Interval | None = None


@dataclass(frozen=True)
class BiasResult(GapFigure):
    """The bias of an attribute in years, and its groups. If `value` is None, `reason` says why it is undefined.

    `signed_gap` is the mean difference of mean signed errors over pairs of groups. `missing` images have no value of
    the attribute and belong to no group. `gap_interval` is the interval of `gap`, `worst_interval` that of the largest
    true MAE of any group.
    """

    attribute: str = ""
    groups: tuple[GroupResult, ...] = ()
    missing: int = 0
    signed_gap: GapFigure = GapFigure(None)
    gap_interval: Interval | None = None
    worst_interval: Interval | None = None

    @property
    def worst(self) -> GroupResult | None:
        """The group with the largest MAE, where NaN is larger than any number."""
        known = [(group, group.mae) for group in self.groups if group.mae is not None]
        worst, _ = max(known, key=lambda pair: math.inf if math.isnan(pair[1]) else pair[1], default=(None, None))
        return worst

    @property
    def gap(self) -> float | None:
        """The largest MAE of a group minus the smallest, in years."""
        if self.value is None:
            return None
        maes = [group.mae for group in self.groups if group.mae is not None]
        return math.nan if any(map(math.isnan, maes)) else max(maes) - min(maes)


@dataclass(frozen=True)
class Baseline:
    """Scores of a predictor that always predicts `age` years, the train mean, on the same images."""

    age: float
    mae: float
    bias: dict[str, float | None]


@dataclass(frozen=True)
class SplitResult:
    """A run's scores on one split; all errors in years. `others` maps names in `engine.figure_forms` to figures."""

    n: int
    mae: float
    mae_interval: Interval | None
    signed: float
    biases: tuple[BiasResult, ...]
    baseline: Baseline | None
    others: Mapping[str, Figure] = field(default_factory=dict)

    def bias(self, attribute: str) -> BiasResult | None:
        """The bias of an attribute; None if the images have no such attribute."""
        return next((bias for bias in self.biases if bias.attribute == attribute), None)

    @property
    def group_names(self) -> dict[str, tuple[str, ...]]:
        """The names of the groups of each attribute."""
        return {bias.attribute: tuple(group.group for group in bias.groups) for bias in self.biases}

    @property
    def is_no_better_than_constant(self) -> bool:
        """Whether the constant predictor's MAE on the same images is as low or lower."""
        return self.baseline is not None and not self.mae < self.baseline.mae

    def figure(self, name: str) -> Figure | None:
        """A figure by its name: `mae`, an attribute for its bias, or any of `engine.figure_forms`; None if unknown."""
        if name == MAE:
            return Figure(self.mae, interval=self.mae_interval)
        if name in self.others:
            return self.others[name]
        attribute, _, kind = name.rpartition("_")
        bias = self.bias(name) or self.bias(attribute)
        if bias is None or bias.attribute == name:
            return bias
        match kind:
            case "signed":
                return bias.signed_gap
            case "gap":
                return Figure(bias.gap, bias.reason, bias.gap_interval)
            case "worst":
                worst = bias.worst if bias.value is not None else None
                return Figure(worst.mae if worst else None, bias.reason, bias.worst_interval)
        return None
