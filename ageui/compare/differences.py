"""How far the figures of rows are from those of a baseline."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ageui.compare.comparison import Difference, Group
from ageui.compare.comparison_cache import Key, Known
from ageui.compare.draft_rows import Entry
from ageui.compare.folding import differences_of_means
from ageui.compare.image_errors import has_images

if TYPE_CHECKING:
    from ageui.compare.draft_rows import Columns


def with_differences(
    entries: Sequence[Entry], against: Entry, columns: "Columns", resamples: int, known: Known
) -> list[Entry]:
    """The entries, those that can be compared with their differences to the baseline, which is one of them.

    A figure at a time, so that the same draws of images serve all rows.
    """
    others = [entry for entry in entries if entry is not against and entry.row.comparable]
    by_column = [
        _differences(others, against, place, column, group, resamples, known)
        for place, (column, group) in enumerate(columns.items())
    ]
    by_row = zip(*by_column, strict=True)
    return [
        replace(entry, row=replace(entry.row, is_baseline=True))
        if entry is against
        else _with(entry, next(by_row))
        if entry.row.comparable
        else entry
        for entry in entries
    ]


def _with(entry: Entry, differences: Sequence[Difference | None]) -> Entry:
    pairs = zip(entry.row.cells, differences, strict=True)
    return replace(entry, row=replace(entry.row, cells=tuple(replace(cell, difference=one) for cell, one in pairs)))


def _differences(
    entries: Sequence[Entry],
    against: Entry,
    place: int,
    column: str,
    group: Group | None,
    resamples: int,
    known: Known,
) -> list[Difference | None]:
    """Of each entry the difference in one figure; those with intervals that are not known yet are drawn together."""
    plain = [_without_interval(entry, against, place) for entry in entries]
    finite = {number: one for number, one in enumerate(plain) if one is not None and math.isfinite(one.value)}
    keys = {number: _key(entries[number], against, column) for number in finite}
    missing = [
        number
        for number, key in keys.items()
        if resamples and key not in known.differences and _may_be_drawn(entries[number], column, group)
    ]
    if missing and _may_be_drawn(against, column, group):
        drawn = differences_of_means([entries[number] for number in missing], against, place, column, group, resamples)
        for number, difference in zip(missing, drawn, strict=True):
            known.differences[keys[number]] = replace(finite[number], interval=difference.interval)
    return [known.differences.get(keys[number], one) if number in finite else one for number, one in enumerate(plain)]


def _without_interval(entry: Entry, against: Entry, place: int) -> Difference | None:
    cell, base = entry.row.cells[place], against.row.cells[place]
    if cell.value is None or base.value is None or not (cell.comparable and base.comparable):
        return None
    return Difference(cell.value - base.value, None)


def _key(entry: Entry, against: Entry, column: str) -> Key:
    return (*(tuple(part.identity for part in side.parts) for side in (entry, against)), column)


def _may_be_drawn(entry: Entry, column: str, group: Group | None) -> bool:
    return all(part.scored is not None and has_images(part.scored, column, group) for part in entry.parts)
