"""Differences of rows to a baseline: their intervals, and tests of whether the settings differ."""

import math
import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ageui.compare.comparison import MAE, Group, Marking
from ageui.compare.comparison_cache import ComparisonCache, Key
from ageui.compare.difference_test import Side, difference_test, seeds_to_settle
from ageui.compare.draft_rows import DraftRow, column_form
from ageui.compare.figure_names import figure_unit
from ageui.compare.folding import is_repeat
from ageui.compare.many_tests import adjusted
from ageui.compare.paired import MakeForm, PairedDifference, paired_differences
from ageui.compare.seed_variance import SeedVariance
from ageui.present.figures import YEARS
from ageui.present.marks import REAL
from ageui.present.table import Difference
from engine.image_errors import ImageErrors

if TYPE_CHECKING:
    from ageui.compare.draft_rows import Columns
    from engine.data.manifest import Progress

SETTLED_YEARS = 0.25
EQUIVALENCE = 0.9
"""The confidence of an interval that must lie inside the margin: two one-sided tests at 5% each."""


@dataclass(frozen=True)
class Differences:
    """Drafts with their differences, the number of tests in each family, and notes."""

    drafts: list[DraftRow]
    tests: int
    further_tests: int
    notes: list[str]


def with_differences(
    drafts: Sequence[DraftRow],
    against: DraftRow,
    columns: "Columns",
    main: Collection[str],
    seeds: Mapping[str, SeedVariance],
    marking: Marking,
    resamples: int,
    cache: ComparisonCache,
    progress: "Progress",
) -> Differences:
    """The drafts with the differences of comparable ones to the baseline. Repeats of the baseline have none.

    Works on one figure at a time, so that the same draws of images serve all rows.

    Parameters
    ----------
    drafts
        All rows of the comparison.
    against
        The baseline, one of `drafts`.
    columns
        The figures of every row.
    main
        The figures whose tests form the first family: MAE and biases. All others form the second.
    seeds
        The seed variance of each figure, where settings were repeated.
    marking
        The options of the tests.
    resamples
        Number of bootstrap samples; 0 computes no intervals and no tests.
    cache
        Differences of earlier comparisons; new ones are added.
    progress
        Called before each figure.
    """
    others = [
        draft for draft in drafts if draft is not against and draft.row.comparable and not is_repeat(draft, against)
    ]
    paired = {}
    for place, (column, group) in enumerate(columns.items()):
        progress("testing differences to the baseline", place, len(columns))
        form = partial(column_form, column, group)
        paired[column] = _paired(others, against, place, column, form, resamples, cache)
    shared = {id(draft) for draft in others if _share_trainings(draft, against)}
    tested = {
        column: [
            None
            if one is None
            else _difference(one, draft, against)
            if id(draft) in shared
            else _tested(one, draft, against, place, seeds.get(column), group, _margin(column, marking))
            for draft, one in zip(others, paired[column], strict=True)
        ]
        for place, (column, group) in enumerate(columns.items())
    }
    families = [[name for name in columns if (name in main) is is_main] for is_main in (True, False)]
    counts = [_adjust([tested[name] for name in family], marking) for family in families]
    by_row = {id(draft): row for draft, row in zip(others, zip(*tested.values(), strict=True), strict=True)}
    found = [
        replace(draft, row=replace(draft.row, is_baseline=True))
        if draft is against
        else _with(draft, by_row[id(draft)])
        if id(draft) in by_row
        else draft
        for draft in drafts
    ]
    apart = [number for number, draft in enumerate(others) if id(draft) not in shared]
    maes = [(paired[MAE][number], tested[MAE][number]) for number in apart]
    notes = _single_seeds([others[number] for number in apart], against, maes, seeds.get(MAE))
    if names := [draft.row.name for draft in others if id(draft) in shared]:
        notes.append(
            f"{', '.join(names)}: not tested against {against.row.name}, since one training is behind both; tests of "
            "ensembles need disjoint members"
        )
    return Differences(found, counts[0], counts[1], notes)


def _with(draft: DraftRow, differences: Sequence[Difference | None]) -> DraftRow:
    pairs = zip(draft.row.cells, differences, strict=True)
    return replace(draft, row=replace(draft.row, cells=tuple(replace(cell, difference=one) for cell, one in pairs)))


def _paired(
    drafts: Sequence[DraftRow],
    against: DraftRow,
    place: int,
    column: str,
    form: MakeForm,
    resamples: int,
    cache: ComparisonCache,
) -> list[PairedDifference | None]:
    """The difference of each draft in one figure; those that are not in the cache are drawn together."""
    plain = [_undrawn(draft, against, place) for draft in drafts]
    finite = {number: one for number, one in enumerate(plain) if one is not None and math.isfinite(one.value)}
    keys = {number: _key(drafts[number], against, column) for number in finite}
    missing = [
        number
        for number, key in keys.items()
        if resamples and key not in cache.differences and _may_be_drawn(drafts[number], form)
    ]
    if missing and _may_be_drawn(against, form):
        sides = [_errors(drafts[number]) for number in missing]
        drawn = paired_differences(sides, _errors(against), form, resamples=resamples)
        for number, difference in zip(missing, drawn, strict=True):
            cache.differences[keys[number]] = replace(difference, value=finite[number].value)
    return [cache.differences.get(keys[number], one) if number in finite else one for number, one in enumerate(plain)]


