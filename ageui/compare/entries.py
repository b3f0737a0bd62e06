"""Rows before they are set against each other: runs, and the constant predictors on the images they were scored on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ageui.compare.records import CONSTANT, MAE, Cell, Row
from ageui.compare.scoring import Scored, constant_result, constant_scored, scored
from ageui.compare.settings import setting
from engine.choices import AGE_EDGES
from engine.fairness import SplitResult

if TYPE_CHECKING:
    from ageui.store.records import Predictions, RunDetail, SplitScores

    LoadPredictions = Callable[[int, str], Predictions | None]


@dataclass(frozen=True, eq=False)
class Entry:
    """A row under way. `scores` is None for a run that was not scored on the split, and a constant has its run's.

    `groups` names the groups of each attribute; `scored` needs predictions.
    """

    row: Row
    scores: "SplitScores | None"
    groups: Mapping[str, tuple[str, ...]]
    scored: Scored | None


def run_entry(
    run: "RunDetail",
    split: str | None,
    columns: Sequence[str],
    settings: Sequence[str],
    reference: "SplitScores | None",
    predictions: "Predictions | None",
) -> Entry:
    scores = run.scores(split) if split else None
    reason = _why_unscored(run, split) if scores is None else _why_not_comparable(scores, reference)
    row = Row(
        kind="run",
        id=run.id,
        name=run.name,
        status=run.status,
        settings={name: setting(run.config, name) for name in settings},
        n=scores.result.n if scores else None,
        cells=_cells(scores.result, columns) if scores else tuple(Cell(None) for _ in columns),
        comparable=reason is None,
        reason=reason,
    )
    if scores is None:
        return Entry(row, None, {}, None)
    groups = {bias.attribute: tuple(group.group for group in bias.groups) for bias in scores.result.biases}
    edges = run.config.get("age_edges", AGE_EDGES)
    return Entry(row, scores, groups, scored(predictions, groups, edges) if predictions else None)


def constant_entry(entry: Entry, columns: Sequence[str], resamples: int) -> Entry | None:
    """The constant predictor on the images of a run's entry, None where the run has none.

    Its intervals and noise are not stored with a run, and need predictions for the ages and groups of the images.
    """
    constant = entry.scores.result.baseline if entry.scores else None
    if entry.scores is None or constant is None:
        return None
    if entry.scored is None:
        reasons = {bias.attribute: bias.reason for bias in entry.scores.result.biases}
        values = {MAE: constant.mae, **constant.bias}
        cells = tuple(Cell(values.get(column), _reason(column, reasons)) for column in columns)
    else:
        cells = _cells(constant_result(entry.scored, constant.age, entry.scores.split, resamples), columns)
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


def _cells(result: SplitResult, columns: Sequence[str]) -> tuple[Cell, ...]:
    return tuple(_cell(result, column) for column in columns)


def _cell(result: SplitResult, column: str) -> Cell:
    if column == MAE:
        return Cell(result.mae, interval=result.mae_interval)
    bias = result.bias(column)
    if bias is None:
        return Cell(None, _reason(column, {}))
    return Cell(bias.value, bias.reason, interval=bias.interval, noise=bias.noise.p95 if bias.noise else None)


def _reason(column: str, reasons: Mapping[str, str | None]) -> str | None:
    return reasons.get(column) if column == MAE or column in reasons else f"the data has no {column}"
