"""The scores of runs, for tables over many runs: predictions, figures of splits, and published figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select

from ageui.store.batches import batches
from ageui.store.clock import now
from ageui.store.derivations import read_derivations
from ageui.store.derived_from import DerivedFrom
from ageui.store.filter_fields import pretraining_value
from ageui.store.known_images import read_marks, set_marks
from ageui.store.names import valid_name, valid_note
from ageui.store.prediction_rows import read_predictions
from ageui.store.rescoring import read_errors
from ageui.store.run_rows import RESOLVED, RUN_ID, existing_run, resolved_manifest
from ageui.store.score_records import Predictions, SplitScores
from ageui.store.score_rows import read_split_scores, split_order, write_scores
from ageui.store.store_part import StorePart
from ageui.store.tables import (
    DERIVED,
    MEASURED,
    PUBLISHED,
    Attempt,
    Bias,
    FigureScore,
    GroupScore,
    Result,
    Run,
    RunSummary,
)
from ageui.store.without_duplicates import score_without
from ageui.text.duplicates import ENDING, unknown_duplicates
from engine.choices import AGE_EDGES, REPORT_ATTRIBUTES
from engine.config import RunConfig
from engine.data.spec import DataSpec
from engine.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

    from engine.events import Evaluated
    from engine.image_errors import ImageErrors

_IS_MEASURED = (
    col(Run.archived_at).is_(None),
    col(Run.source) == MEASURED,
    func.json_extract(col(Run.data_spec), "$.fold").is_(None),
)
_IS_DERIVED = (col(Run.archived_at).is_(None), col(Run.source) == DERIVED)


@dataclass(frozen=True)
class MeasuredRun:
    """A run of our own, at any status. `seconds` is the total over its attempts; `is_scored` refers to its own splits.

    `pretraining` is the sentence of `engine.pretraining` about its first weights.
    """

    id: int
    name: str
    status: str
    config: Mapping[str, Any]
    data_spec: Mapping[str, Any]
    best_val_loss: float | None
    seconds: float | None
    is_scored: bool = False
    pretraining: str | None = None


@dataclass(frozen=True)
class SplitFigures:
    """MAE, biases and signed gaps (`gender_signed`) in years of a run on a split, and MAE and biases of the constant
    predictor, which always says `constant_age`, on the same images.

    `intervals` are stored confidence limits, `p_values` those of no bias. `selected_on` is the split that selected the
    weights. Equal `images` (a hash) mean equal images and ages.
    """

    run_id: int
    split: str
    images: str
    figures: Mapping[str, float | None]
    constant: Mapping[str, float | None]
    intervals: Mapping[str, tuple[float, float]]
    p_values: Mapping[str, float]
    selected_on: str | None
    constant_age: float | None = None

    @property
    def is_selected(self) -> bool:
        """Whether these images selected the weights scored on them."""
        return self.selected_on == self.split


@dataclass(frozen=True)
class ScoredConfig:
    """A run's config, the `dtype`, `recipe` and `sha256` of `weights` from its manifest, and its figures on a split:
    `mae`, biases by attribute, further figures by name, MAEs by `attribute group`."""

    config: Mapping[str, Any]
    manifest: Mapping[str, Any]
    figures: Mapping[str, float | None]


@dataclass(frozen=True)
class PublishedRun:
    """Published figures: `figures` maps `mae` and attributes to years, `val_loss` to the loss on ages divided by 100.

    The config describes the known part of the training. Published runs have no predictions, so no intervals.
    """

    name: str
    config: RunConfig
    spec: DataSpec
    figures: Mapping[str, float]
    note: str


class Scores(StorePart):
    """The scores of an opened store."""

    def predictions(self, run_id: int, split: str) -> Predictions | None:
        """The predictions of a run on a split; None if it was not scored on the split."""
        with self._read() as session:
            return read_predictions(session, run_id, split)

    def errors(self, run_id: int, split: str) -> "ImageErrors | None":
        """The errors of a run's predictions on a split; None without predictions."""
        with self._read() as session:
            scores = read_split_scores(session, run_id, split)
            return read_errors(session, run_id, scores) if scores is not None else None

    def without_duplicates(self, run_id: int, split: str) -> SplitScores:
        """Scores a split without the images that have a duplicate in train, and stores the scores as a separate split.

        Raises `ConfigError` if the run or split does not exist or has no predictions, and `DataError` if duplicates are
        unknown or no image is left.
        """
        split = split.removesuffix(ENDING)
        with self._read() as session:
            edges = existing_run(session, run_id).config.get("age_edges", AGE_EDGES)
            scores, predictions = read_split_scores(session, run_id, split), read_predictions(session, run_id, split)
            if scores is None or predictions is None:
                there = session.exec(select(Result.split).where(Result.run_id == run_id)).all()
                known = ", ".join(sorted((one for one in there if not one.endswith(ENDING)), key=split_order))
                choice = f"choose one of {known}" if known else "it has no scores"
                raise ConfigError(f"run {run_id} has no stored predictions on {split!r}; {choice}")
            marks = read_marks(session, run_id, split)
        if marks is None:
            raise DataError(f"run {run_id}, {split}: {unknown_duplicates(split, scores.data_name)}")
        scored = score_without(scores, predictions, marks, edges)
        with self._write() as session:
            summary = session.get_one(RunSummary, run_id)
            write_scores(session, run_id, summary, scored, scores.target, scores.data_name)
            set_marks(session, run_id, scored.split, np.zeros(scored.result.n, dtype=bool))
        with self._read() as session:
            found = read_split_scores(session, run_id, scored.split)
        assert found is not None
        return found

    def predictions_frame(self, run_id: int) -> "pd.DataFrame":
        """A table of columns split, image, age, predicted and one per attribute; no rows if the run was not scored.

        Scores on other data come last, under the name of their split there.

        Raises `ConfigError` if the run does not exist.
        """
        import pandas as pd

        with self._read() as session:
            existing_run(session, run_id)
            splits = session.exec(select(Result.split).where(Result.run_id == run_id)).all()
            found = [read_predictions(session, run_id, split) for split in sorted(splits, key=split_order)]
        frames = [predictions.frame() for predictions in found if predictions is not None]
        return (
            pd.concat(frames, ignore_index=True)
            if frames
            else pd.DataFrame(columns=["split", "image", "age", "predicted"])
        )

    def add(self, run_id: int, scored: "Evaluated", target: str, data_name: str) -> None:
        """Stores scores of an ended run on other data, replacing earlier ones of the same name.

        Raises `ConfigError` if there is no such run.
        """
        with self._write() as session:
            existing_run(session, run_id)
            write_scores(session, run_id, session.get_one(RunSummary, run_id), scored, target, data_name)

    def measured_runs(self) -> list[MeasuredRun]:
        """All our trained runs, oldest first, except archived runs and runs on a fold."""
        with self._read() as session:
            return _measured(session, *_IS_MEASURED)

    def derived_runs(self) -> list[tuple[MeasuredRun, DerivedFrom]]:
        """All derived runs except archived runs, oldest first, with their sources."""
        with self._read() as session:
            runs = _measured(session, *_IS_DERIVED)
            made = read_derivations(session, [run.id for run in runs])
        return [(run, made[run.id]) for run in runs]

    def measured_statuses(self) -> dict[int, str]:
        """The status of each run that `measured_runs` and `derived_runs` return, by id. Fast enough to poll: reads no
        configs."""
        is_own = or_(and_(*_IS_MEASURED), and_(*_IS_DERIVED))
        with self._read() as session:
            return dict(session.exec(select(RUN_ID, Run.status).where(is_own)).all())

    def split_figures(self, run_ids: Sequence[int]) -> list[SplitFigures]:
        """The figures of runs on every scored split."""
        with self._read() as session:
            return [figures for batch in batches(run_ids) for figures in _split_figures(session, batch)]

    def on_images(self, split: str, images: str) -> list[ScoredConfig]:
        """The figures of all our runs scored on the same images, including archived runs."""
        is_chosen = (Result.split == split, Result.item_set == images)
        with self._read() as session:
            runs = session.execute(
                select(RUN_ID, Run.config, *RESOLVED, Result.mae)  # type: ignore[call-overload]
                .join(Result, col(Result.run_id) == RUN_ID)
                .where(*is_chosen)
            ).all()
            figures: dict[int, dict[str, float | None]] = {run[0]: {"mae": run[-1]} for run in runs}
            for table, name, value in (
                (Bias, col(Bias.attribute), col(Bias.value)),
                (Bias, col(Bias.attribute) + "_signed", col(Bias.signed)),
                (FigureScore, col(FigureScore.name), col(FigureScore.value)),
                (GroupScore, col(GroupScore.attribute) + " " + col(GroupScore.group_name), col(GroupScore.mae)),
            ):
                joined = (col(table.run_id) == col(Result.run_id)) & (col(table.split) == col(Result.split))
                found = select(col(table.run_id), name, value).join(Result, joined).where(*is_chosen)
                for run_id, key, number in session.execute(found).all():
                    figures[run_id][key] = number
        return [
            ScoredConfig(config, resolved_manifest(*resolved), figures[run_id]) for run_id, config, *resolved, _ in runs
        ]

    def publish(self, runs: Sequence[PublishedRun]) -> int:
        """Stores published figures as runs, replacing published runs of the same names. Returns the number of new runs.

        Raises `ConfigError` if a run of our own has one of the names.
        """
        with self._write() as session:
            return sum(_publish(session, run) for run in runs)


