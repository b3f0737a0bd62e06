"""Refuses folds that no run could train or score on, before runs are queued."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.choices import Target
from engine.counted import counted
from engine.data.content_hashes import content_hashes
from engine.data.manifest import Progress, refuse
from engine.data.sources import load_rows
from engine.data.spec import DataSpec
from engine.data.splitting import fold_of_rows
from engine.errors import DataError, Problem
from engine.resampling import Codes


def refuse_folds(
    spec: DataSpec, folds: int, target: Target, *, cache: Path | None = None, progress: Progress | None = None
) -> None:
    """Raises `DataError` if the images cannot be dealt to that many folds, or the folds cannot be used.

    Reads images whose hash is not in the `cache`, to keep identical images together.
    """
    rows = load_rows(spec, target)
    if not spec.skip_bad:
        refuse(spec.name, rows.problems, is_registered=True)
    content = content_hashes(rows, cache, progress)
    codes = fold_of_rows(rows.frame, spec, folds, content)
    is_scored = rows.frame["age"].notna().to_numpy() & np.array([one != "" for one in content])
    if (reason := why_no_folds(codes, is_scored, folds)) is not None:
        raise DataError(problems=[Problem("data", f"data set {spec.name!r}: {reason}")])


def why_no_folds(codes: Codes, is_scored: NDArray[np.bool_], folds: int) -> str | None:
    """Why runs cannot be trained and tested on folds; None if they can.

    `codes` (N,) are the folds of images from 0. `is_scored` (N,) marks readable images with an age.
    """
    counts = np.bincount(codes[is_scored], minlength=folds)
    units = len(np.unique(codes))
    if units < folds:
        return (
            f"its {counted(len(codes), 'image')} make at most {counted(units, 'fold')}, because images of one "
            f"subject and identical images stay together; give fewer --folds than {folds}"
        )
    if not counts.all():
        empty = ", ".join(str(fold + 1) for fold in np.flatnonzero(counts == 0))
        return f"no image of fold {empty} of {folds} has an age; give fewer --folds"
    if counts.sum() - np.max(counts + np.roll(counts, -1)) < 2:
        return f"{folds} folds leave fewer than two train images for a run; give more --folds, or choose other --data"
    return None
