"""Texts about the progress of a run, shown in place of its figures until it has some."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from ageui.planning.queue_places import QueuePlace
from ageui.present.bars import progress_bar
from ageui.store import RunRow
from ageui.tui.queue_state import QueueState, eta_text

_SHORTEST_BAR, _LONGEST_BAR = 3, 8


@dataclass(frozen=True)
class QueuePlaces:
    """The places of queued runs, from 1, and the state of the queue if it is known."""

    places: Mapping[int, int] = field(default_factory=dict)
    state: QueueState = field(default_factory=QueueState)

    @classmethod
    def of(cls, order: Sequence[int], state: QueueState | None) -> Self:
        """The places of queued runs, in an order that may be newer than the state."""
        return cls({run_id: place for place, run_id in enumerate(order, start=1)}, state or QueueState())

    def sentence(self, run_id: int) -> str:
        """`queued 1st, starts in 2:10`."""
        place, forecast = self.places.get(run_id), self.state.places.get(run_id)
        if place is None:
            return "queued"
        seconds = forecast.seconds if forecast is not None else None
        return f"queued {QueuePlace(place, seconds).words(self.state.why_waiting)}"


def progress_text(row: RunRow, queue: QueuePlaces, room: int) -> str:
    """The progress of a run in about `room` cells; the end may be cut.

    If only the epochs fit, a symbol replaces the word for the state.
    """
    summary = row.summary
    epochs = f"{summary.epoch or 0}/{summary.epochs}"
    match row.status:
        case "running":
            return _running(row, epochs, room)
        case "queued":
            sentence = queue.sentence(row.id)
            return f"{sentence} · {epochs}" if summary.epoch else sentence
        case "done":
            return f"{epochs} not scored"
        case status:
            if room < len(f"{status} {epochs}"):
                return epochs
            why = f" · {row.error.splitlines()[0]}" if row.error else ""
            return f"{status} {epochs}{why}"


def _running(row: RunRow, epochs: str, room: int) -> str:
    summary = row.summary
    if summary.activity and not summary.step:
        return summary.activity
    left = eta_text(row) if summary.eta_seconds is not None else ""
    words = f"{epochs} {left}".strip()
    bar = min(_LONGEST_BAR, room - len(words) - 1)
    if bar >= _SHORTEST_BAR:
        words = f"{progress_bar(summary.step or 0, summary.total_steps or 0, bar)} {words}"
    return f"{words} left" if left and len(words) + len(" left") <= room else words