def _undrawn(draft: DraftRow, against: DraftRow, place: int) -> PairedDifference | None:
    cell, base = draft.row.cells[place], against.row.cells[place]
    if cell.value is None or base.value is None or not (cell.comparable and base.comparable):
        return None
    return PairedDifference(cell.value - base.value, None, None)


def _key(draft: DraftRow, against: DraftRow, column: str) -> Key:
    return (*(tuple(part.identity for part in side.parts) for side in (draft, against)), column)


def _may_be_drawn(draft: DraftRow, form: MakeForm) -> bool:
    return all(part.errors is not None and form(part.errors) is not None for part in draft.parts)


def _errors(draft: DraftRow) -> list[ImageErrors]:
    return [part.errors for part in draft.parts if part.errors]


def _tested(
    paired: PairedDifference,
    draft: DraftRow,
    against: DraftRow,
    place: int,
    seeds: SeedVariance | None,
    group: Group | None,
    margin: float | None,
) -> Difference:
    """The difference with its test over images and seeds, or with its interval over images if a side has one seed."""
    images = group.n if group is not None else draft.row.n
    sides = [side for one in (draft, against) if (side := _side(one, place)) is not None]
    if paired.variance is None or images is None or images < 2 or not sides:
        return Difference(paired.value, paired.interval)
    test = difference_test(paired.value, paired.variance, images, sides, seeds)
    if test is None:
        return _difference(paired, draft, against)
    equivalent = None
    if margin is not None:
        ends = test.interval(EQUIVALENCE)
        equivalent = -margin <= ends.low and ends.high <= margin
    return Difference(paired.value, test.interval(), test.p_value, None, equivalent)


def _difference(paired: PairedDifference, draft: DraftRow, against: DraftRow) -> Difference:
    """The difference without a test."""
    # Between a single run and a mean over seeds, an interval over images alone would look narrower than it is.
    is_single = all(len(one.parts) == 1 for one in (draft, against))
    return Difference(paired.value, paired.interval if is_single else None)


def _share_trainings(draft: DraftRow, against: DraftRow) -> bool:
    """Whether a training is behind runs of both sides that are not made from the same trainings.

    Those that are, such as a run and its calibration, leave the test valid: their figures go up and down together, so
    it is conservative.
    """
    ours, theirs = ([run.trainings for part in one.parts for run in part.runs] for one in (draft, against))
    return any(own & other and own != other for own in ours for other in theirs)


def _margin(column: str, marking: Marking) -> float | None:
    """The margin of equivalence of a figure in years; None for other units."""
    return marking.margin if figure_unit(column).name == YEARS.name else None


def _side(draft: DraftRow, place: int) -> Side | None:
    """The variance of one figure over the seeds of a draft; None for a constant."""
    if not draft.runs:
        return None
    values = [value for part in draft.parts if (value := part.row.cells[place].value) is not None]
    return Side(len(values), float(np.var(values, ddof=1)) if len(values) > 1 else 0.0)


def _adjust(family: Sequence[list[Difference | None]], marking: Marking) -> int:
    """Adjusts the p-values of one family in place, and returns the number of its tests."""
    places = [
        (column, row, difference.p_value)
        for column in family
        for row, difference in enumerate(column)
        if difference is not None and difference.p_value is not None
    ]
    corrected = adjusted([p_value for _, _, p_value in places], marking.correction)
    for (column, row, _), value in zip(places, corrected, strict=True):
        difference = column[row]
        assert difference is not None
        column[row] = replace(difference, adjusted=value)
    return len(places)


def _single_seeds(
    drafts: Sequence[DraftRow],
    against: DraftRow,
    maes: Iterable[tuple[PairedDifference | None, Difference | None]],
    seeds: SeedVariance | None,
) -> list[str]:
    """Why differences between single runs carry no mark, and how many seeds would settle them."""
    untested = [
        (draft, one.variance)
        for draft, (one, difference) in zip(drafts, maes, strict=True)
        if one is not None and one.variance is not None and difference is not None and difference.p_value is None
    ]
    if not untested:
        return []
    variances = [variance for draft, variance in untested if draft.runs and against.runs]
    text = f"no {REAL} without a second seed on both sides"
    if seeds is None or not variances:
        return [text]
    needed = seeds_to_settle(SETTLED_YEARS, statistics.median(variances), seeds)
    if needed is None:
        return [f"{text}; more seeds cannot settle {SETTLED_YEARS} years of MAE here, more images can"]
    return [f"{text}; about {needed} seeds a side settle {SETTLED_YEARS} years of MAE with 80% power"]
