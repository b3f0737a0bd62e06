"""The epochs of runs, from rows of points and of scores to records, and scores back."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Session, col, select

from ageui.store.tables import EpochScore, Metric
from engine.epoch_scores import EpochScores, GroupError
from engine.events import Epoch

_EPOCH = TypeAdapter(Epoch)
_NO_VALIDATION = {"val_loss": None, "val_mae": None}


def histories(session: Session, run_ids: Sequence[int]) -> dict[int, tuple[Epoch, ...]]:
    """The ended epochs of runs, in order. Each field but `epoch` and `scores` is a point of the curve `epoch/FIELD`."""
    scores: dict[int, dict[int, EpochScores]] = defaultdict(dict)
    scored = select(EpochScore.run_id, EpochScore.epoch, EpochScore.scores).where(col(EpochScore.run_id).in_(run_ids))
    for run_id, epoch, fields in session.exec(scored).all():
        scores[run_id][epoch] = scores_of(fields)
    return {run_id: _history(session, run_id, scores[run_id]) for run_id in run_ids}


def scores_row(scores: EpochScores) -> dict[str, Any]:
    """Scores as plain data, with the name, count, MAE and mean signed error of each group, by attribute."""
    groups: dict[str, list[list[Any]]] = {}
    for group in scores.groups:
        groups.setdefault(group.attribute, []).append([group.group, group.n, group.mae, group.signed])
    return {"n": scores.n, "mae": scores.mae, "bias": dict(scores.bias), "groups": groups}


def scores_of(row: Mapping[str, Any]) -> EpochScores:
    """The inverse of `scores_row`."""
    groups = (GroupError(attribute, *group) for attribute, rows in row["groups"].items() for group in rows)
    return EpochScores(row["n"], row["mae"], row["bias"], tuple(groups))


def _history(session: Session, run_id: int, scores: dict[int, EpochScores]) -> tuple[Epoch, ...]:
    # A range of keys, which the table is sorted by: a prefix would read the points of every step too.
    points = select(Metric.key, Metric.step, Metric.value).where(
        Metric.run_id == run_id, col(Metric.key) >= "epoch/", col(Metric.key) < "epoch0"
    )
    epochs: dict[int, dict[str, Any]] = {}
    for key, epoch, value in session.exec(points).all():
        known = epochs.get(epoch)
        if known is None:
            known = epochs[epoch] = {"epoch": epoch, **_NO_VALIDATION, "scores": scores.get(epoch)}
        known[key.removeprefix("epoch/")] = value
    return tuple(_EPOCH.validate_python(values) for _, values in sorted(epochs.items()))
