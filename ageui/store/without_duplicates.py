"""Scores a split without the images that have a duplicate in train, from stored predictions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ageui.store.score_records import Predictions, SplitScores
from ageui.text.duplicates import ENDING
from engine.errors import DataError
from engine.events import Evaluated
from engine.fairness import evaluate_split
from engine.image_errors import image_errors


def score_without(
    scores: SplitScores, predictions: Predictions, in_train: NDArray[np.bool_], age_edges: Sequence[float]
) -> Evaluated:
    """Scores a split without the marked images (N,), as a separate split that is compared with no other.

    Raises `DataError` if all images are marked.
    """
    kept = np.flatnonzero(~in_train)
    if not len(kept):
        raise DataError(f"all scored images of {scores.split} have a duplicate in train; choose another --split")
    split, baseline = f"{scores.split}{ENDING}", scores.result.baseline
    errors = image_errors(predictions, scores.result.group_names, age_edges)
    result = evaluate_split(
        errors.ages[kept],
        predictions.predicted[kept].astype(np.float64),
        {name: (codes[kept], names) for name, (codes, names) in errors.groups.items()},
        baseline.age if baseline else None,
        subjects=None if errors.subjects is None else np.unique(errors.subjects[kept], return_inverse=True)[1],
        split=split,
    )
    selected_on = split if scores.is_selected else scores.selected_on
    return Evaluated(
        split, result, predictions.items().iloc[kept].reset_index(drop=True), predictions.predicted[kept], selected_on
    )
