"""Runs that differ only in their seed, folded to one row of means over seeds."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ageui.compare.averaged_scores import Training, averaged_scores
from ageui.compare.comparison import ComparedRow
from ageui.compare.comparison_cache import ComparisonCache
from ageui.compare.draft_rows import Columns, DraftRow, no_errors
from ageui.compare.repeats import Repeatable, Seeds, repeats, seeds_of
from ageui.compare.seed_figures import Across, arithmetic_of, setting_key
from ageui.compare.seeds import mean_and_spread
from ageui.present.table import Cell
from engine.split_result import GapFigure

if TYPE_CHECKING:
    from ageui.store.records import RunDetail


def folded(drafts: Sequence[DraftRow], across: Collection[Across] = ()) -> list[DraftRow]:
    """The drafts with the repeats of each run folded to one, in the place of the first, ordered by seed.

    Repeats differ only in their seed, their device and the differences in `across`, and were scored on the
    same images; a run that is not scored yet joins those that are. Of two runs with the same seed only one is a repeat.
    Constants and published figures stay as they are.
    """
    return [_folded(repeats) for repeats in _repeats(drafts, across)]


def with_tests(draft: DraftRow, columns: Columns, resamples: int, cache: ComparisonCache) -> DraftRow:
    """A row over seeds with the tests of its figures, on the errors of each image averaged over the seeds.

    Without predictions of all seeds the row stays untested.
    """
    trainings = tuple(
        Training(part.row.id, one.images, one.result.mae) for part in draft.members if (one := part.scores)
    )
    found = averaged_scores(trainings, lambda: [part.errors for part in draft.members], cache.averages, resamples)
    if found is None:
        return draft
    figures = [found.figure(column) if group is None else None for column, group in columns.items()]
    cells = tuple(
        replace(cell, p_value=figure.p_value, detectable=figure.detectable) if isinstance(figure, GapFigure) else cell
        for cell, figure in zip(draft.row.cells, figures, strict=True)
    )
    return replace(draft, row=replace(draft.row, cells=cells))


def is_repeat(draft: DraftRow, other: DraftRow) -> bool:
    """Whether two drafts of runs differ only in their seed, and so show nothing about settings."""
    both_run = _may_repeat(draft) and _may_repeat(other)
    return both_run and _setting(draft) == _setting(other) and _seeds(draft) != _seeds(other)


def unfolded(drafts: Sequence[DraftRow]) -> list[list[DraftRow]]:
    """The drafts that differ only in their seed, two or more together."""
    found: dict[str, list[DraftRow]] = {}
    for draft in drafts:
        if _may_repeat(draft) and draft.row.comparable:
            found.setdefault(_setting(draft), []).append(draft)
    return [repeats for repeats in found.values() if len({_seeds(one) for one in repeats}) > 1]


def left_out(draft: DraftRow) -> str | None:
    """A note on the runs of a row that have no scores; None if all have."""
    scored = {part.row.id for part in draft.members}
    names = [f"{run.name} ({run.status})" for run in draft.runs if run.id not in scored]
    if not scored or not names:
        return None
    return f"{draft.row.name}: {len(scored)} of {len(draft.runs)} seeds have scores; without {', '.join(names)}"


def _repeats(drafts: Sequence[DraftRow], across: Collection[Across]) -> list[list[DraftRow]]:
    found = repeats([_repeatable(draft, across) if _may_repeat(draft) else None for draft in drafts])
    return [[drafts[place] for place in places] for places in found]


def _repeatable(draft: DraftRow, across: Collection[Across]) -> Repeatable:
    run, scores = draft.runs[0], draft.scores
    scored_on = (scores.images, run.data_hash) if scores else None
    arithmetic = None if "arithmetic" in across else arithmetic_of(run.config, run.manifest)
    return Repeatable(_setting(draft, across), setting_key(run.config), _seeds(draft), scored_on, arithmetic)


def _may_repeat(draft: DraftRow) -> bool:
    return bool(draft.runs) and draft.row.kind == "run"


def _setting(draft: DraftRow, across: Collection[Across] = ()) -> str:
    return setting_key(draft.runs[0].config, draft.runs[0].manifest, across)


def _seeds(draft: DraftRow) -> Seeds:
    return seeds_of(draft.runs[0].config)


def _folded(repeats: list[DraftRow]) -> DraftRow:
    if len(repeats) == 1:
        return repeats[0]
    repeats = sorted(repeats, key=_seeds)
    runs = tuple(run for draft in repeats for run in draft.runs)
    scored = tuple(draft for draft in repeats if draft.scores)
    first = scored[0] if scored else repeats[0]
    row = ComparedRow(
        kind="run",
        id=None,
        name=f"{repeats[0].row.name} +{len(repeats) - 1}",
        status=_status(runs),
        settings={},
        n=first.row.n,
        cells=tuple(_mean(cells) for cells in zip(*(draft.row.cells for draft in scored or repeats), strict=True)),
        comparable=first.row.comparable,
        reason=first.row.reason,
        is_selected=any(draft.row.is_selected for draft in scored),
        runs=tuple(run.id for run in runs),
        pretraining=first.row.pretraining,
    )
    return DraftRow(row, first.scores, first.groups, no_errors, runs, scored)


def _mean(cells: Sequence[Cell]) -> Cell:
    """One figure over seeds; the figure of a single seed keeps its interval over images."""
    values = [cell.value for cell in cells if cell.value is not None]
    if len(cells) == 1 or not values:
        return cells[0]
    mean, spread = mean_and_spread(values)
    return replace(
        cells[0],
        value=mean,
        interval=None,
        p_value=None,
        detectable=None,
        spread=spread,
        comparable=all(cell.comparable for cell in cells),
        no_better=all(cell.no_better for cell in cells),
    )


def _status(runs: "Sequence[RunDetail]") -> str:
    counts = Counter(run.status for run in runs)
    return runs[0].status if len(counts) == 1 else ", ".join(f"{count} {status}" for status, count in counts.items())
