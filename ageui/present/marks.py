"""Decides which marks a cell carries."""

from ageui.present.table import Cell, Difference

BEST, NOISE, REAL, EQUIVALENT, APART, PUBLISHED, FRONT = "★", "~", "✔", "≈", "≠", "◆", "▲"


def marks_of(cell: Cell) -> tuple[str, ...]:
    """The marks of a cell's figure or words, in order."""
    is_empty = cell.value is None and not cell.text
    carried = {
        PUBLISHED: cell.published,
        APART: not cell.comparable and not is_empty,
        BEST: cell.best,
        FRONT: cell.on_front,
        NOISE: cell.inside_noise,
    }
    return tuple(mark for mark, is_carried in carried.items() if is_carried)


def marks_of_difference(difference: Difference) -> tuple[str, ...]:
    """The marks of a difference to the baseline."""
    if difference.real:
        return (REAL,)
    return (EQUIVALENT,) if difference.equivalent else ()
