"""Converts rows of points and scores to records of epochs, and scores back."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from ageui.store.tables import EpochScore, Metric
from engine.epoch_scores import EpochScores, GroupError
from engine.events import Epoch

_EPOCH = TypeAdapter(Epoch)
_NO_VALIDATION = {"val_loss": None, "val_mae": None}


def histories(session: Session, run_ids: Sequence[int], *, with_groups: bool) -> dict[int, tuple[Epoch, ...]]:
    """The ended epochs of runs, in order. Fields except `epoch` and `scores` are points of the curve `epoch/FIELD`.

    Omits groups from the scores unless requested: those of hundreds of runs would take longer than everything else.
    """
    columns = [col(getattr(EpochScore, name)) for name in ("run_id", "epoch", "n", "mae", "bias")]
    scored = sql_select(*columns, *([col(EpochScore.groups)] if with_groups else []))
    scores: dict[int, dict[int, EpochScores]] = defaultdict(dict)
    for run_id, epoch, n, mae, bias, *groups in session.execute(scored.where(col(EpochScore.run_id).in_(run_ids))):
        scores[run_id][epoch] = EpochScores(n, mae, bias, tuple(_groups(*groups)) if groups else ())
    return {run_id: _history(session, run_id, scores[run_id]) for run_id in run_ids}


def scores_row(scores: EpochScores) -> dict[str, Any]:
    """The columns of scores."""
    groups: dict[str, list[list[Any]]] = defaultdict(list)
    for group in scores.groups:
        groups[group.attribute].append([group.group, group.n, group.mae, group.signed])
    return {"n": scores.n, "mae": scores.mae, "bias": dict(scores.bias), "groups": dict(groups)}


def _groups(column: Mapping[str, Sequence[Any]]) -> Iterator[GroupError]:
    for attribute, groups in column.items():
        for group in groups:
            yield GroupError(attribute, *group)


def _history(session: Session, run_id: int, scores: dict[int, EpochScores]) -> tuple[Epoch, ...]:
    # A range of keys, by which the table is sorted: a prefix would also read the points of every step.
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
