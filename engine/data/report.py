"""DataReport: the facts of a data set. Needs neither pandas nor pixels, so that any part of the program can show it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypedDict

from engine.choices import SPLITS
from engine.counted import counted
from engine.short_text import short, short_list

_VARYING: Final = re.compile(r"'(?:[^'\\]|\\.)*'|-?\d+(?:\.\d+)?")
_SHOWN: Final = 3
_SHOWN_FACELESS: Final = 10
_LONGEST_PLACE: Final = 200
_LONGEST_PROBLEM: Final = 500


@dataclass(frozen=True)
class RowProblem:
    """An unusable row or image: its place and problem, its split if known, and the cure, if any."""

    where: str
    what: str
    split: str | None = None
    cure: str = ""

    def __str__(self) -> str:
        return f"{short(self.where, _LONGEST_PLACE)}: {short(self.what, _LONGEST_PROBLEM)}"


def listed(problems: Sequence[RowProblem], most: int = 10) -> list[str]:
    """A line per kind of problem, with its count, some of its places, and the cure; the most common kind first.

    Problems are of one kind if they differ only in quoted texts and numbers. Kinds after the first `most` are counted.
    """
    kinds: dict[str, list[RowProblem]] = {}
    for problem in problems:
        kinds.setdefault(_VARYING.sub("…", problem.what), []).append(problem)
    ordered = sorted(kinds.values(), key=len, reverse=True)
    lines = [line for alike in ordered[:most] for line in _kind_lines(alike)]
    if len(ordered) > most:
        lines.append(f"… and {sum(map(len, ordered[most:])):,} more of other kinds")
    return lines


def _kind_lines(alike: Sequence[RowProblem]) -> list[str]:
    first, cures = alike[0], dict.fromkeys(problem.cure for problem in alike if problem.cure)
    if len(alike) == 1:
        line = f"{short(first.where)}: {first.what}"
    else:
        varying = list(dict.fromkeys(part for problem in alike for part in _VARYING.findall(problem.what)[:1]))
        others = f" (also {short_list(varying[1:], _SHOWN, _LONGEST_PLACE)})" if len(varying) > 1 else ""
        places = short_list((problem.where for problem in alike), _SHOWN)
        line = f"{len(alike):,} × {first.what}{others}: {places}"
    return [line, *(f"  {cure}" for cure in list(cures)[:_SHOWN])]


def unusable(problems: Sequence[RowProblem]) -> str:
    """`1 row or image that cannot be used`."""
    return f"{len(problems):,} {'row or image' if len(problems) == 1 else 'rows or images'} that cannot be used"


@dataclass(frozen=True)
class LabelRemark:
    """A problem with the labels and its cure, in one line.

    `kind` is a short name for programs. `attribute` is the attribute concerned; None for splits and ages.
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
    """A group's labelled images per split, and the weight of each image in training (None without train images).

    `weight` is by inverse frequency, `effective_weight` by the effective number of samples.
    """

    attribute: str
    group: str
    counts: dict[str, int]
    weight: float | None
    effective_weight: float | None


@dataclass(frozen=True)
class IdenticalImages:
    """Byte-identical images, with the split and age of each (years, None without a label).

    `differing` names the labels that disagree: `age` or an attribute.
    """

    images: tuple[str, ...]
    splits: tuple[str, ...]
    ages: tuple[float | None, ...]
    differing: tuple[str, ...]


@dataclass(frozen=True)
class SharedSubject:
    """A subject with images in several splits, and the number in each."""

    subject: str
    splits: dict[str, int]


@dataclass(frozen=True)
class RepeatedNames:
    """The number of file names that several folders share with equal ages, and these folders."""

    names: int
    folders: tuple[str, ...]


@dataclass(frozen=True)
class DuplicatePair:
    """Two images of nearly the same picture that are not byte-identical."""

    first: str
    first_split: str
    second: str
    second_split: str
    difference: float

    @property
    def where(self) -> str:
        """`within train`, `between train and valid`; the order of the two images does not matter."""
        splits = sorted({self.first_split, self.second_split}, key=SPLITS.index)
        return f"within {splits[0]}" if len(splits) == 1 else f"between {' and '.join(splits)}"


