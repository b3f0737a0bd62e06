"""What repeats the fit behind a derived run's predictions, from the copies of its sources' predictions."""

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session, col, select

from ageui.store.item_sets import unpack_items
from ageui.store.tables import Derivation, ItemSet, Result, SourcePrediction
from engine.cross_fit import CrossRefit, FittedSplit, OtherRefit
from engine.derived_methods import method_of
from engine.image_errors import Refit


def read_refit(session: Session, run_id: int, split: str) -> Refit | None:
    """The refit of a run's predictions on a split; None for a run without fit, or without copies of predictions."""
    derivation = session.get(Derivation, run_id)
    if derivation is None or derivation.fitted_on is None or derivation.folds is None:
        return None
    fitting = _sources(session, run_id, derivation.fitted_on)
    items = session.exec(
        select(ItemSet.items)
        .join(Result, col(Result.item_set) == col(ItemSet.hash))
        .where(Result.run_id == run_id, Result.split == derivation.fitted_on)
    ).one_or_none()
    if fitting is None or not items:
        return None
    method = method_of(derivation.operation, derivation.options)
    folds = np.frombuffer(derivation.folds, dtype=np.uint8).astype(np.int64)
    fitted = FittedSplit(fitting, unpack_items(items).ages, folds)
    if split == derivation.fitted_on:
        return CrossRefit(method, fitted)
    sources = _sources(session, run_id, split)
    return None if sources is None else OtherRefit(method, fitted, sources)


def _sources(session: Session, run_id: int, split: str) -> NDArray[np.float64] | None:
    """The copied predictions of a run's sources on a split, shape (S, N)."""
    chosen = select(SourcePrediction.predicted).where(
        SourcePrediction.run_id == run_id, SourcePrediction.split == split
    )
    found = session.exec(chosen.order_by(col(SourcePrediction.position))).all()
    return np.stack([np.frombuffer(one, dtype="<f4").astype(np.float64) for one in found]) if found else None
