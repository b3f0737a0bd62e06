"""Differences of rows to a baseline, with their intervals."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ageui.compare.comparison import Group
from ageui.compare.comparison_cache import ComparisonCache, Key
from ageui.compare.draft_rows import DraftRow
from ageui.compare.folding import differences_of_means
from ageui.compare.image_errors import has_images
from ageui.present.table import Difference

if TYPE_CHECKING:
    from ageui.compare.draft_rows import Columns


def with_differences(
    drafts: Sequence[DraftRow], against: DraftRow, columns: "Columns", resamples: int, cache: ComparisonCache
) -> list[DraftRow]:
    """The drafts with the differences of comparable ones to the baseline.

    Works on one figure at a time, so that the same draws of images serve all rows.

    Parameters
    ----------
    drafts
        All rows of the comparison.
    against
        The baseline, one of `drafts`.
    columns
        The figures of every row.
    resamples
        Number of bootstrap samples; 0 computes no intervals.
    cache
        Differences of earlier comparisons; new ones are added.
    """
    others = [draft for draft in drafts if draft is not against and draft.row.comparable]
    by_column = [
        _differences(others, against, place, column, group, resamples, cache)
        for place, (column, group) in enumerate(columns.items())
    ]
    by_row = zip(*by_column, strict=True)
    return [
        replace(draft, row=replace(draft.row, is_baseline=True))
        if draft is against
        else _with(draft, next(by_row))
        if draft.row.comparable
        else draft
        for draft in drafts
    ]


def _with(draft: DraftRow, differences: Sequence[Difference | None]) -> DraftRow:
    pairs = zip(draft.row.cells, differences, strict=True)
    return replace(draft, row=replace(draft.row, cells=tuple(replace(cell, difference=one) for cell, one in pairs)))


def _differences(
    drafts: Sequence[DraftRow],
    against: DraftRow,
    place: int,
    column: str,
    group: Group | None,
    resamples: int,
    cache: ComparisonCache,
) -> list[Difference | None]:
    """The difference of each draft in one figure; intervals that are not in the cache are drawn together."""
    plain = [_without_interval(draft, against, place) for draft in drafts]
    finite = {number: one for number, one in enumerate(plain) if one is not None and math.isfinite(one.value)}
    keys = {number: _key(drafts[number], against, column) for number in finite}
    missing = [
        number
        for number, key in keys.items()
        if resamples and key not in cache.differences and _may_be_drawn(drafts[number], column, group)
    ]
    if missing and _may_be_drawn(against, column, group):
        drawn = differences_of_means([drafts[number] for number in missing], against, place, column, group, resamples)
        for number, difference in zip(missing, drawn, strict=True):
            cache.differences[keys[number]] = replace(finite[number], interval=difference.interval)
    return [cache.differences.get(keys[number], one) if number in finite else one for number, one in enumerate(plain)]


def _without_interval(draft: DraftRow, against: DraftRow, place: int) -> Difference | None:
    cell, base = draft.row.cells[place], against.row.cells[place]
    if cell.value is None or base.value is None or not (cell.comparable and base.comparable):
        return None
    return Difference(cell.value - base.value, None)


def _key(draft: DraftRow, against: DraftRow, column: str) -> Key:
    return (*(tuple(part.identity for part in side.parts) for side in (draft, against)), column)


def _may_be_drawn(draft: DraftRow, column: str, group: Group | None) -> bool:
    return all(part.errors is not None and has_images(part.errors, column, group) for part in draft.parts)
