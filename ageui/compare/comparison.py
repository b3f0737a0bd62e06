"""A comparison as plain data: rows of cells, before any format. All figures are in years."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.fairness import Interval

MAE = "mae"
CONSTANT = "constant"


@dataclass(frozen=True)
class Difference:
    """A figure minus the baseline's, with its 95% interval where both saw the same images.

    The interval is that of a paired bootstrap over images; between means over seeds it covers the seeds as well.
    """

    value: float
    interval: Interval | None

    @property
    def real(self) -> bool | None:
        """Whether the interval excludes 0; None where there is no interval."""
        return None if self.interval is None else not self.interval.low <= 0 <= self.interval.high


@dataclass(frozen=True)
class Spread:
    """How a figure varies over `n` seeds: sample standard deviation (over n - 1), None for a single seed."""

    std: float | None
    n: int


@dataclass(frozen=True)
class Group:
    """A group of an attribute, as a column of its MAE; `n` images of it in the images that rows share."""

    attribute: str
    name: str
    n: int | None


@dataclass(frozen=True)
class Cell:
    """One figure of one row. `reason` says why there is no value, or why it cannot be set against the column's others.

    `noise` is the 95th percentile of what the figure would be if groups made no difference. With a `spread` the value
    is a mean over seeds, `noise` the mean of theirs (seeds share their images, so chance moves them together), and
    there is no interval. `n` counts the images of a group's MAE.
    """

    value: float | None
    reason: str | None = None
    comparable: bool = True
    interval: Interval | None = None
    noise: float | None = None
    best: bool = False
    difference: Difference | None = None
    spread: Spread | None = None
    n: int | None = None

    @property
    def inside_noise(self) -> bool:
        return self.value is not None and self.noise is not None and self.value <= self.noise


@dataclass(frozen=True)
class Row:
    """A run, runs that differ in their seed alone, the constant predictor, or figures published in the report.

    `settings` holds the config fields that differ between the rows, as text; `runs` the ids of the runs that the row
    stands for, and `id` the id of one alone. A row that is not comparable, for the `reason` given, has no best figures
    and no differences. `rank` is the average rank and `on_front` whether the row is on the Pareto front, both over the
    comparison's `ranked_over`; None for a row that cannot be ranked, and for a constant.
    """

    kind: Literal["run", "constant", "published"]
    id: int | None
    name: str
    status: str
    settings: Mapping[str, str]
    n: int | None
    cells: tuple[Cell, ...]
    comparable: bool
    reason: str | None
    is_baseline: bool = False
    runs: tuple[int, ...] = ()
    rank: float | None = None
    on_front: bool | None = None


@dataclass(frozen=True)
class Comparison:
    """`columns` names the cells of each row: `mae`, then the attributes whose bias they are, then the `groups`.

    `split` is None where no run was scored, `baseline` is the name of the baseline's row, `n` counts the images that
    the comparable rows share. `folded` tells that runs which differ in their seed alone are one row. `ranked_over`
    names the columns of ranks and Pareto marks, none where there are no two runs to rank.
    """

    split: str | None
    n: int | None
    columns: tuple[str, ...]
    settings: tuple[str, ...]
    rows: tuple[Row, ...]
    baseline: str | None
    notes: tuple[str, ...]
    groups: Mapping[str, Group] = field(default_factory=dict)
    folded: bool = False
    ranked_over: tuple[str, ...] = ()
