"""Repeats the fit behind a derived run's predictions, from copies of its sources' predictions."""

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session, col, select

from ageui.store.item_sets import unpack_items
from ageui.store.tables import Derivation, ItemSet, Result, SourcePrediction
from engine.cross_fit import CrossRefit, FittedSplit, OtherRefit
from engine.derived_methods import fitted_method
from engine.image_errors import Refit


def read_refit(session: Session, run_id: int, split: str) -> Refit | None:
    """The refit of a run's predictions on a split; None for a run without fit, or without copies of predictions."""
    derivation = session.get(Derivation, run_id)
    if derivation is None or derivation.fitted_on is None or derivation.folds is None:
        return None
    blended = derivation.options.get("blended", 1)
    fitting = _sources(session, run_id, derivation.fitted_on, blended)
    items = session.exec(
        select(ItemSet.items)
        .join(Result, col(Result.item_set) == col(ItemSet.hash))
        .where(Result.run_id == run_id, Result.split == derivation.fitted_on)
    ).one_or_none()
    if fitting is None or not items:
        return None
    method = fitted_method(derivation.operation, derivation.options)
    folds = np.frombuffer(derivation.folds, dtype=np.uint8).astype(np.int64)
    fitted = FittedSplit(fitting, unpack_items(items).ages, folds)
    if split == derivation.fitted_on:
        return CrossRefit(method, fitted)
    sources = _sources(session, run_id, split, blended)
    return None if sources is None else OtherRefit(method, fitted, sources)


def _sources(session: Session, run_id: int, split: str, blended: int) -> NDArray[np.float64] | None:
    """The copied predictions (S, N) of a run's sources on a split, or of the `blended` runs behind its only source."""
    chosen = select(SourcePrediction.predicted).where(
        SourcePrediction.run_id == run_id, SourcePrediction.split == split
    )
    found = session.exec(chosen.order_by(col(SourcePrediction.position))).all()
    read = [np.frombuffer(one, dtype="<f4").astype(np.float64).reshape(blended, -1) for one in found]
    return np.concatenate(read) if read else None
