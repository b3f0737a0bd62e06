"""What many runs measured, in a few statements: for tables over all runs of a study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from ageui.store.run_queries import RUN_ID
from ageui.store.tables import MEASURED, Attempt, Bias, Result, Run, Summary

_ASKED_AT_ONCE = 500


@dataclass(frozen=True)
class MeasuredRun:
    """A run of our own, whatever its status. `seconds` are those of all its attempts."""

    id: int
    name: str
    status: str
    config: Mapping[str, Any]
    data_spec: Mapping[str, Any]
    best_val_loss: float | None
    seconds: float | None


@dataclass(frozen=True)
class SplitFigures:
    """MAE and biases, years, of a run on one split, and those of the constant predictor there.

    `intervals` are their ends, `noise` of each bias the 95th percentile of what chance alone gives, both as stored.
    Equal `images` (a hash) mean the same images and ages.
    """

    run_id: int
    split: str
    images: str
    figures: Mapping[str, float | None]
    constant: Mapping[str, float | None]
    intervals: Mapping[str, tuple[float, float]]
    noise: Mapping[str, float]


def measured_runs(session: Session) -> list[MeasuredRun]:
    """All runs but archived and published ones, oldest first."""
    seconds = (
        select(Attempt.run_id, func.sum(Attempt.seconds).label("seconds")).group_by(col(Attempt.run_id)).subquery()
    )
    found = session.execute(
        select(RUN_ID, Run.name, Run.status, Run.config, Run.data_spec, Summary.best_val_loss, seconds.c.seconds)  # type: ignore[call-overload]
        .join(Summary, col(Summary.run_id) == col(Run.id))
        .outerjoin(seconds, seconds.c.run_id == col(Run.id))
        .where(col(Run.archived_at).is_(None), Run.source == MEASURED)
        .order_by(RUN_ID)
    ).all()
    return [MeasuredRun(*row) for row in found]


def measured_statuses(session: Session) -> dict[int, str]:
    """The status of each run that `measured_runs` finds, by id; no config is read."""
    asked = select(Run.id, Run.status).where(col(Run.archived_at).is_(None), Run.source == MEASURED)
    return {int(run_id): status for run_id, status in session.exec(asked).all() if run_id is not None}


def split_figures(session: Session, run_ids: Sequence[int]) -> list[SplitFigures]:
    """The figures of these runs on every split they were scored on."""
    found: list[SplitFigures] = []
    for start in range(0, len(run_ids), _ASKED_AT_ONCE):
        found += _figures(session, run_ids[start : start + _ASKED_AT_ONCE])
    return found


def _figures(session: Session, run_ids: Sequence[int]) -> list[SplitFigures]:
    results = session.exec(select(Result).where(col(Result.run_id).in_(run_ids)).order_by(col(Result.run_id))).all()
    biases: dict[tuple[int, str], list[Bias]] = {}
    for bias in session.exec(select(Bias).where(col(Bias.run_id).in_(run_ids))).all():
        biases.setdefault((bias.run_id, bias.split), []).append(bias)
    return [_of_split(result, biases.get((result.run_id, result.split), [])) for result in results]


def _of_split(result: Result, biases: Sequence[Bias]) -> SplitFigures:
    ends = {"mae": (result.mae_low, result.mae_high), **{bias.attribute: (bias.low, bias.high) for bias in biases}}
    return SplitFigures(
        run_id=result.run_id,
        split=result.split,
        images=result.item_set,
        figures={"mae": result.mae, **{bias.attribute: bias.value for bias in biases}},
        constant={"mae": result.baseline_mae, **{bias.attribute: bias.baseline for bias in biases}},
        intervals={name: (low, high) for name, (low, high) in ends.items() if low is not None and high is not None},
        noise={bias.attribute: bias.noise_p95 for bias in biases if bias.noise_p95 is not None},
    )
