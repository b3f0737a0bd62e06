"""DataReport: the facts of a data set. It needs neither pandas nor pixels, so that anything can show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RowProblem:
    """A row or image that cannot be used: its place and its problem."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def unusable(problems: Sequence[RowProblem]) -> str:
    """`1 row or image that cannot be used`."""
    return f"{len(problems):,} {'row or image' if len(problems) == 1 else 'rows or images'} that cannot be used"


@dataclass(frozen=True)
class LabelRemark:
    """Something about the labels that works against their user, and what to do about it, in one line.

    `kind` is a short name for programs; `attribute` is the one concerned, None if it is about splits or ages.
    """

    kind: str
    attribute: str | None
    text: str


@dataclass(frozen=True)
class SplitCounts:
    """A split's images and labels; ages in years, None without labels."""

    split: str
    images: int
    labelled: int
    age_min: float | None
    age_max: float | None
    age_mean: float | None


@dataclass(frozen=True)
class GroupCounts:
    """A group's labelled images per split, and the weight of each of them in training (None without train images).

    `weight` is by inverse frequency, `effective_weight` by the effective number of samples.
    """

    attribute: str
    group: str
    counts: dict[str, int]
    weight: float | None
    effective_weight: float | None


@dataclass(frozen=True)
class DuplicatePair:
    """Two images that show the same picture; `difference` is 0 for equal ones."""

    first: str
    first_split: str
    second: str
    second_split: str
    difference: float

    @property
    def where(self) -> str:
        """`within train`, `between train and valid`."""
        if self.first_split == self.second_split:
            return f"within {self.first_split}"
        return f"between {self.first_split} and {self.second_split}"


@dataclass(frozen=True)
class CourseCount:
    """A group's published and found number of images."""

    split: str
    attribute: str
    group: str
    expected: int
    found: int
    matches: bool


@dataclass(frozen=True)
class DataReport:
    """The result of a check; `dataclasses.asdict` makes it JSON-able.

    If `images_read` is False, only rows were read: unreadable images and near-duplicates are unknown.
    """

    name: str
    format: str
    path: str | None
    target: str
    images_read: bool
    splits: tuple[SplitCounts, ...]
    groups: tuple[GroupCounts, ...]
    problems: tuple[RowProblem, ...]
    duplicates: tuple[DuplicatePair, ...]
    course_counts: tuple[CourseCount, ...]
    remarks: tuple[LabelRemark, ...] = ()

    @property
    def headline(self) -> str:
        """`faces: course, train 1600, valid 400`."""
        counts = ", ".join(f"{split.split} {split.images}" for split in self.splits)
        return f"{self.name}: {self.format}, {counts}"

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "DataReport":
        """Reads back a report out of `dataclasses.asdict`. Raises `TypeError` or `KeyError` for other input."""
        return cls(**{**found, **{name: tuple(kind(**row) for row in found[name]) for name, kind in _ROWS.items()}})


_ROWS: dict[str, type] = {
    "splits": SplitCounts,
    "groups": GroupCounts,
    "problems": RowProblem,
    "duplicates": DuplicatePair,
    "course_counts": CourseCount,
    "remarks": LabelRemark,
}
