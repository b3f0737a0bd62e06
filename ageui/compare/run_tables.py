"""The figures of one run as tables: scores per split, biases, groups, epochs, or published figures."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ageui.compare.comparison import MAE
from ageui.compare.epoch_figures import figure_of_epoch
from ageui.compare.figure_names import SELECTED, SIGNED_GAP, figure_name, split_title
from ageui.present.figures import (
    COUNT,
    EPOCH_LOSS,
    LEARNING_RATE,
    LOSS,
    NUMBER,
    P_VALUE,
    SECONDS,
    SIGNED_YEARS,
    SPEED,
    YEARS,
    Unit,
    between,
    number,
)
from ageui.present.marks import MEANINGS, NO_BETTER
from ageui.present.table import BLANK, Cell, Column, Table, figure_columns, name_columns, words
from ageui.text.duplicates import duplicates_lines
from ageui.text.states import diverged_text

if TYPE_CHECKING:
    from ageui.store import Epoch, RunDetail, SplitScores, Summary
    from engine.split_result import BiasResult, GapFigure, Interval, SplitResult

_BAR_CELLS = 12
_TRAIN_LOSS, _LR, _SECONDS, _SPEED = map(figure_of_epoch, ("train_loss", "lr", "seconds", "images_per_second"))


def scores_table(run: "RunDetail") -> Table:
    """A row per figure and two columns per split, so that the width does not depend on the number of attributes."""
    results = [scores.result for scores in run.results]
    attributes = dict.fromkeys(bias.attribute for result in results for bias in result.biases)
    columns = [column for scores in run.results for column in figure_columns(split_title(scores), "95%")]
    rows = [
        ("images", [(Cell(result.n, unit=COUNT), BLANK) for result in results]),
        ("MAE", [(_mae(result), _range(result.mae_interval)) for result in results]),
        *(row for name in attributes for row in _bias_rows(name, [result.bias(name) for result in results])),
        ("signed error", [(Cell(result.signed, unit=SIGNED_YEARS), BLANK) for result in results]),
        ("MAE of constant", [(Cell(one.mae if (one := result.baseline) else None), BLANK) for result in results]),
    ]
    cells = tuple((words(name), *(cell for pair in pairs for cell in pair)) for name, pairs in rows)
    return Table((Column(""), *columns), cells)


def _mae(result: "SplitResult") -> Cell:
    return Cell(result.mae, no_better=result.is_no_better_than_constant)


def published_table(summary: "Summary") -> Table:
    """A row per published figure of a run."""
    figures = {MAE: summary.mae, **summary.bias}
    rows = [(words(figure_name(name)), Cell(value)) for name, value in figures.items() if value is not None]
    if summary.best_val_loss is not None:
        rows.append((words("validation loss"), Cell(summary.best_val_loss, unit=LOSS)))
    return Table((Column(""), Column("", "figure")), tuple(rows))


def explanations(run: "RunDetail") -> list[str]:
    """The meaning of the figures and marks in these tables, and why some are missing."""
    results = run.results
    lines = [diverged_text(run.kept.epoch if run.kept else None)] if run.status == "diverged" and results else []
    lines += [
        "in years, with 95% bootstrap intervals; a bias is the mean gap between the MAEs of an attribute's groups",
        "~ cannot be told from no bias (p above 0.05)   detectable: the smallest bias found in four of five samples   "
        "signed error: predicted − true age   constant: always says the train mean   more: ageui explain bias",
        f"signed gap: {SIGNED_GAP}",
    ]
    if any(scores.result.is_no_better_than_constant for scores in results):
        lines.append(f"{NO_BETTER} {MEANINGS[NO_BETTER]}")
    if any(scores.is_selected for scores in results):
        lines.append(f"selected: {SELECTED}")
    lines += duplicates_lines(((one.split, one.result.n, one.in_train, one.data_name) for one in results), str(run.id))
    for scores in results:
        if scores.is_stale:
            stale = "intervals and marks of an earlier version, until the background has scored it again"
            lines.append(f"{scores.split}: {stale}")
        elif scores.result.mae_interval is None:
            lines.append(f"{scores.split}: no intervals and tests, since {_why_no_intervals(scores.result)}")
        lines += [
            f"no test of {b.attribute} on {scores.split}: {b.untested}" for b in scores.result.biases if b.untested
        ]
        lines += [f"— {b.attribute} bias on {scores.split}: {b.reason}" for b in scores.result.biases if b.reason]
        missing = [f"{b.missing} of {b.attribute}" for b in scores.result.biases if b.missing]
        lines += [f"{scores.split}: no value for {', '.join(missing)}"] if missing else []
    return lines


def _why_no_intervals(result: "SplitResult") -> str:
    if not math.isfinite(result.mae):
        return "an error is not finite"
    return "it has a single image" if result.n == 1 else "no predictions are stored"


def groups_table(scores: "SplitScores") -> Table:
    """A row per group, with a bar, and below the groups of an attribute the gap between the worst and the best."""
    groups = [group for bias in scores.result.biases for group in bias.groups]
    maes = [group.mae for group in groups if group.mae is not None and math.isfinite(group.mae)]
    columns = (*name_columns("attribute", "group"), *figure_columns("images", "MAE", "95%", "signed"), Column(""))
    rows = [row for bias in scores.result.biases for row in _group_rows(bias, max(maes, default=1.0))]
    return Table(columns, tuple(rows), f"groups of {scores.split}")


def biases_table(scores: "SplitScores") -> Table:
    """A row per attribute: its bias, the smallest one that could be found, its signed gap, and the worst group."""
    titles = ("bias", "95%", "p", "detectable", "signed gap", "95%", "worst group", "95%")
    rows = [
        (
            words(bias.attribute),
            *_gap(bias),
            Cell(bias.p_value, unit=P_VALUE),
            Cell(bias.detectable),
            *_gap(bias.signed_gap),
            words(f"{bias.worst.group} {number(bias.worst.mae)}" if bias.worst else None),
            _range(bias.worst_interval),
        )
        for bias in scores.result.biases
    ]
    return Table((*name_columns("attribute"), *figure_columns(*titles)), tuple(rows), f"biases on {scores.split}")


def epochs_table(
    epochs: "Sequence[Epoch]", title: str = "", *, kept: int | None = None, shown: slice = slice(None)
) -> Table:
    """A row per epoch of those `shown`; the best validation loss and MAE of all epochs are marked, and the epoch whose
    weights are `kept` says so."""
    best = [_best([epoch.val_loss for epoch in epochs], EPOCH_LOSS), _best([epoch.val_mae for epoch in epochs], YEARS)]
    columns = (
        *figure_columns("epoch"),
        Column("stage", "figure", leaves=1),
        *figure_columns("train loss", "val loss", "val MAE"),
        Column("learning rate", "figure", leaves=3),
        Column("seconds", "figure", leaves=2),
        Column("images/s", "figure", leaves=0),
        Column(""),
    )
    rows = [
        (
            Cell(epoch.epoch, unit=NUMBER),
            Cell(epoch.stage, unit=NUMBER),
            Cell(_TRAIN_LOSS(epoch), unit=EPOCH_LOSS),
            Cell(epoch.val_loss, unit=EPOCH_LOSS, best=number(epoch.val_loss, EPOCH_LOSS) == best[0]),
            Cell(epoch.val_mae, best=number(epoch.val_mae) == best[1]),
            Cell(_LR(epoch), unit=LEARNING_RATE),
            Cell(_SECONDS(epoch), unit=SECONDS),
            Cell(_SPEED(epoch), unit=SPEED),
            words("kept") if epoch.epoch == kept else BLANK,
        )
        for epoch in epochs[shown]
    ]
    return Table(columns, tuple(rows), title)


def _best(values: "Sequence[float | None]", unit: Unit) -> str | None:
    """The lowest of the finite values, as it is printed."""
    finite = [value for value in values if value is not None and math.isfinite(value)]
    return number(min(finite), unit) if finite else None


def _gap(gap: "GapFigure | None") -> tuple[Cell, Cell]:
    """A bias or signed gap, marked if it is inside noise, and its interval."""
    return (Cell(gap.value, p_value=gap.p_value), _range(gap.interval)) if gap is not None else (Cell(), BLANK)


def _bias_rows(name: str, biases: "list[BiasResult | None]") -> Iterator[tuple[str, list[tuple[Cell, Cell]]]]:
    """A bias, the smallest one that could be found at these group sizes, and the signed gap, in each split."""
    yield figure_name(name), [_gap(bias) for bias in biases]
    if any(bias is not None and (bias.detectable is not None or bias.untested) for bias in biases):
        yield "  detectable", [(_detectable(bias), BLANK) for bias in biases]
    yield "  signed gap", [_gap(bias.signed_gap if bias else None) for bias in biases]


def _detectable(bias: "BiasResult | None") -> Cell:
    if bias is not None and bias.untested:
        return words("untested", tone="dim")
    return Cell(bias.detectable if bias else None, tone="dim")


def _range(interval: "Interval | None") -> Cell:
    return Cell(text=between(interval))


def _group_rows(bias: "BiasResult", largest: float) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    attribute = words(bias.attribute)
    for group in bias.groups:
        mae = group.mae
        bar = "" if mae is None or not math.isfinite(mae) else "▇" * round(_BAR_CELLS * mae / max(largest, 1e-9))
        worst = "  worst" if bias.worst == group and len(bias.groups) > 1 else ""
        figures = (Cell(group.n, unit=COUNT), Cell(group.mae), _range(group.interval))
        signed = Cell(group.signed, unit=SIGNED_YEARS)
        rows.append((attribute, words(group.group), *figures, signed, Cell(text=bar + worst)))
        attribute = BLANK
    if bias.gap is not None and len(bias.groups) > 2:
        name = Cell(text="worst − best", tone="dim")
        rows.append((BLANK, name, BLANK, Cell(bias.gap), _range(bias.gap_interval), BLANK, BLANK))
    return rows
