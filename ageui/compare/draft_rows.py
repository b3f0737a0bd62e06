"""Rows before they are compared: runs, published figures, and constant predictors on the images of runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache as remembered
from typing import TYPE_CHECKING

from ageui.compare.comparison import CONSTANT, MAE, ComparedRow, Group
from ageui.compare.comparison_cache import ComparisonCache
from ageui.compare.crossed_groups import errors_of
from ageui.compare.figure_names import attribute_and_kind, figure_unit
from ageui.present.table import Cell
from engine.fairness import score_errors
from engine.figure_forms import FigureForm, figure_form, group_form
from engine.image_errors import ImageErrors
from engine.pretraining import pretraining_of
from engine.split_result import Figure, GapFigure, SplitResult

if TYPE_CHECKING:
    from ageui.compare.crossed_groups import LoadPredictions
    from ageui.store.records import RunDetail
    from ageui.store.score_records import SplitScores


LoadErrors = Callable[[], ImageErrors | None]
Columns = Mapping[str, Group | None]
"""The names of the figures of a row, in order, each with the group whose MAE it is, or None."""


@dataclass(frozen=True, eq=False)
class DraftRow:
    """A row and the data that its comparison needs.

    `scores` is None for a run that was not scored on the split; a constant has the scores of its run. `groups` names
    the groups of each attribute. `load` returns the errors, None without predictions. `runs` are the runs behind the
    row, none for a constant. A row over seeds has the drafts of its scored runs as `members`, and no errors of its own.
    """

    row: ComparedRow
    scores: "SplitScores | None"
    groups: Mapping[str, tuple[str, ...]]
    load: LoadErrors
    runs: "tuple[RunDetail, ...]" = ()
    members: "tuple[DraftRow, ...]" = field(default=())

    @property
    def parts(self) -> "tuple[DraftRow, ...]":
        """The trainings behind the row's figures: its members, or itself."""
        return self.members or (self,)

    @property
    def errors(self) -> ImageErrors | None:
        """The errors of the row's predictions; None without any."""
        return self.load()

    @property
    def identity(self) -> tuple[object, ...]:
        """Equal for equal predictions of the same run or constant."""
        scores = self.scores
        return (
            self.row.id,
            self.row.name if self.row.id is None else "",
            scores and (scores.images, scores.result.mae),
        )


def published_draft(run: "RunDetail", columns: Columns) -> DraftRow:
    """A draft of figures that were not measured here and cannot be compared: images and predictions are unknown."""
    summary = run.row.summary
    origin = "imported from another tool" if run.row.is_imported else "published in the report"
    values = {MAE: summary.mae, **summary.bias}
    row = ComparedRow(
        kind="published",
        id=run.id,
        name=run.name,
        status="imported" if run.row.is_imported else "published",
        settings={},
        n=None,
        cells=tuple(Cell(None if group else values.get(column)) for column, group in columns.items()),
        comparable=False,
        reason=f"{origin} without predictions, so it has no intervals and cannot be compared",
        runs=(run.id,),
    )
    return DraftRow(row, None, {}, no_errors, (run,))


def run_draft(
    run: "RunDetail",
    split: str | None,
    columns: Columns,
    reference: "SplitScores | None",
    predictions: "LoadPredictions | None",
) -> DraftRow:
    """The draft of a run, with its stored scores.

    Parameters
    ----------
    run
        The run, scored or not.
    split
        The split of the comparison; None if no run was scored.
    columns
        The figures of the row.
    reference
        The scores on the images that comparable rows share; None if no run was scored.
    predictions
        Returns the predictions of a run, given by its id, on a split, or None; called only if needed.
    """
    scores = run.scores(split) if split else None
    reason = _why_unscored(run, split) if scores is None else _why_not_comparable(scores, reference)
    result = scores.result if scores is not None else None
    groups = result.group_names if result is not None else {}

    def load() -> ImageErrors | None:
        return errors_of(run, scores, predictions) if scores is not None and predictions else None

    row = ComparedRow(
        kind="run",
        id=run.id,
        name=run.name,
        status=run.status,
        settings={},
        n=result.n if result else None,
        cells=_cells(result, columns) if result else tuple(Cell(None) for _ in columns),
        comparable=reason is None,
        reason=reason,
        is_selected=scores is not None and scores.is_selected,
        runs=(run.id,),
        pretraining=pretraining_of(run.config, run.manifest),
    )
    return DraftRow(row, scores, groups, remembered(load), (run,))