def _split_figures(session: Session, run_ids: Sequence[int]) -> list[SplitFigures]:
    results = session.exec(select(Result).where(col(Result.run_id).in_(run_ids)).order_by(col(Result.run_id))).all()
    biases: dict[tuple[int, str], list[Bias]] = {}
    for bias in session.exec(select(Bias).where(col(Bias.run_id).in_(run_ids))).all():
        biases.setdefault((bias.run_id, bias.split), []).append(bias)
    return [_figures(result, biases.get((result.run_id, result.split), [])) for result in results]


def _figures(result: Result, biases: Sequence[Bias]) -> SplitFigures:
    figures: dict[str, float | None] = {"mae": result.mae}
    ends = {"mae": (result.mae_low, result.mae_high)}
    p_values: dict[str, float | None] = {}
    for bias in biases:
        gap = f"{bias.attribute}_signed"
        figures |= {bias.attribute: bias.value, gap: bias.signed}
        ends |= {bias.attribute: (bias.low, bias.high), gap: (bias.signed_low, bias.signed_high)}
        p_values |= {bias.attribute: bias.p_value, gap: bias.signed_p_value}
    return SplitFigures(
        run_id=result.run_id,
        split=result.split,
        images=result.item_set,
        figures=figures,
        constant={"mae": result.baseline_mae, **{bias.attribute: bias.baseline for bias in biases}},
        intervals={name: (low, high) for name, (low, high) in ends.items() if low is not None and high is not None},
        p_values={name: p_value for name, p_value in p_values.items() if p_value is not None},
        selected_on=result.selected_on,
        constant_age=result.baseline_age,
    )


