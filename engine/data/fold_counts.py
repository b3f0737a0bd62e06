"""Refuses folds that a run could not be trained or scored on, before any is queued."""

from pathlib import Path

import numpy as np

from engine.choices import Target
from engine.counted import counted
from engine.data.content_hashes import content_hashes
from engine.data.manifest import Progress
from engine.data.sources import load_rows
from engine.data.spec import DataSpec
from engine.data.splitting import fold_of_rows
from engine.errors import DataError, Problem


def refuse_folds(
    spec: DataSpec, folds: int, target: Target, *, cache: Path | None = None, progress: Progress | None = None
) -> None:
    """Raises `DataError` if a fold has no labelled image, or the others of a run too few to train on.

    Reads images whose hash is not in the `cache`, to keep equal ones together.
    """
    rows = load_rows(spec, target)
    content = content_hashes(rows, cache, progress)
    codes = fold_of_rows(rows.frame, spec, folds, content)
    is_scored = rows.frame["age"].notna().to_numpy() & np.array([one != "" for one in content])
    counts = np.bincount(codes[is_scored], minlength=folds)
    units = len(np.unique(codes))
    problem = None
    if units < folds:
        problem = (
            f"its {counted(len(codes), 'image')} make {counted(units, 'fold')} at most, as those of one subject and "
            f"equal ones stay together; give fewer --folds than {folds}"
        )
    elif not counts.all():
        empty = ", ".join(str(fold + 1) for fold in np.flatnonzero(counts == 0))
        problem = f"no image of fold {empty} of {folds} has an age; give fewer --folds"
    elif counts.sum() - np.max(counts + np.roll(counts, -1)) < 2:
        problem = f"{folds} folds leave a run fewer than two images to train on; give more --folds, or other --data"
    if problem is not None:
        raise DataError(problems=[Problem("data", f"data set {spec.name!r}: {problem}")])
