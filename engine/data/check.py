"""What is in a data set: counts, sample weights, items that cannot be used, and pictures that occur twice."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from engine.choices import AGE_EDGES, SPLITS, Target
from engine.data.course_counts import COURSE_COUNTS
from engine.data.manifest import Manifest, Progress, RowProblem
from engine.data.near_duplicates import THUMBNAIL, near_duplicates
from engine.data.pixels import in_threads
from engine.data.sources import load_manifest
from engine.data.spec import DataSpec
from engine.errors import DataError
from engine.groups import group_codes
from engine.weighting import weight_table


@dataclass(frozen=True)
class SplitCounts:
    """A split's images and labels; ages in years, None where nothing is labelled."""

    split: str
    images: int
    labelled: int
    age_min: float | None
    age_max: float | None
    age_mean: float | None


@dataclass(frozen=True)
class GroupCounts:
    """A group's labelled images per split, and its inverse-frequency weight in train (None without train images)."""

    attribute: str
    group: str
    counts: dict[str, int]
    weight: float | None


@dataclass(frozen=True)
class DuplicatePair:
    """Two images that show the same picture; `difference` is 0 for equal ones."""

    first: str
    first_split: str
    second: str
    second_split: str
    difference: float


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
    """What `check` found; `dataclasses.asdict` makes it JSON-able."""

    name: str
    format: str
    path: str | None
    target: str
    splits: tuple[SplitCounts, ...]
    groups: tuple[GroupCounts, ...]
    problems: tuple[RowProblem, ...]
    duplicates: tuple[DuplicatePair, ...]
    course_counts: tuple[CourseCount, ...]


def check(
    spec: DataSpec,
    target: Target = "apparent",
    *,
    age_edges: Sequence[float] = AGE_EDGES,
    progress: Progress | None = None,
) -> DataReport:
    """Reads all rows and decodes all images of a data set once. Raises `DataError` where it is not there at all."""
    return check_manifest(load_manifest(spec, target), spec, target, age_edges=age_edges, progress=progress)


def check_manifest(
    manifest: Manifest,
    spec: DataSpec,
    target: Target,
    *,
    age_edges: Sequence[float] = AGE_EDGES,
    progress: Progress | None = None,
) -> DataReport:
    """As `check`, of rows that are read already. Unreadable images are problems and are left out of all counts."""
    thumbnails, unreadable = _decode_all(manifest, progress)
    bad = {problem.where for problem in unreadable}
    frame = manifest.frame[~manifest.frame["image"].isin(bad)].reset_index(drop=True)
    groups = _groups(frame, manifest.attributes, age_edges)
    return DataReport(
        spec.name,
        spec.format,
        spec.path,
        target,
        tuple(_split_counts(frame, split) for split in SPLITS if (frame["split"] == split).any()),
        groups,
        (*manifest.problems, *unreadable),
        _duplicates(frame, thumbnails),
        _course_counts(frame, groups) if spec.format == "course" else (),
    )


def _decode_all(manifest: Manifest, progress: Progress | None) -> tuple[NDArray[np.uint8], tuple[RowProblem, ...]]:
    """Grey thumbnails (N, 32, 32) of the readable images, and the others as problems."""

    def thumbnail(image: str) -> NDArray[np.uint8] | str:
        try:
            grey = Image.fromarray(manifest.read(image)).convert("L")
            return np.asarray(grey.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX))
        except DataError as error:
            return str(error)

    images = [str(image) for image in manifest.frame["image"]]
    thumbnails: list[NDArray[np.uint8]] = []
    problems: list[RowProblem] = []
    for done, (image, found) in enumerate(zip(images, in_threads(thumbnail, images), strict=True), start=1):
        if isinstance(found, str):
            problems.append(RowProblem(image, found))
        else:
            thumbnails.append(found)
        if progress is not None and (done % 32 == 0 or done == len(images)):
            progress("reading images", done, len(images))
    stacked = np.stack(thumbnails) if thumbnails else np.zeros((0, THUMBNAIL, THUMBNAIL), dtype=np.uint8)
    return stacked, tuple(problems)


def _split_counts(frame: pd.DataFrame, split: str) -> SplitCounts:
    ages = frame.loc[frame["split"] == split, "age"]
    known = ages.dropna()
    if known.empty:
        return SplitCounts(split, len(ages), 0, None, None, None)
    return SplitCounts(split, len(ages), len(known), float(known.min()), float(known.max()), float(known.mean()))


def _groups(frame: pd.DataFrame, attributes: Sequence[str], age_edges: Sequence[float]) -> tuple[GroupCounts, ...]:
    labelled = frame[frame["age"].notna()]
    splits = [split for split in SPLITS if (labelled["split"] == split).any()]
    found = []
    for attribute in ("age", *attributes):
        codes, names = group_codes(labelled, attribute, age_edges)
        train = labelled[labelled["split"] == "train"]
        weights = weight_table(train, attribute, scheme="inverse", beta=0.999, age_edges=age_edges)
        for place, name in enumerate(names):
            counts = {split: int(((codes == place) & (labelled["split"] == split)).sum()) for split in splits}
            weight = weights.get(name) if counts.get("train") else None
            found.append(GroupCounts(attribute, name, counts, weight))
    return tuple(found)


def _duplicates(frame: pd.DataFrame, thumbnails: NDArray[np.uint8]) -> tuple[DuplicatePair, ...]:
    images, splits = frame["image"].tolist(), frame["split"].tolist()
    return tuple(
        DuplicatePair(images[first], splits[first], images[second], splits[second], difference)
        for first, second, difference in near_duplicates(thumbnails)
    )


def _course_counts(frame: pd.DataFrame, groups: Sequence[GroupCounts]) -> tuple[CourseCount, ...]:
    found = {(group.attribute, group.group): group.counts for group in groups}
    rows = []
    for split, attributes in COURSE_COUNTS.items():
        if not (frame["split"] == split).any():
            continue
        for attribute, expected in attributes.items():
            for group, count in expected.items():
                there = found.get((attribute, group), {}).get(split, 0)
                rows.append(CourseCount(split, attribute, group, count, there, there == count))
    return tuple(rows)
