"""Finds leaks between splits: byte-identical images, shared subjects, repeated file names."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath

import pandas as pd

from engine.choices import SPLITS
from engine.data.report import IdenticalImages, RepeatedNames, SharedSubject


def identical_images(frame: pd.DataFrame, content: Sequence[str]) -> tuple[IdenticalImages, ...]:
    """The sets of byte-identical images, in the order of the rows.

    Parameters
    ----------
    frame
        The rows of a manifest.
    content
        The SHA-256 of each row's image; rows without one equal no other.
    """
    found = []
    for rows in _rows_by(content):
        part = frame.iloc[rows]
        labels = part.drop(columns=["image", "split", "subject"], errors="ignore")
        differing = tuple(str(name) for name in labels if labels[name].nunique(dropna=False) > 1)
        ages = tuple(None if pd.isna(age) else float(age) for age in part["age"])
        found.append(IdenticalImages(tuple(map(str, part["image"])), tuple(part["split"]), ages, differing))
    return tuple(found)


def shared_subjects(frame: pd.DataFrame) -> tuple[SharedSubject, ...]:
    """The subjects with images in several splits."""
    if "subject" not in frame:
        return ()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for subject, split in zip(frame["subject"], frame["split"], strict=True):
        if isinstance(subject, str):
            counts[subject][split] += 1
    return tuple(
        SharedSubject(subject, {split: found[split] for split in SPLITS if split in found})
        for subject, found in counts.items()
        if len(found) > 1
    )


def repeated_names(frame: pd.DataFrame) -> RepeatedNames | None:
    """File names repeated in several folders, as in several editions of one data set; None without such names.

    Folders with numbered images, such as one folder per person, repeat names too, but with other ages. Such names count
    as repeated only if most of their ages agree.
    """
    paths = [PurePosixPath(str(image).replace("\\", "/")) for image in frame["image"]]
    shared = _rows_by([path.name.partition(".")[0] for path in paths])
    shared = [rows for rows in shared if len({paths[row].parent for row in rows}) > 1]
    ages = frame["age"].to_numpy()
    alike = [rows for rows in shared if len({age for age in ages[rows] if age == age}) == 1]
    if 2 * len(alike) <= len(shared) or len(alike) < 2:
        return None
    folders = sorted({str(paths[row].parent) for rows in alike for row in rows})
    return RepeatedNames(len(alike), tuple(folders))


def _rows_by(values: Sequence[str]) -> list[list[int]]:
    """The rows of each value that several rows have."""
    found: dict[str, list[int]] = defaultdict(list)
    for row, value in enumerate(values):
        if value:
            found[value].append(row)
    return [rows for rows in found.values() if len(rows) > 1]
