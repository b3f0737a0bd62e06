"""Decides which marks a cell carries."""

from ageui.present.table import Cell, Difference, Table

BEST, NOISE, REAL, EQUIVALENT, APART, PUBLISHED, FRONT, NO_BETTER = "★", "~", "✔", "≈", "≠", "◆", "▲", "∅"

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
    carried = {
        PUBLISHED: cell.published,
        APART: not cell.comparable and not is_empty,
        BEST: cell.best,
        FRONT: cell.on_front,
        NOISE: cell.inside_noise,
        NO_BETTER: cell.no_better,
    }
    return tuple(mark for mark, is_carried in carried.items() if is_carried)


def marks_of_difference(difference: Difference) -> tuple[str, ...]:
    """The marks of a difference to the baseline."""
    if difference.real:
        return (REAL,)
    return (EQUIVALENT,) if difference.equivalent else ()
