"""How far a run is, in the words that stand in the place of its figures until it has some."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ageui.present.bars import progress_bar
from ageui.present.figures import duration
from ageui.store import RunRow
from ageui.tui.queue_state import QueueState, eta_text

_SHORTEST_BAR, _LONGEST_BAR = 3, 8


@dataclass(frozen=True)
class QueuePlaces:
    """The places of queued runs, from 1, and what is known about when the first one starts.

    `seconds` until then are known if one run trains, in its last stage; `waits_for` says what holds the queue.
    """

    places: Mapping[int, int] = field(default_factory=dict)
    seconds: float | None = None
    waits_for: str = ""

    def sentence(self, run_id: int) -> str:
        """`queued 1st, starts in 2:10`."""
        place = self.places.get(run_id)
        if place is None:
            return "queued"
        when = self.waits_for or (f"starts in {duration(self.seconds)}" if self.seconds and place == 1 else "")
        return f"queued {ordinal(place)}" + (f", {when}" if when else "")


def queue_places(order: list[int], running: list[RunRow], state: QueueState | None) -> QueuePlaces:
    """The places of queued runs, given those that train and the state of the queue, if it is known yet."""
    places = {run_id: place for place, run_id in enumerate(order, start=1)}
    if state is None:
        return QueuePlaces(places)
    if state.pause_reason is not None:
        return QueuePlaces(places, waits_for="the queue is paused")
    if state.needs_worker:
        return QueuePlaces(places, waits_for="no worker")
    if len(running) == 1 and len(state.working) == 1 and _is_in_last_stage(running[0]):
        return QueuePlaces(places, running[0].summary.eta_seconds)
    return QueuePlaces(places)


def progress_text(row: RunRow, queue: QueuePlaces, room: int) -> str:
    """The progress of a run in about `room` cells; words at the end may be cut."""
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


def _is_in_last_stage(row: RunRow) -> bool:
    return row.summary.eta_seconds is not None and not eta_text(row).endswith("+")


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `11th`."""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"
