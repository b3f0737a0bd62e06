"""Decides which marks a cell carries, and says what they mean."""

import itertools
from collections.abc import Iterable
from dataclasses import replace

from ageui.present.table import Cell, Difference, Note, Table

BEST, NOISE, REAL, EQUIVALENT, APART, PUBLISHED, FRONT, NO_BETTER = "★", "~", "✔", "≈", "≠", "◆", "◇", "∅"

_ORDER = (PUBLISHED, APART, BEST, FRONT, NOISE, NO_BETTER)

MEANINGS = {
    BEST: "best of the runs; runs with the same printed figure share it",
    NOISE: "inside noise: cannot be told from no bias (p above 0.05)",
    REAL: "the settings differ, beyond the choice of seeds and images",
    EQUIVALENT: "the settings differ by less than the margin",
    FRONT: "on the Pareto front: no run is as good in all of these and better in one",
    NO_BETTER: "no better than the constant predictor",
    PUBLISHED: "published, not measured here",
    APART: "on other images, splits or targets, so not compared",
}
"""The meaning of every mark. Where a mark depends on tests or on a run, a legend may say more."""

_BRIEF = {
    BEST: "best",
    NOISE: "inside noise",
    REAL: "settings differ",
    EQUIVALENT: "equal",
    FRONT: "Pareto front",
    NO_BETTER: "no better than the constant",
    PUBLISHED: "published",
    APART: "other images",
}


def brief(mark: str) -> str:
    """A mark and its meaning for a line that holds several: `★ best`."""
    return f"{mark} {_BRIEF[mark]}"


def with_meanings(table: Table) -> Table:
    """The table with a legend of the marks that its cells carry."""
    return replace(table, legend=tuple(Note(mark, MEANINGS[mark]) for mark in marks_in(*table.rows)))


def marks_in(*rows: Iterable[Cell]) -> list[str]:
    """The distinct marks that cells and their differences carry."""
    carried = {
        mark for row in rows for cell in row for mark in (*marks_of(cell), *marks_of_difference(cell.difference))
    }
    return [mark for mark in MEANINGS if mark in carried]


def marks_of(cell: Cell) -> tuple[str, ...]:
    """The marks of a cell's figure or words, in order."""
    is_empty = cell.value is None and not cell.text
    carried = (
        cell.published,
        not cell.comparable and not is_empty,
        cell.best,
        cell.on_front,
        cell.inside_noise,
        cell.no_better,
    )
    return tuple(itertools.compress(_ORDER, carried)) if any(carried) else ()


def marks_of_difference(difference: Difference | None) -> tuple[str, ...]:
    """The marks of a difference to the baseline, if any."""
    if difference is None:
        return ()
    if difference.real:
        return (REAL,)
    return (EQUIVALENT,) if difference.equivalent else ()
