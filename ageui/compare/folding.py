"""Runs that differ in their seed alone, as one row: what they scored on the same images, as means over seeds."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ageui.compare.comparison import Cell, Difference, Group, Row
from ageui.compare.draft_rows import Entry
from ageui.compare.image_errors import Scored, paired_differences
from ageui.compare.seeds import mean_and_spread, seed_margin, widened

if TYPE_CHECKING:
    from ageui.store.records import RunDetail


def folded(entries: Sequence[Entry]) -> list[Entry]:
    """The entries with repeats of a run made one, in the place of the first of them, in the order of seeds.

    Repeats have the same config but for the seed, and were scored on the same images; one that was not scored yet
    belongs to those that were. Of two with the same seed only one is a repeat. Entries without runs and published
    figures stay as they are.
    """
    return [_one(repeats) for repeats in _repeats(entries)]


def differences_of_means(
    entries: Sequence[Entry], against: Entry, place: int, column: str, group: Group | None, resamples: int
) -> list[Difference]:
    """The differences to one entry in the figure at `place`, which all have, all of whose parts have predictions.

    Between single runs the interval covers the images. Between means over seeds it covers the seeds too, which takes
    two or more on each side unless that is a constant; with fewer there is no interval.
    """
    found = paired_differences([_scored(entry) for entry in entries], _scored(against), column, group, resamples)
    return [_over_seeds(difference, entry, against, place) for difference, entry in zip(found, entries, strict=True)]


def _over_seeds(difference: Difference, entry: Entry, against: Entry, place: int) -> Difference:
    if len(entry.parts) == len(against.parts) == 1:
        return difference
    return widened(difference, seed_margin(_by_seed(entry, place), _by_seed(against, place)))


def _scored(entry: Entry) -> list[Scored]:
    return [part.scored for part in entry.parts if part.scored]


def _by_seed(entry: Entry, place: int) -> dict[int, float] | None:
    """A figure by seed; None for a constant."""
    values = [(part, part.row.cells[place].value) for part in entry.parts]
    return {_seed(part): value for part, value in values if value is not None} if entry.runs else None


def left_out(entry: Entry) -> str | None:
    """What there is to say of a row over seeds some of which have no scores; None otherwise."""
    scored = {part.row.id for part in entry.members}
    names = [f"{run.name} ({run.status})" for run in entry.runs if run.id not in scored]
    if not scored or not names:
        return None
    return f"{entry.row.name}: {len(scored)} of {len(entry.runs)} seeds have scores; without {', '.join(names)}"


def _repeats(entries: Sequence[Entry]) -> list[list[Entry]]:
    scored_as: dict[object, tuple[object, ...]] = {}
    for entry in entries:
        if _may_repeat(entry) and entry.scores:
            scored_as.setdefault(_config(entry), _key(entry))
    found: dict[tuple[object, ...], list[Entry]] = {}
    for place, entry in enumerate(entries):
        if not _may_repeat(entry):
            found["alone", place] = [entry]
            continue
        repeats = found.setdefault(_key(entry) if entry.scores else scored_as.get(_config(entry), _key(entry)), [])
        twin = next((one for one in repeats if _seed(one) == _seed(entry)), None)
        if twin is None:
            repeats.append(entry)
        elif entry.scores and not twin.scores:
            repeats[repeats.index(twin)] = entry
            found["alone", place] = [twin]
        else:
            found["alone", place] = [entry]
    return list(found.values())


def _may_repeat(entry: Entry) -> bool:
    return bool(entry.runs) and entry.row.kind == "run"


def _key(entry: Entry) -> tuple[object, ...]:
    run, scores = entry.runs[0], entry.scores
    return (_config(entry), (scores.images, run.data_hash) if scores else None)


def _config(entry: Entry) -> str:
    config = {name: value for name, value in entry.runs[0].config.items() if name != "seed"}
    return json.dumps(config, sort_keys=True, default=str)


def _seed(entry: Entry) -> int:
    return int(entry.runs[0].config.get("seed", 0))


def _one(repeats: list[Entry]) -> Entry:
    if len(repeats) == 1:
        return repeats[0]
    repeats = sorted(repeats, key=_seed)
    runs = tuple(run for entry in repeats for run in entry.runs)
    scored = tuple(entry for entry in repeats if entry.scores)
    first = scored[0] if scored else repeats[0]
    row = Row(
        kind="run",
        id=None,
        name=f"{repeats[0].row.name} +{len(repeats) - 1}",
        status=_status(runs),
        settings={},
        n=first.row.n,
        cells=tuple(_mean(cells) for cells in zip(*(entry.row.cells for entry in scored or repeats), strict=True)),
        comparable=first.row.comparable,
        reason=first.row.reason,
        runs=tuple(run.id for run in runs),
    )
    return Entry(row, first.scores, first.groups, None, runs, scored)


def _mean(cells: Sequence[Cell]) -> Cell:
    """One figure over seeds; that of a single seed keeps its interval over images."""
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
