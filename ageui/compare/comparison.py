"""A comparison as plain data: rows of marked cells."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from ageui.compare.many_tests import Correction
from ageui.present.table import Cell

MAE = "mae"
CONSTANT = "constant"


@dataclass(frozen=True)
class Group:
    """A group of an attribute, as a column of its MAE; `n` of the images that the rows share belong to it."""

    attribute: str
    name: str
    n: int | None


@dataclass(frozen=True)
class ComparedRow:
    """A run, runs that differ only in their seed, the constant predictor, or figures that were published or imported.

    `settings` holds the config fields that differ between the rows, as text, and `label` shortens them. `runs`
    are the ids of the runs behind the row, and `id` that of a single run. A row that is not comparable, for the
    `reason` given, has no best figures and no differences. `rank` is its average rank and `on_front` tells whether
    it is on the Pareto front, both over the comparison's `ranked_over`; None for constants and for rows that cannot
    be ranked. `is_selected` means that the images chose the weights that are scored on them. `pretraining` is the
    sentence of `engine.pretraining` on the first weights.
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
    is_selected: bool = False
    runs: tuple[int, ...] = ()
    rank: float | None = None
    on_front: bool | None = None
    label: str = ""
    pretraining: str | None = None

    @property
    def is_apart(self) -> bool:
        """Whether the row has figures that cannot be compared with those of the others."""
        return self.n is not None and not self.comparable

    @property
    def state(self) -> str:
        """`baseline`, or the status of a run that is not done; empty for all other rows."""
        if self.is_baseline:
            return "baseline"
        return "" if self.kind == "constant" or self.status == "done" else self.status


@dataclass(frozen=True)
class Marking:
    """Options of the tests of differences: the correction for many tests, and the `margin` of ≈ in years, if any."""

    correction: Correction = "holm"
    margin: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Rows and the names of their cells: `mae`, the attributes whose biases they are, `further` figures among these,
    then the `groups`.

    `split` is None if no run was scored. `baseline` is the name of the baseline's row. `n` counts the images that the
    comparable rows share. `folded` means that runs which differ only in their seed are one row. `ranked_over` names the
    columns behind ranks and Pareto marks; it is empty if fewer than two runs can be ranked. `tests` counts the tests of
    MAE and biases against the baseline, `further_tests` those of all other figures: two families, each corrected
    separately. `is_foldable` means that some rows differ only in their seed. `data` is the name of the data that the
    comparable rows were scored on. `winner` holds the ids of the runs behind the row that a goal chose, and `answer`
    names this row and the front, see `ageui.compare.best`.
    """

    split: str | None
    n: int | None
    columns: tuple[str, ...]
    settings: tuple[str, ...]
    rows: tuple[ComparedRow, ...]
    baseline: str | None
    notes: tuple[str, ...]
    groups: Mapping[str, Group] = field(default_factory=dict)
    folded: bool = False
    ranked_over: tuple[str, ...] = ()
    marking: Marking = Marking()
    tests: int = 0
    further_tests: int = 0
    further: tuple[str, ...] = ()
    is_foldable: bool = False
    data: str = ""
    winner: tuple[int, ...] = ()
    answer: tuple[str, ...] = ()

    @cached_property
    def has_unselected(self) -> bool:
        """Whether some run's weights were not chosen on these images."""
        return any(row.kind == "run" and not row.is_selected for row in self.rows)
