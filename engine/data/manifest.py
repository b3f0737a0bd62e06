"""Manifest: the common form of all data sources, one row per image, before any pixel is decoded."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.report import DataReport, LabelRemark, RowProblem, listed, unusable
from engine.data.spec import DataSpec
from engine.errors import DataError

Progress = Callable[[str, int, int], None]
"""Called with the current task and the numbers of finished and of all items."""


class ImageSource(Protocol):
    """Reads the images of a manifest by their names; see the fields of `Manifest`."""

    def read(self, image: str) -> NDArray[np.uint8]: ...

    def fingerprint(self, image: str) -> str: ...

    def content(self, image: str) -> bytes: ...

    def place(self, image: str) -> str: ...


@dataclass(frozen=True)
class Manifest:
    """The rows of a data set, in a stable order, with access to their pixels.

    frame
        Columns `image` (a name unique in the data set), `split` (train, valid or test), `age` (years, float64, NaN if
        unlabelled), then, if the source has them, `age_low` and `age_high` (years, the ends of an age given as a range;
        `age` is their middle), `real_age`, `age_std` (years) and `subject`, and one string column per attribute in
        `attributes` (NA if unknown).
    read
        Maps an image to RGB uint8 (H, W, 3). Raises `DataError` for an image that cannot be read.
    fingerprint
        A cheap text that changes whenever the image does (for a file: path, size and modification time).
    content
        The bytes that decide whether two images are equal. Raises `DataError` like `read`.
    problems
        The rows left out.
    notes
        Guesses made while reading, one per line, such as the separator of a table's cells.
    place
        Maps an image to the path of its file, or to its name if it has no file. Raises `DataError` like `read`.
    remarks
        Remarks that only the source can make, such as on unreadable cells.
    """

    name: str
    frame: pd.DataFrame
    attributes: tuple[str, ...]
    read: Callable[[str], NDArray[np.uint8]]
    fingerprint: Callable[[str], str]
    content: Callable[[str], bytes]
    problems: tuple[RowProblem, ...] = ()
    notes: tuple[str, ...] = ()
    place: Callable[[str], str] = str
    remarks: tuple[LabelRemark, ...] = ()

    @classmethod
    def of(
        cls,
        name: str,
        frame: pd.DataFrame,
        attributes: Sequence[str],
        images: ImageSource,
        *,
        problems: Iterable[RowProblem] = (),
        notes: Iterable[str] = (),
        remarks: Iterable[LabelRemark] = (),
    ) -> "Manifest":
        """The manifest of rows whose images come from one source."""
        return cls(
            name=name,
            frame=frame,
            attributes=tuple(attributes),
            read=images.read,
            fingerprint=images.fingerprint,
            content=images.content,
            problems=tuple(problems),
            notes=tuple(notes),
            place=images.place,
            remarks=tuple(remarks),
        )


def refuse(name: str, problems: Sequence[RowProblem], *, is_registered: bool = False) -> None:
    """Raises a `DataError` that lists the kinds of problems, if any."""
    if problems:
        raise DataError(
            "\n".join([f"data set {name!r} has {unusable(problems)}:", *(f"  {line}" for line in listed(problems))])
            + "\nfix them, or skip them: "
            + ("add the data set again with --skip-bad --replace" if is_registered else "add --skip-bad")
            + "; see ageui explain data"
        )


def refuse_useless(report: DataReport, spec: DataSpec) -> None:
    """Raises a `DataError` for data that cannot be registered, whatever rows are skipped.

    Such data has no usable image, or none in train, or its ages are all between 0 and 1 and the spec gives no scale.
    """
    if (reason := report.why_useless) is not None:
        lines = [f"  {line}" for line in listed(report.problems)]
        raise DataError("\n".join([f"data set {report.name!r}: {reason}{':' if lines else ''}", *lines]))
    oldest = [split.age_max for split in report.splits if split.age_max is not None]
    if spec.age_scale is None and oldest and max(oldest) <= 1:
        raise DataError(
            f"data set {report.name!r}: all ages are between 0 and 1; give --age-scale 100 if 1 means 100 years, "
            "or --age-scale 1 if they are years"
        )
