"""Reads a page of the table of runs, in a thread."""

from dataclasses import dataclass

from ageui.store import Store
from ageui.store.nothing_found import why_nothing_is_found
from ageui.tui.queue_state import QueueState
from ageui.tui.runs.listing import ListReader, RunsQuery
from ageui.tui.runs.progress import QueuePlaces
from ageui.tui.runs.row_cells import ShownPage


@dataclass(frozen=True)
class PageQuery:
    """A request for `count` rows of a list, starting at place `first`, or around the row of a run to `follow`."""

    rows: RunsQuery
    first: int
    count: int
    follow: int | None = None


@dataclass(frozen=True)
class RunsSnapshot:
    """A page of rows, starting at place `first`. `total` counts all runs, `place` is that of the run to follow.

    `why_nothing` explains each term of a filter that matches no run. `archived` is the number of archived runs if there
    are no others.
    """

    query: PageQuery
    first: int
    page: ShownPage
    total: int
    place: int | None
    why_nothing: tuple[tuple[str, str], ...] = ()
    archived: int = 0


def read_page(store: Store, reader: ListReader, query: PageQuery, state: QueueState | None) -> RunsSnapshot:
    """The page requested by a query; `state` is the queue's, None if unknown. Raises `AgeUIError`."""
    found, filter = reader.read(store, query.rows), query.rows.filter
    place = found.place_of(query.follow) if query.follow is not None else None
    first = query.first if place is None else max(0, place - query.count // 2)
    shown = found.entries[first : first + query.count]
    runs = store.runs.get_many([entry.runs[0] for entry in shown if entry.kind in ("run", "fold")])
    queue = QueuePlaces()
    if any(row.status == "queued" for row in runs.values()):
        queue = QueuePlaces.of(store.queue.order(), state)
    total = store.runs.count() if filter else found.matching
    why_nothing = why_nothing_is_found(store.runs, filter) if filter and not found.matching else ()
    archived = 0 if total or filter else store.runs.count("archived=true")
    page = ShownPage(found, runs, queue, query.rows.grouped)
    return RunsSnapshot(query, first, page, total, place, why_nothing, archived)
