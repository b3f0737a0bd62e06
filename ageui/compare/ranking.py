"""What several figures say together: the average rank, which is the course's leaderboard rule, and the Pareto front.

Rows hold figures of which lower is better, None or NaN where there is none. A row that lacks a figure is not set
against others: it has no rank, is on no front and keeps none off it. Nothing of this knows of chance.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from ageui.compare.comparison import Row

Figures = Sequence[float | None]


def average_ranks(rows: Sequence[Figures]) -> list[float | None]:
    """The mean over figures of a row's place among all rows, from 1; rows that tie share the mean of their places."""
    whole = _whole(rows)
    return [
        None if own is None else math.fsum(_rank(column, whole) for column in enumerate(own)) / len(own)
        for own in whole
    ]


def pareto_front(rows: Sequence[Figures]) -> list[bool | None]:
    """Whether no other row is as good in all figures and better in one; rows that are equal in all are on it alike."""
    whole = _whole(rows)
    others = [other for other in whole if other is not None]
    return [None if own is None else not any(_dominates(other, own) for other in others) for own in whole]


def ranked(rows: Sequence[Row], columns: Sequence[str]) -> tuple[list[Row], tuple[str, ...]]:
    """The rows with their average rank and Pareto mark, and the columns these are over.

    Those are the `columns` (MAE and biases) in which any run has a figure. Set against each other are runs on the same
    images; a constant predictor is none, and a run alone has no rank.
    """
    runs = [place for place, row in enumerate(rows) if row.kind == "run" and row.comparable]
    values = [[_value(row, place) for place in range(len(columns))] for row in rows]
    used = [place for place in range(len(columns)) if any(values[run][place] is not None for run in runs)]
    figures = [[values[run][place] for place in used] for run in runs]
    whole = [run for run, own in zip(runs, figures, strict=True) if own and None not in own]
    if len(whole) < 2:
        return list(rows), ()
    found = dict(zip(runs, zip(average_ranks(figures), pareto_front(figures), strict=True), strict=True))
    marked = [
        replace(row, rank=found[place][0], on_front=found[place][1]) if place in found else row
        for place, row in enumerate(rows)
    ]
    return marked, tuple(columns[place] for place in used)


def _value(row: Row, place: int) -> float | None:
    cell = row.cells[place]
    return None if cell.value is None or math.isnan(cell.value) or not cell.comparable else cell.value


def _whole(rows: Sequence[Figures]) -> list[list[float] | None]:
    """Rows that have all figures, None in the place of others."""
    known = [[value for value in row if value is not None and not math.isnan(value)] for row in rows]
    return [own if own and len(own) == len(row) else None for own, row in zip(known, rows, strict=True)]


def _rank(figure: tuple[int, float], whole: Sequence[Sequence[float] | None]) -> float:
    """The place of one figure, by its column and value, among all of that column."""
    column, value = figure
    every = [own[column] for own in whole if own is not None]
    better, equal = sum(other < value for other in every), sum(other == value for other in every)
    return better + (equal + 1) / 2


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
