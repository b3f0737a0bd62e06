"""The places of queued runs, and when they start."""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

from ageui.planning.expected_time import CurrentSpeeds
from ageui.present.figures import duration
from ageui.store import RunRow, Store
from engine.config import build_config
from engine.errors import ConfigError

_MOST_FORECAST = 20


@dataclass(frozen=True)
class QueuePlace:
    """The place of a queued run, from 1, and the seconds until it starts; None if that is unknown."""

    place: int
    seconds: float | None = None

    @property
    def start(self) -> str:
        """`starts in 2:10`; empty if unknown."""
        return "" if self.seconds is None else f"starts in {duration(self.seconds)}"

    def words(self, waits: str = "") -> str:
        """`2nd, starts in 2:10`, or the reason why the queue `waits` in place of the start."""
        return ", ".join(filter(None, (ordinal(self.place), waits or self.start)))


class QueueForecast:
    """Forecasts when queued runs start."""

    def __init__(self) -> None:
        self._speeds = CurrentSpeeds()

    def places(self, store: Store, *, is_moving: bool) -> Mapping[int, QueuePlace]:
        """The place of every queued run, and the start of the first runs unless the queue waits (not `is_moving`).

        Runs start when earlier runs end; after a run of unknown time, starts are unknown. Raises `StoreError`.
        """
        places = {run_id: QueuePlace(place) for place, run_id in enumerate(store.queue.order(), start=1)}
        running = store.runs.search("status=running") if is_moving and places else []
        ends = [seconds for row in running if (seconds := _seconds_left(row)) is not None]
        if not ends or len(ends) < len(running):
            return places
        speeds = self._speeds.of(store)
        heapq.heapify(ends)
        for row in store.queue.waiting(_MOST_FORECAST):
            start = heapq.heappop(ends)
            places[row.id] = QueuePlace(places[row.id].place, start)
            try:
                seconds = speeds.expected(build_config(row.config))
            except ConfigError:
                seconds = None
            if seconds is None:
                break
            heapq.heappush(ends, start + seconds)
        return places


def _seconds_left(row: RunRow) -> float | None:
    """The time left of a running run; None if unknown, for example before its last stage."""
    return None if row.has_later_stage else row.summary.eta_seconds


def ordinal(place: int) -> str:
    """`1st`, `2nd`, `3rd`, `11th`."""
    ending = "th" if place % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place:,}{ending}"
