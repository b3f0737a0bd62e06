"""Manifest: the common form of all sources of data, one row per image, before any pixel is decoded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.report import LabelRemark, RowProblem, unusable
from engine.errors import DataError

_SHOWN = 10
Progress = Callable[[str, int, int], None]
"""Called with the work in progress, the number of finished items and of all items."""


@dataclass(frozen=True)
class Manifest:
    """The rows of a data set, in a stable order, with access to their pixels.

    frame
        Columns `image` (a name unique in the data set), `split` (train, valid or test), `age` (years, float64, NaN if
        unlabelled), then, if the source has them, `real_age`, `age_std` (years) and `subject`, and one string column
        per name in `attributes` (NA if unknown).
    read
        Maps an image to RGB uint8 (H, W, 3). Raises `DataError` for an image that cannot be read.
    fingerprint
        A cheap text that changes whenever the image does (for a file: path, size and modification time).
    content
        The bytes that decide whether two images are equal. Raises `DataError` as `read`.
    problems
        The rows that were left out.
    remarks
        Remarks that only the source can make, such as on cells that were passed over.
    """

    name: str
    frame: pd.DataFrame
    attributes: tuple[str, ...]
    read: Callable[[str], NDArray[np.uint8]]
    fingerprint: Callable[[str], str]
    content: Callable[[str], bytes]
    problems: tuple[RowProblem, ...] = ()
    remarks: tuple[LabelRemark, ...] = ()


def refuse(name: str, problems: Sequence[RowProblem]) -> None:
    """Raises a `DataError` that lists the first problems and counts the others. Without problems, does nothing."""
    if not problems:
        return
    lines = [f"  {problem}" for problem in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        lines.append(f"  … and {len(problems) - _SHOWN} more")
    raise DataError(
        f"data set {name!r} has {unusable(problems)}:\n"
        + "\n".join(lines)
        + "\nmend them, or leave them out with: ageui data add NAME PATH --skip-bad"
    )
