"""Runs that differ only in their seed, folded to one row of means over seeds."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ageui.compare.comparison import ComparedRow
from ageui.compare.draft_rows import DraftRow
from ageui.compare.seed_figures import setting_key
from ageui.compare.seeds import mean_and_spread
from ageui.present.table import Cell

if TYPE_CHECKING:
    from ageui.store.records import RunDetail


def folded(drafts: Sequence[DraftRow]) -> list[DraftRow]:
    """The drafts with the repeats of each run folded to one, in the place of the first, ordered by seed.

    Repeats have the same config except for the seed and were scored on the same images; a run that is not scored yet
    joins those that are. Of two runs with the same seed only one is a repeat. Constants and published figures stay as
    they are.
    """
    return [_folded(repeats) for repeats in _repeats(drafts)]


def is_repeat(draft: DraftRow, other: DraftRow) -> bool:
    """Whether two drafts of runs differ in nothing but their seed, so that they say nothing about settings."""
    both_run = _may_repeat(draft) and _may_repeat(other)
    return both_run and _config(draft) == _config(other) and _seed(draft) != _seed(other)


def unfolded(drafts: Sequence[DraftRow]) -> list[list[DraftRow]]:
    """The drafts that differ in nothing but their seed, two or more together."""
    found: dict[str, list[DraftRow]] = {}
    for draft in drafts:
        if _may_repeat(draft) and draft.row.comparable:
            found.setdefault(_config(draft), []).append(draft)
    return [repeats for repeats in found.values() if len({_seed(one) for one in repeats}) > 1]


def left_out(draft: DraftRow) -> str | None:
    """A note on the runs of a row that have no scores; None if all have."""
    scored = {part.row.id for part in draft.members}
    names = [f"{run.name} ({run.status})" for run in draft.runs if run.id not in scored]
    if not scored or not names:
        return None
    return f"{draft.row.name}: {len(scored)} of {len(draft.runs)} seeds have scores; without {', '.join(names)}"


def _repeats(drafts: Sequence[DraftRow]) -> list[list[DraftRow]]:
    scored_as: dict[object, tuple[object, ...]] = {}
    for draft in drafts:
        if _may_repeat(draft) and draft.scores:
            scored_as.setdefault(_config(draft), _key(draft))
    found: dict[tuple[object, ...], list[DraftRow]] = {}
    for place, draft in enumerate(drafts):
        if not _may_repeat(draft):
            found["alone", place] = [draft]
            continue
        repeats = found.setdefault(_key(draft) if draft.scores else scored_as.get(_config(draft), _key(draft)), [])
        twin = next((one for one in repeats if _seed(one) == _seed(draft)), None)
        if twin is None:
            repeats.append(draft)
        elif draft.scores and not twin.scores:
            repeats[repeats.index(twin)] = draft
            found["alone", place] = [twin]
        else:
            found["alone", place] = [draft]
    return list(found.values())


def _may_repeat(draft: DraftRow) -> bool:
    return bool(draft.runs) and draft.row.kind == "run"


def _key(draft: DraftRow) -> tuple[object, ...]:
    run, scores = draft.runs[0], draft.scores
    return (_config(draft), (scores.images, run.data_hash) if scores else None)


def _config(draft: DraftRow) -> str:
    return setting_key(draft.runs[0].config)


def _seed(draft: DraftRow) -> int:
    return int(draft.runs[0].config.get("seed", 0))


def _folded(repeats: list[DraftRow]) -> DraftRow:
    if len(repeats) == 1:
        return repeats[0]
    repeats = sorted(repeats, key=_seed)
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
        runs=tuple(run.id for run in runs),
    )
    return DraftRow(row, first.scores, first.groups, None, runs, scored)


def _mean(cells: Sequence[Cell]) -> Cell:
    """One figure over seeds; the figure of a single seed keeps its interval over images."""
    values = [cell.value for cell in cells if cell.value is not None]
    if len(cells) == 1 or not values:
        return cells[0]
    mean, spread = mean_and_spread(values)
    noise = [cell.noise for cell in cells if cell.noise is not None]
    return replace(
        cells[0],
        value=mean,
        interval=None,
        noise=math.fsum(noise) / len(noise) if len(noise) == len(cells) else None,
        spread=spread,
        comparable=all(cell.comparable for cell in cells),
    )


def _status(runs: "Sequence[RunDetail]") -> str:
    counts = Counter(run.status for run in runs)
    return runs[0].status if len(counts) == 1 else ", ".join(f"{count} {status}" for status, count in counts.items())
