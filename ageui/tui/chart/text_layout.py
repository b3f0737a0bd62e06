"""Lays out the text of a chart: the legend, tick labels, and labels that must not overlap."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ageui.present.terminal import shortened

StyledText = tuple[str, Style]

_FURTHEST = 3
_LABEL_GAP = 2


def strip_of(parts: Iterable[StyledText], width: int, ground: Style) -> Strip:
    """Joins texts into a strip of exactly `width` cells."""
    strip = Strip([Segment(text, style) for text, style in parts if text])
    return strip.adjust_cell_length(width, ground)


@dataclass(frozen=True)
class LegendEntry:
    """A series in the legend. If room is short, entries with the smallest `weight` are left out first."""

    marker: str
    label: str
    value: str
    color: Style
    weight: int


def legend_lines(
    entries: Sequence[LegendEntry], rows: int, width: int, value_width: int, plain: Style
) -> list[list[StyledText]]:
    """Wraps entries, in order, into at most `rows` lines, and counts those that it leaves out.

    All values get `value_width` cells, so that nothing moves while they change.
    """
    widest = max(width // 3, 12) if len(entries) > 1 else width - value_width - 4
    cells = []
    for entry in entries:
        label = shortened(entry.label, widest)
        value = shortened(entry.value, value_width).ljust(value_width)
        parts = [(f"{entry.marker} ", entry.color), (label, entry.color), (f" {value} ", plain)]
        cells.append((cell_len(label) + value_width + 4, parts))
    kept = sorted(range(len(entries)), key=lambda place: -entries[place].weight)
    while kept:
        more = f"+{len(entries) - len(kept)} more"
        rest = [(len(more), [(more, plain)])] if len(kept) < len(entries) else []
        lines = _wrapped([cells[place] for place in sorted(kept)] + rest, width)
        if len(lines) <= rows:
            return lines
        kept.pop()
    return []


def _wrapped(cells: Iterable[tuple[int, list[StyledText]]], width: int) -> list[list[StyledText]]:
    """Wraps texts, each with its width, into lines."""
    lines: list[list[StyledText]] = [[]]
    used = 0
    for room, parts in cells:
        if used and used + room - 1 > width:
            lines.append([])
            used = 0
        lines[-1] += parts
        used += room
    return lines


def distinct_rows(wanted: Mapping[int, int], weights: Mapping[int, int], rows: int) -> dict[int, int]:
    """A row of its own for each label, by key: the wanted row or one nearby, in the order of the wanted rows.

    If room is short, the labels with the smallest weights are left out.
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


def labelled(ticks: Iterable[tuple[int, str]], width: int) -> dict[int, tuple[int, str]]:
    """The ticks, by column, whose centred labels fit into `width` cells, each with the first cell of its label.

    Leaves out those whose labels would touch another, or not stand at their column.
    """
    found: dict[int, tuple[int, str]] = {}
    free = 0
    for column, label in ticks:
        size = cell_len(label)
        begin = max(min(column - size // 2, width - size), 0)
        if free <= begin <= column < begin + size:
            found[column] = begin, label
            free = begin + size + _LABEL_GAP
    return found


def tick_label_line(ticks: Iterable[tuple[int, str]], width: int) -> str:
    """The labels of ticks in a line of `width` cells, as far as they fit."""
    line = ""
    for begin, label in labelled(ticks, width).values():
        line = line.ljust(begin) + label
    return line.ljust(width)


def room_beside(column: int, text: str, empty: NDArray[np.bool_]) -> tuple[int, int] | None:
    """The first row and column, beside a vertical line, where text covers nothing; `empty` (H, W) marks free cells."""
    height, width = empty.shape
    size = cell_len(text)
    for row in range(height):
        for begin in (column + 1, column - size):
            if begin >= 0 and begin + size <= width and empty[row, begin : begin + size].all():
                return row, begin
    return None
