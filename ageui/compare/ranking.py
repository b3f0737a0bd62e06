"""Several figures at once: the average rank, which is the course's leaderboard rule, and the Pareto front.

Rows hold figures, of which lower is better; None and NaN are missing figures. A row with a missing figure has no rank,
is on no front and keeps no other row off it. Rank and front ignore chance.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ageui.compare.comparison import ComparedRow

Figures = Sequence[float | None]


def average_ranks(rows: Sequence[Figures]) -> list[float | None]:
    """The mean over figures of each row's place among all rows.

    Parameters
    ----------
    rows
        The figures of each row, in the same order.

    Returns
    -------
    list of float or None
        Average ranks from 1; rows that tie share the mean of their places. None for rows with a missing figure.

    Examples
    --------
    >>> average_ranks([(6.0, 0.5), (7.0, 0.5), (8.0, None)])
    [1.25, 1.75, None]
    """
    whole = _whole(rows)
    columns = [sorted(column) for column in zip(*filter(None, whole), strict=True)]
    return [None if own is None else math.fsum(map(_rank, own, columns)) / len(own) for own in whole]


def pareto_front(rows: Sequence[Figures]) -> list[bool | None]:
    """Whether each row is on the Pareto front: no other row is as good in all figures and better in one.

    Parameters
    ----------
    rows
        The figures of each row, in the same order.

    Returns
    -------
    list of bool or None
        None for rows with a missing figure. Rows with equal figures are on the front together.

    Examples
    --------
    >>> pareto_front([(6.0, 2.0), (7.0, 1.0), (7.0, 2.0)])
    [True, True, False]
    """
    whole = _whole(rows)
    others = np.array([other for other in whole if other is not None])
    return [None if own is None else not _is_dominated(own, others) for own in whole]


def fair_places(rows: Sequence[ComparedRow]) -> list[int]:
    """The places of the comparable runs.

    Scores on images that chose their weights are too good: such runs count only if all are such.
    """
    runs = [place for place, row in enumerate(rows) if row.kind == "run" and row.comparable]
    return [place for place in runs if not rows[place].is_selected] or runs


def ranked(
    rows: Sequence[ComparedRow], columns: Sequence[str], main: Collection[str]
) -> tuple[list[ComparedRow], tuple[str, ...]]:
    """The rows of a comparison with their average rank and Pareto mark, and the columns behind these.

    Parameters
    ----------
    rows
        The rows of a comparison. Only the runs at its `fair_places` are ranked, and only if there are at least two.
    columns
        The names of the cells of each row.
    main
        The columns to rank over: MAE and biases. Columns without a figure do not count.

    Returns
    -------
    tuple
        The rows, and the names of the columns they are ranked over, empty if no rows are ranked.
    """
    runs = fair_places(rows)
    used = [
        place
        for place, column in enumerate(columns)
        if column in main and any(_value(rows[run], place) is not None for run in runs)
    ]
    figures = [[_value(rows[run], place) for place in used] for run in runs]
    whole = [run for run, own in zip(runs, figures, strict=True) if own and None not in own]
    if len(whole) < 2:
        return list(rows), ()
    found = dict(zip(runs, zip(average_ranks(figures), pareto_front(figures), strict=True), strict=True))
    marked = [
        replace(row, rank=found[place][0], on_front=found[place][1]) if place in found else row
        for place, row in enumerate(rows)
    ]
    return marked, tuple(columns[place] for place in used)


def _value(row: ComparedRow, place: int) -> float | None:
    cell = row.cells[place]
    return None if cell.value is None or math.isnan(cell.value) or not cell.comparable else cell.value


def _whole(rows: Sequence[Figures]) -> list[list[float] | None]:
    """The rows that have all figures; None in place of the others."""
    known = [[value for value in row if value is not None and not math.isnan(value)] for row in rows]
    return [own if own and len(own) == len(row) else None for own, row in zip(known, rows, strict=True)]


def _rank(value: float, every: Sequence[float]) -> float:
    """The place of one figure among all of its column, sorted."""
    better, up_to = bisect_left(every, value), bisect_right(every, value)
    return (better + up_to + 1) / 2


def _is_dominated(row: Sequence[float], others: NDArray[np.float64]) -> bool:
    """Whether another row, of `others` (rows, figures), is as good in all figures and better in one."""
    return bool(((others <= row).all(axis=1) & (others < row).any(axis=1)).any())
