"""The words around a plot: shortened to their room, and placed so that none covers another."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

StyledText = tuple[str, Style]

_FURTHEST = 3


def shortened(text: str, width: int) -> str:
    """The text in at most `width` cells, with … for what was cut off."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 0 else ""


def strip_of(parts: Iterable[StyledText], width: int, ground: Style) -> Strip:
    """Parts of text beside each other in exactly `width` cells."""
    strip = Strip([Segment(text, style) for text, style in parts if text])
    return strip.adjust_cell_length(width, ground)


@dataclass(frozen=True)
class Item:
    """What a legend says of a series. `weight` is larger for what should rather stay where there is no room."""

    marker: str
    label: str
    value: str
    color: Style
    weight: int


def legend(items: Sequence[Item], rows: int, width: int, value_width: int, plain: Style) -> list[list[StyledText]]:
    """Items in at most `rows` lines, in order; the lightest give way to a count of those that are left out.

    The room of a value does not depend on it, so that nothing moves while values change.
    """
    widest = max(width // 3, 12) if len(items) > 1 else width - value_width - 4
    cells = []
    for item in items:
        label = shortened(item.label, widest)
        value = shortened(item.value, value_width).ljust(value_width)
        parts = [(f"{item.marker} ", item.color), (label, item.color), (f" {value} ", plain)]
        cells.append((cell_len(label) + value_width + 4, parts))
    kept = sorted(range(len(items)), key=lambda place: -items[place].weight)
    while kept:
        more = f"+{len(items) - len(kept)} more"
        rest = [(len(more), [(more, plain)])] if len(kept) < len(items) else []
        lines = _wrapped([cells[place] for place in sorted(kept)] + rest, width)
        if len(lines) <= rows:
            return lines
        kept.pop()
    return []


def _wrapped(cells: Iterable[tuple[int, list[StyledText]]], width: int) -> list[list[StyledText]]:
    """Parts of a known width each, in as few lines as they fit in."""
    lines: list[list[StyledText]] = [[]]
    used = 0
    for room, parts in cells:
        if used and used + room > width:
            lines.append([])
            used = 0
        lines[-1] += parts
        used += room
    return lines


def spread(wanted: Mapping[int, int], weights: Mapping[int, int], rows: int) -> dict[int, int]:
    """A row of its own for each label, by key: the wanted one or one close by, in the order of those wanted.

    Where there is no room the lightest labels are left out.
    """
    taken: set[int] = set()
    kept: list[int] = []
    for key in sorted(wanted, key=lambda key: -weights[key]):
        near = (wanted[key] + sign * far for far in range(_FURTHEST + 1) for sign in (1, -1))
        row = next((row for row in near if 0 <= row < rows and row not in taken), None)
        if row is not None:
            taken.add(row)
            kept.append(key)
    kept.sort(key=lambda key: (wanted[key], key))
    return dict(zip(kept, sorted(taken), strict=True))


def along(ticks: Iterable[tuple[int, str]], width: int) -> str:
    """Labels centred on their columns in one line of `width` cells; those that would touch another are left out."""
    line, free = "", 0
    for column, label in ticks:
        begin = max(min(column - cell_len(label) // 2, width - cell_len(label)), 0)
        if begin >= free and begin + cell_len(label) <= width:
            line = line.ljust(begin) + label
            free = len(line) + 1
    return line.ljust(width)


def beside(column: int, text: str, empty: NDArray[np.bool_]) -> tuple[int, int] | None:
    """Row and column, next to a vertical line, where text covers nothing; `empty` (H, W) says which cells are free."""
    height, width = empty.shape
    size = cell_len(text)
    for row in range(height):
        for begin in (column + 1, column - size):
            if begin >= 0 and begin + size <= width and empty[row, begin : begin + size].all():
                return row, begin
    return None
