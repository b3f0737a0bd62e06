"""Scores stored results again, for databases written by an earlier version."""

from typing import Any

from sqlalchemy import Select, SQLColumnExpression, func, select
from sqlmodel import Session, col

from ageui.store.prediction_rows import read_predictions
from ageui.store.score_records import SplitScores
from ageui.store.score_rows import read_split_scores, rewrite_scores
from ageui.store.store_part import StorePart
from ageui.store.tables import Prediction, Result, Run
from engine.choices import AGE_EDGES
from engine.fairness import RESAMPLES, STATISTICS, score_errors
from engine.image_errors import ImageErrors, image_errors

_IS_STALE = col(Result.statistics) < STATISTICS


class Rescoring(StorePart):
    """Results of an opened store whose statistics are of an earlier revision."""

    def remaining(self) -> int:
        """The number of results still to be scored again. Fast enough to ask at every start."""
        with self._read() as session:
            return int(session.execute(_stale_results(func.count())).scalar_one())

    def next(self) -> tuple[int, str] | None:
        """The run and split of the next result to score again, of the newest run first; None if none is left."""
        with self._read() as session:
            found = session.execute(_stale_results(func.max(Result.run_id), col(Result.split))).one()
        return None if found[0] is None else (found[0], found[1])

    def rescore(self, run_id: int, split: str, resamples: int = RESAMPLES) -> None:
        """Scores a result again from its predictions, in its own transaction."""
        with self._read() as session:
            scores = read_split_scores(session, run_id, split)
            errors = read_errors(session, run_id, scores) if scores is not None else None
        if scores is None or errors is None:
            return
        found = score_errors(errors, scores.result.baseline, split=split, resamples=resamples)
        with self._write() as session:
            rewrite_scores(session, run_id, split, found)


def read_errors(session: Session, run_id: int, scores: SplitScores) -> ImageErrors | None:
    """The errors behind a run's scores; None without predictions."""
    predictions = read_predictions(session, run_id, scores.split)
    if predictions is None:
        return None
    edges = session.get_one(Run, run_id).config.get("age_edges", AGE_EDGES)
    return image_errors(predictions, scores.result.group_names, edges)


def _stale_results(*columns: SQLColumnExpression[Any]) -> Select[Any]:
    """Columns of the outdated results that have predictions."""
    joined = (col(Prediction.run_id) == col(Result.run_id)) & (col(Prediction.split) == col(Result.split))
    found: Select[Any] = select(*columns)
    return found.select_from(Result).join(Prediction, joined).where(_IS_STALE)