def _publish(session: Session, published: PublishedRun) -> bool:
    """Stores a published run. Returns whether it is new."""
    name = valid_name(published.name)
    run = session.exec(select(Run).where(Run.name == name)).one_or_none()
    if run is not None and run.source != PUBLISHED:
        raise ConfigError(f"run {run.id} has the name {name!r}, which published figures need; rename it")
    is_new = run is None
    run = run or Run(name=name, source=PUBLISHED, config={}, config_hash="", created_at=now(), data_spec={})
    run.status = "done"
    run.config = published.config.model_dump(mode="json")
    run.config_hash = published.config.hash
    run.data_spec = published.spec.model_dump(mode="json")
    run.note = valid_note(published.note) if published.note else None
    session.add(run)
    session.flush()
    summary = session.get(RunSummary, run.id) or RunSummary(run_id=run.id or 0, epochs=0)
    summary.epochs = sum(published.config.epochs)
    summary.mae, summary.best_val_loss = published.figures.get("mae"), published.figures.get("val_loss")
    for attribute in REPORT_ATTRIBUTES:
        setattr(summary, f"bias_{attribute}", published.figures.get(attribute))
    session.add(summary)
    session.flush()
    return is_new


def _measured(session: Session, *chosen: Any) -> list[MeasuredRun]:
    per_run = select(Attempt.run_id, func.sum(Attempt.seconds).label("seconds")).group_by(col(Attempt.run_id))
    seconds = per_run.subquery()
    figures = (RunSummary.best_val_loss, seconds.c.seconds, col(RunSummary.split).is_not(None))
    columns = (RUN_ID, Run.name, Run.status, Run.config, Run.data_spec, *figures, pretraining_value())
    found = (
        select(*columns)  # type: ignore[call-overload]
        .join(RunSummary, col(RunSummary.run_id) == col(Run.id))
        .outerjoin(seconds, seconds.c.run_id == col(Run.id))
        .where(*chosen)
        .order_by(RUN_ID)
    )
    return [MeasuredRun(*row) for row in session.execute(found).all()]
