"""Checks a data set: counts, sample weights, unusable items, and pictures that occur twice."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from engine.cache import private_part
from engine.choices import SPLITS, Target
from engine.data.course_counts import COURSE_COUNTS
from engine.data.kept_reports import image_folders, keep_report, stamp_of
from engine.data.manifest import Manifest, Progress
from engine.data.near_duplicates import THUMBNAIL, near_duplicates
from engine.data.pixels import in_threads
from engine.data.remarks import label_remarks
from engine.data.report import CourseCount, DataReport, DuplicatePair, GroupCounts, RowProblem, SplitCounts
from engine.data.sources import load_manifest
from engine.data.spec import DataSpec
from engine.errors import DataError
from engine.groups import group_codes
from engine.weighting import weight_table


def check(
    spec: DataSpec,
    target: Target = "apparent",
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
    judge: Callable[[DataReport], None] = lambda report: None,
) -> DataReport:
    """Reads all rows and decodes all images of a data set once.

    Parameters
    ----------
    spec
        The data set.
    target
        The age to learn, if the data has both.
    cache
        Folder that keeps the report; None keeps nothing.
    progress
        Called with the work in progress, the number of finished images and of all images.
    judge
        Called with the report on the rows before an image is read; stops the check if it raises.

    Raises
    ------
    DataError
        If the data set is missing, or others may write to the cache.
    """
    if cache is not None:
        with suppress(OSError):
            private_part(cache, "reports")
    manifest = load_manifest(spec, target)
    judge(_report(manifest, manifest.frame, spec, target))
    folders = image_folders(manifest.frame["image"])
    stamp = stamp_of(spec, folders)
    report = check_manifest(manifest, spec, target, progress=progress)
    if cache is not None:
        keep_report(report, spec, stamp, folders, cache)
    return report


def count(spec: DataSpec, target: Target = "apparent") -> DataReport:
    """Counts rows without reading images: a second or two for thousands of images. Raises `DataError` as `check`."""
    manifest = load_manifest(spec, target)
    return _report(manifest, manifest.frame, spec, target)


def check_manifest(
    manifest: Manifest, spec: DataSpec, target: Target, *, progress: Progress | None = None
) -> DataReport:
    """As `check`, for rows already read, and without keeping the report.

    Parameters
    ----------
    manifest
        The rows of the data set.
    spec, target, progress
        As in `check`.

    Returns
    -------
    DataReport
        Unreadable images are problems, and left out of all counts.
    """
    thumbnails, unreadable = _decode_all(manifest, progress)
    bad = {problem.where for problem in unreadable}
    frame = manifest.frame[~manifest.frame["image"].isin(bad)].reset_index(drop=True)
    report = _report(manifest, frame, spec, target)
    return replace(
        report,
        images_read=True,
        problems=(*manifest.problems, *unreadable),
        duplicates=_duplicates(frame, thumbnails),
    )


def _report(manifest: Manifest, frame: pd.DataFrame, spec: DataSpec, target: Target) -> DataReport:
    groups = _groups(frame, manifest.attributes)
    return DataReport(
        spec.name,
        spec.format,
        spec.path,
        target,
        images_read=False,
        splits=tuple(_split_counts(frame, split) for split in SPLITS if (frame["split"] == split).any()),
        groups=groups,
        problems=manifest.problems,
        duplicates=(),
        course_counts=_course_counts(frame, groups) if spec.format == "course" else (),
        notes=manifest.notes,
        remarks=(*manifest.remarks, *label_remarks(frame, manifest.attributes)),
    )


def _decode_all(manifest: Manifest, progress: Progress | None) -> tuple[NDArray[np.uint8], tuple[RowProblem, ...]]:
    """Grey thumbnails (N, 32, 32) of the readable images, and problems for the others."""

    def thumbnail(image: str) -> NDArray[np.uint8] | str:
        try:
            grey = Image.fromarray(manifest.read(image)).convert("L")
            return np.asarray(grey.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX))
        except DataError as error:
            return str(error)

    images, splits = [str(image) for image in manifest.frame["image"]], manifest.frame["split"]
    thumbnails: list[NDArray[np.uint8]] = []
    problems: list[RowProblem] = []
    decoded = zip(images, splits, in_threads(thumbnail, images), strict=True)
    for done, (image, split, found) in enumerate(decoded, start=1):
        if isinstance(found, str):
            problems.append(RowProblem(image, found, split))
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


def _groups(frame: pd.DataFrame, attributes: Sequence[str]) -> tuple[GroupCounts, ...]:
    labelled = frame[frame["age"].notna()]
    splits = [split for split in SPLITS if (labelled["split"] == split).any()]
    train = labelled[labelled["split"] == "train"]
    found = []
    for attribute in ("age", *attributes):
        codes, names = group_codes(labelled, attribute)
        by_split = {
            split: np.bincount(codes[(labelled["split"] == split) & (codes >= 0)], minlength=len(names))
            for split in splits
        }
        inverse = weight_table(train, attribute, scheme="inverse")
        effective = weight_table(train, attribute, scheme="effective")
        for place, name in enumerate(names):
            counts = {split: int(count[place]) for split, count in by_split.items()}
            weights = (inverse[name], effective[name]) if counts.get("train") else (None, None)
            found.append(GroupCounts(attribute, name, counts, *weights))
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