def constant_draft(draft: DraftRow, columns: Columns, resamples: int, cache: ComparisonCache) -> DraftRow | None:
    """The draft of the constant predictor on the images of a run.

    Its intervals, tests and groups are not stored with the run: they come from the cache or from predictions.

    Parameters
    ----------
    draft
        The draft of the run.
    columns, resamples, cache
        As in `run_draft`.

    Returns
    -------
    DraftRow or None
        None if no scores of a constant predictor are stored with the run.
    """
    constant = draft.scores.result.baseline if draft.scores else None
    if draft.scores is None or constant is None:
        return None
    key = (draft.scores.images, constant.age, tuple(draft.groups.items()))
    result = cache.constants.get(key)
    if result is None and draft.errors is not None:
        errors = draft.errors.of_constant(constant.age)
        result = score_errors(errors, split=draft.scores.split, resamples=resamples)
        cache.constants[key] = result
    if result is None:
        reasons = {bias.attribute: bias.reason for bias in draft.scores.result.biases}
        values = {MAE: constant.mae, **constant.bias}
        cells = tuple(
            Cell(None) if group else Cell(values.get(column), _reason(column, reasons))
            for column, group in columns.items()
        )
    else:
        cells = _cells(result, columns)
    row = ComparedRow(
        kind="constant",
        id=None,
        name=f"{CONSTANT} {constant.age:.1f}",
        status="baseline",
        settings={},
        n=draft.row.n,
        cells=cells,
        comparable=draft.row.comparable,
        reason=draft.row.reason,
    )
    age = constant.age
    return DraftRow(row, draft.scores, draft.groups, lambda: draft.errors and draft.errors.of_constant(age))


def no_errors() -> None:
    """Loads no errors, for rows without predictions."""


def column_form(column: str, group: Group | None, images: ImageErrors) -> FigureForm | None:
    """The form of a column's figure; None if the images do not have it."""
    return figure_form(column, images) if group is None else group_form(group.attribute, group.name, images)


def _why_unscored(run: "RunDetail", split: str | None) -> str:
    if run.results:
        return f"not scored on {split}"
    return f"{run.status}: {run.row.error}" if run.row.error else run.status


def _why_not_comparable(scores: "SplitScores", reference: "SplitScores | None") -> str | None:
    if reference is None or scores.images == reference.images:
        return None
    if scores.target != reference.target:
        return f"measured on {scores.target} ages, the others on {reference.target} ages"
    if scores.data_name != reference.data_name:
        return f"measured on data {scores.data_name}, the others on {reference.data_name}"
    return f"measured on other images ({scores.result.n}; the others on {reference.result.n})"


def _cells(result: SplitResult, columns: Columns) -> tuple[Cell, ...]:
    return tuple(_group_cell(result, group) if group else _cell(result, column) for column, group in columns.items())


def _cell(result: SplitResult, column: str) -> Cell:
    figure = result.figure(column) or Figure(None, _reason(column, {}))
    tests = (figure.p_value, figure.detectable) if isinstance(figure, GapFigure) else (None, None)
    no_better = column == MAE and result.is_no_better_than_constant
    return Cell(
        figure.value, figure.reason, True, figure.interval, *tests, unit=figure_unit(column), no_better=no_better
    )


def _group_cell(result: SplitResult, group: Group) -> Cell:
    """The MAE of a group, without a reason if the data lacks the group: the bias carries that."""
    bias = result.bias(group.attribute)
    found = next((one for one in bias.groups if one.group == group.name), None) if bias else None
    return Cell(found.mae, n=found.n, interval=found.interval) if found else Cell(None)


def _reason(column: str, reasons: Mapping[str, str | None]) -> str | None:
    """Why a figure is missing; the bias of an attribute that the data lacks says so for all of its figures."""
    if column == MAE or column in reasons:
        return reasons.get(column)
    attribute, kind = attribute_and_kind(column)
    return None if kind else f"the data has no {attribute}"
