"""Dataset: labels and pixels for training and scoring."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.choices import SPLITS, Crop, Target
from engine.data.checked_pixels import CheckedPixels
from engine.data.folds import hash_in_fold, own_splits
from engine.data.manifest import Progress, refuse
from engine.data.pixels import open_pixels
from engine.data.report import RowProblem
from engine.data.sources import load_rows, with_splits
from engine.data.spec import DataSpec, face_crop
from engine.errors import DataError


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set with decoded images.

    `frame` is the manifest's, with `pixel`, the row's place in `pixels` (M, size, size, 3) RGB uint8. `pixels_key`
    identifies the pixels. `content` holds the SHA-256 of each row's image. Data sets of equal `content_hash` have equal
    images, splits, ages and attributes; the hash of a fold derives from that of the data with its own splits.
    `problems` are the rows and images left out. `faceless` counts the images without a found face; None if faces were
    not looked for.
    """

    name: str
    frame: pd.DataFrame
    attributes: tuple[str, ...]
    pixels: CheckedPixels
    pixels_key: str
    content: tuple[str, ...]
    content_hash: str
    problems: tuple[RowProblem, ...]
    faceless: int | None = None

    def rows(self, split: str, labelled: bool = True) -> NDArray[np.int64]:
        """Positions in `frame` of a split's images: images with an age, or all if `labelled` is False."""
        chosen = (self.frame["split"] == split).to_numpy()
        if labelled:
            chosen = chosen & self.frame["age"].notna().to_numpy()
        return np.flatnonzero(chosen)

    def splits(self) -> dict[str, dict[str, int]]:
        """The splits in the order train, valid, test, each with its numbers of `images` and `labelled` images."""
        counts = {
            split: {"images": len(self.rows(split, labelled=False)), "labelled": len(self.rows(split))}
            for split in SPLITS
        }
        return {split: count for split, count in counts.items() if count["images"]}


def prepare(
    spec: DataSpec,
    target: Target,
    size: int,
    *,
    cache: Path,
    progress: Progress | None = None,
    warn: Callable[[str], None] = lambda message: None,
    trains: bool = True,
    crop: Crop = "as-is",
) -> Dataset:
    """Reads a data set and decodes its images, or takes them from the cache.

    Parameters
    ----------
    spec
        The data set.
    target
        The age to learn, if the data has both.
    size
        Side of the decoded images in pixels.
    cache
        Folder of decoded images.
    progress
        Called with the current task and the numbers of finished and of all images.
    warn
        Called with a sentence about each damaged file in the cache.
    trains
        Whether labelled train images are required.
    crop
        How images are cropped. With `as-is`, faces are found and cut out if the spec says that images are photos.

    Raises
    ------
    DataError
        If rows or images are unusable, unless the spec says to skip them; if it `trains`, but no train image has a
        label.
    ConfigError
        If the data set lacks the target, or if faces are needed, but the extra `faces` is not installed.
    """
    rows = load_rows(spec, target)
    if not spec.skip_bad:
        refuse(spec.name, rows.problems, is_registered=True)
    pixels = open_pixels(rows, size, cache, progress, warn, face_crop(crop, spec))
    manifest = with_splits(rows, spec, pixels.content)
    problems = (*manifest.problems, *pixels.unreadable)
    if not spec.skip_bad:
        refuse(spec.name, problems, is_registered=True)
    frame = manifest.frame.assign(pixel=np.arange(len(manifest.frame)))
    frame = frame[~frame["image"].isin({problem.where for problem in pixels.unreadable})].reset_index(drop=True)
    content = tuple(pixels.content[place] for place in frame["pixel"])
    content_hash = content_hash_of(frame, content, target)
    if spec.fold is not None:
        own = with_splits(rows, own_splits(spec), pixels.content).frame["split"].iloc[frame["pixel"]]
        content_hash = hash_in_fold(content_hash_of(frame.assign(split=own.tolist()), content, target), spec.fold)
    dataset = Dataset(
        spec.name,
        frame,
        manifest.attributes,
        pixels.array,
        pixels.key,
        content,
        content_hash,
        problems,
        None if face_crop(crop, spec) is None else len(pixels.faceless),
    )
    if trains and len(dataset.rows("train")) == 0:
        raise DataError(f"data set {spec.name!r} has no train image with an age; add labels, or choose other --data")
    return dataset


def content_hash_of(frame: pd.DataFrame, content: Sequence[str], target: Target) -> str:
    """The `Dataset.content_hash` of rows and the SHA-256 of each image; image names do not count."""
    digest = hashlib.sha256(target.encode())
    columns = [name for name in frame.columns if name not in ("image", "pixel")]
    digest.update("\n".join(columns).encode())
    digest.update("\n".join(content).encode())
    for name in columns:
        digest.update("\n".join(repr(value) for value in frame[name].tolist()).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:32]
