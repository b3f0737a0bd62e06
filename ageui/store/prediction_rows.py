"""Stored predictions, with the labels of their images."""

import numpy as np
from sqlmodel import Session, col, select

from ageui.store.item_sets import unpack_items
from ageui.store.refits import read_refit
from ageui.store.score_records import Predictions
from ageui.store.tables import ItemSet, Prediction, Result


def read_predictions(session: Session, run_id: int, split: str) -> Predictions | None:
    """The predictions of a run on a split; None if it was not scored on the split."""
    found = session.exec(
        select(ItemSet, Prediction)
        .join(Result, col(Result.item_set) == col(ItemSet.hash))
        .join(Prediction, (col(Prediction.run_id) == Result.run_id) & (col(Prediction.split) == Result.split))
        .where(Result.run_id == run_id, Result.split == split)
    ).one_or_none()
    if found is None:
        return None
    item_set, prediction = found
    items = unpack_items(item_set.items)
    predicted = np.frombuffer(prediction.predicted, dtype="<f4").astype(np.float32)
    return Predictions(
        split,
        item_set.hash,
        items.names,
        items.ages,
        items.attributes,
        predicted,
        items.subjects,
        items.ranges,
        read_refit(session, run_id, split),
    )
