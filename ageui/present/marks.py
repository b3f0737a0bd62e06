"""Decides which marks a cell carries."""

import itertools

from ageui.present.table import Cell, Difference, Table

BEST, NOISE, REAL, EQUIVALENT, APART, PUBLISHED, FRONT, NO_BETTER = "★", "~", "✔", "≈", "≠", "◆", "◇", "∅"

_ORDER = (PUBLISHED, APART, BEST, FRONT, NOISE, NO_BETTER)

MEANINGS = {
    NOISE: "inside noise: cannot be told from no bias (p above 0.05)",
    NO_BETTER: "no better than the constant predictor",
}
"""The meaning of marks that need no more to be understood than the cell they are in."""


def marks_in(table: Table) -> list[str]:
    """The marks of `MEANINGS` that a table carries."""
    carried = {mark for row in table.rows for cell in row for mark in marks_of(cell)}
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


def marks_of_difference(difference: Difference) -> tuple[str, ...]:
    """The marks of a difference to the baseline."""
    if difference.real:
        return (REAL,)
    return (EQUIVALENT,) if difference.equivalent else ()
