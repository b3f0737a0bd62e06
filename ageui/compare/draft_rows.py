"""Rows before they are compared: runs, published figures, and constant predictors on the images of runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ageui.compare.comparison import CONSTANT, MAE, ComparedRow, Group
from ageui.compare.comparison_cache import ComparisonCache
from ageui.compare.image_errors import (
    ImageErrors,
    constant_errors,
    constant_result,
    groups_of,
    image_errors,
    with_intervals,
)
from ageui.present.table import Cell
from engine.choices import AGE_EDGES
from engine.fairness import SplitResult

if TYPE_CHECKING:
    from ageui.store.records import Predictions, RunDetail, SplitScores

Columns = Mapping[str, Group | None]
"""The names of the figures of a row, in order, each with the group whose MAE it is, or None."""


@dataclass(frozen=True, eq=False)
class DraftRow:
    """A row and the data that its comparison needs.

    `scores` is None for a run that was not scored on the split; a constant has the scores of its run. `groups` names
    the groups of each attribute. `errors` is None without predictions. `runs` are the runs behind the row, none for a
    constant. A row over seeds has the drafts of its scored runs as `members`, and no `errors` of its own.
    """

    row: ComparedRow
    scores: "SplitScores | None"
    groups: Mapping[str, tuple[str, ...]]
    errors: ImageErrors | None
    runs: "tuple[RunDetail, ...]" = ()
    members: "tuple[DraftRow, ...]" = field(default=())

    @property
    def parts(self) -> "tuple[DraftRow, ...]":
        """The trainings behind the row's figures: its members, or itself."""
        return self.members or (self,)

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
    """A draft of figures from the report, which cannot be compared: their images and predictions are unknown."""
    summary = run.row.summary
    values = {MAE: summary.mae, **summary.bias}
    row = ComparedRow(
        kind="published",
        id=run.id,
        name=run.name,
        status="published",
        settings={},
        n=None,
        cells=tuple(Cell(None if group else values.get(column)) for column, group in columns.items()),
        comparable=False,
        reason="published in the report: without predictions there are no intervals, and nothing to set against others",
        runs=(run.id,),
    )
    return DraftRow(row, None, {}, None, (run,))


def run_draft(
    run: "RunDetail",
    split: str | None,
    columns: Columns,
    reference: "SplitScores | None",
    predictions: "Predictions | None",
    resamples: int,
    cache: ComparisonCache,
) -> DraftRow:
    """The draft of a run. Intervals and noise come from the cache, from predictions, or else from the stored scores.

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
        The run's predictions on the split; None without any.
    resamples
        Number of bootstrap samples; 0 computes no intervals.
    cache
        Results of earlier comparisons; new ones are added.
    """
    scores = run.scores(split) if split else None
    reason = _why_unscored(run, split) if scores is None else _why_not_comparable(scores, reference)
    groups: dict[str, tuple[str, ...]] = {}
    errors = result = None
    if scores is not None:
        groups = groups_of(scores.result)
        edges = run.config.get("age_edges", AGE_EDGES)
        errors = image_errors(predictions, groups, edges) if predictions else None
        key = (run.id, scores.images, scores.result.mae)
        if errors is not None and resamples and key not in cache.results:
            cache.results[key] = with_intervals(scores.result, errors, scores.split, resamples)
        result = cache.results.get(key, scores.result)
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
        runs=(run.id,),
    )
    return DraftRow(row, scores, groups, errors, (run,))


def constant_draft(draft: DraftRow, columns: Columns, resamples: int, cache: ComparisonCache) -> DraftRow | None:
    """The draft of the constant predictor on the images of a run.

    Its intervals, noise and groups are not stored with the run: they come from the cache or from predictions.

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
        result = constant_result(draft.errors, constant.age, draft.scores.split, resamples)
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
    return DraftRow(row, draft.scores, draft.groups, draft.errors and constant_errors(draft.errors, constant.age))


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
    if column == MAE:
        return Cell(result.mae, interval=result.mae_interval)
    bias = result.bias(column)
    if bias is None:
        return Cell(None, _reason(column, {}))
    return Cell(bias.value, bias.reason, interval=bias.interval, noise=bias.noise.p95 if bias.noise else None)


def _group_cell(result: SplitResult, group: Group) -> Cell:
    """The MAE of a group, without a reason if the data lacks the group: the bias carries that."""
    bias = result.bias(group.attribute)
    found = next((one for one in bias.groups if one.group == group.name), None) if bias else None
    return Cell(found.mae, n=found.n, interval=found.interval) if found else Cell(None)


def _reason(column: str, reasons: Mapping[str, str | None]) -> str | None:
    return reasons.get(column) if column == MAE or column in reasons else f"the data has no {column}"