@dataclass(frozen=True)
class CourseCount:
    """A group's published and found number of images."""

    split: str
    attribute: str
    group: str
    expected: int
    found: int
    matches: bool


class DataCounts(TypedDict):
    """The counts of a data set for one target.

    `splits` has each split's numbers of `images` and `labelled` images. `groups` has the numbers of labelled images by
    attribute, group and split.
    """

    target: str
    splits: dict[str, dict[str, int]]
    groups: dict[str, dict[str, dict[str, int]]]


@dataclass(frozen=True)
class DataReport:
    """The result of a check; `dataclasses.asdict` makes it JSON-able.

    If `images_read` is False, only rows were read: unreadable images, identical images and near-duplicates are unknown.
    `notes` are the guesses made while reading, one per line. `faceless` are the images without a found face; None if
    faces were not looked for.
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
    identical: tuple[IdenticalImages, ...] = ()
    subjects: tuple[SharedSubject, ...] = ()
    repeated_names: RepeatedNames | None = None
    notes: tuple[str, ...] = ()
    remarks: tuple[LabelRemark, ...] = ()
    faceless: tuple[str, ...] | None = None

    @property
    def why_useless(self) -> str | None:
        """The reason why nothing can be learned from the data; None if it is usable."""
        if not self.splits:
            return "none of its rows or images can be used" if self.problems else "it has no rows or images"
        if any(split.labelled for split in self.splits if split.split == "train"):
            return None
        lost = [problem.split for problem in self.problems if problem.split in ("train", None)]
        is_lost = "train" in lost or len(lost) > sum(split.images for split in self.splits)
        return "none of its train images can be used" if is_lost else None

    @property
    def faceless_sentence(self) -> str:
        """The number of images without a found face, with some of their names."""
        total = sum(split.images for split in self.splits)
        if not self.faceless:
            return f"a face was found in each of {counted(total, 'image')}"
        return (
            f"no face was found in {len(self.faceless):,} of {counted(total, 'image')}; --crop aligned crops these to "
            f"a face's usual place, --crop as-is to the central square: {short_list(self.faceless, _SHOWN_FACELESS)}"
        )

    @property
    def headline(self) -> str:
        """`faces: course, train 1600, valid 400`."""
        counts = ", ".join(f"{split.split} {split.images}" for split in self.splits)
        return f"{self.name}: {self.format}, {counts}"

    @property
    def counts(self) -> DataCounts:
        """The counts that a list of data sets shows."""
        groups: dict[str, dict[str, dict[str, int]]] = {}
        for group in self.groups:
            groups.setdefault(group.attribute, {})[group.group] = group.counts
        splits = {one.split: {"images": one.images, "labelled": one.labelled} for one in self.splits}
        return DataCounts(target=self.target, splits=splits, groups=groups)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "DataReport":
        """The report that `dataclasses.asdict` wrote. Raises `TypeError` or `KeyError` for other input."""
        rows = {name: tuple(_record(kind, row) for row in found[name]) for name, kind in _ROWS.items()}
        faceless = None if found.get("faceless") is None else tuple(found["faceless"])
        repeated = found["repeated_names"] and _record(RepeatedNames, found["repeated_names"])
        return cls(
            **{**found, **rows, "repeated_names": repeated, "notes": tuple(found["notes"]), "faceless": faceless}
        )


def _record(kind: type, row: Mapping[str, Any]) -> Any:
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in row.items()})


_ROWS: dict[str, type] = {
    "splits": SplitCounts,
    "groups": GroupCounts,
    "problems": RowProblem,
    "duplicates": DuplicatePair,
    "course_counts": CourseCount,
    "remarks": LabelRemark,
    "identical": IdenticalImages,
    "subjects": SharedSubject,
}
