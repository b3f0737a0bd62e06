"""Rows before they are set against each other: runs, and the constant predictors on the images they were scored on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ageui.compare.comparison import CONSTANT, MAE, Cell, Group, Row
from ageui.compare.comparison_cache import Known
from ageui.compare.image_errors import Scored, constant_result, constant_scored, groups_of, scored, with_intervals
from engine.choices import AGE_EDGES
from engine.fairness import SplitResult

if TYPE_CHECKING:
    from ageui.store.records import Predictions, RunDetail, SplitScores

Columns = Mapping[str, Group | None]
"""The figures of a row in their order; a group for those that are its MAE."""


@dataclass(frozen=True, eq=False)
class Entry:
    """A row under way. `scores` is None for a run that was not scored on the split, and a constant has its run's.

    `groups` names the groups of each attribute; `scored` needs predictions. `runs` are those it stands for, none for a
    constant. Of a row over seeds `members` are the entries of the runs that were scored, and `scored` is None.
    """

    row: Row
    scores: "SplitScores | None"
    groups: Mapping[str, tuple[str, ...]]
    scored: Scored | None
    runs: "tuple[RunDetail, ...]" = ()
    members: "tuple[Entry, ...]" = field(default=())

    @property
    def parts(self) -> "tuple[Entry, ...]":
        """The trainings that the row's figures are means over: itself, or its members."""
        return self.members or (self,)

    @property
    def identity(self) -> tuple[object, ...]:
        """Equal for equal predictions of one run, or of one constant."""
        scores = self.scores
        return (
            self.row.id,
            self.row.name if self.row.id is None else "",
            scores and (scores.images, scores.result.mae),
        )


def published_entry(run: "RunDetail", columns: Columns) -> Entry:
    """Figures out of the report: nobody knows the images and predictions behind them, so nothing is compared."""
    summary = run.row.summary
    values = {MAE: summary.mae, **summary.bias}
    row = Row(
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
    return Entry(row, None, {}, None, (run,))


def run_entry(
    run: "RunDetail",
    split: str | None,
    columns: Columns,
    reference: "SplitScores | None",
    predictions: "Predictions | None",
    resamples: int,
    known: Known,
) -> Entry:
    """A run's entry. With predictions its intervals and noise are computed, unless they are known, else as stored."""
    scores = run.scores(split) if split else None
    reason = _why_unscored(run, split) if scores is None else _why_not_comparable(scores, reference)
    groups: dict[str, tuple[str, ...]] = {}
    errors = result = None
    if scores is not None:
        groups = groups_of(scores.result)
        edges = run.config.get("age_edges", AGE_EDGES)
        errors = scored(predictions, groups, edges) if predictions else None
        key = (run.id, scores.images, scores.result.mae)
        if errors is not None and resamples and key not in known.results:
            known.results[key] = with_intervals(scores.result, errors, scores.split, resamples)
        result = known.results.get(key, scores.result)
    row = Row(
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
    return Entry(row, scores, groups, errors, (run,))


def constant_entry(entry: Entry, columns: Columns, resamples: int, known: Known) -> Entry | None:
    """The constant predictor on the images of a run's entry, None where the run has none.

    Its intervals, noise and groups are not stored with a run, and need predictions for the ages and groups of the
    images, unless they are known already.
    """
    constant = entry.scores.result.baseline if entry.scores else None
    if entry.scores is None or constant is None:
        return None
    key = (entry.scores.images, constant.age, tuple(entry.groups.items()))
    result = known.constants.get(key)
    if result is None and entry.scored is not None:
        result = constant_result(entry.scored, constant.age, entry.scores.split, resamples)
        known.constants[key] = result
    if result is None:
        reasons = {bias.attribute: bias.reason for bias in entry.scores.result.biases}
        values = {MAE: constant.mae, **constant.bias}
        cells = tuple(
            Cell(None) if group else Cell(values.get(column), _reason(column, reasons))
            for column, group in columns.items()
        )
    else:
        cells = _cells(result, columns)
    row = Row(
        kind="constant",
        id=None,
        name=f"{CONSTANT} {constant.age:.1f}",
        status="baseline",
        settings={},
        n=entry.row.n,
        cells=cells,
        comparable=entry.row.comparable,
        reason=entry.row.reason,
    )
    return Entry(row, entry.scores, entry.groups, entry.scored and constant_scored(entry.scored, constant.age))


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
    """The MAE of a group, which says nothing where the data has none of it: the bias says that."""
    bias = result.bias(group.attribute)
    found = next((one for one in bias.groups if one.group == group.name), None) if bias else None
    return Cell(found.mae, n=found.n, interval=found.interval) if found else Cell(None)


def _reason(column: str, reasons: Mapping[str, str | None]) -> str | None:
    return reasons.get(column) if column == MAE or column in reasons else f"the data has no {column}"
