"""The state of the queue, shown on every screen, and texts about its runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ageui.planning.queue_places import QueueForecast, QueuePlace
from ageui.present.figures import duration, number
from ageui.store import RunRow, Store
from ageui.store.queue import BY_THE_USER
from ageui.worker.background_workers import devices_without_worker
from ageui.worker.queue_waits import queue_waits


@dataclass(frozen=True)
class QueueState:
    """The state of the queue, and what it waits for.

    counts
        Numbers of runs by status.
    running
        The ids of running runs.
    unserved
        The devices in the configs of queued runs that no live worker takes; empty while the queue is paused.
    pause_reason
        None unless the queue is paused.
    waits
        What live workers wait for: `cpu, other.db`.
    held
        The number of runs held because their sweep keeps failing or because they need too much memory.
    places
        The places of queued runs.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    running: frozenset[int] = frozenset()
    unserved: tuple[str, ...] = ()
    pause_reason: str | None = None
    waits: tuple[str, ...] = ()
    held: int = 0
    places: Mapping[int, QueuePlace] = field(default_factory=dict)

    @property
    def pause_words(self) -> str:
        """`paused`, with the reason unless a person paused the queue; empty if it is not paused."""
        if self.pause_reason is None:
            return ""
        return "paused" if self.pause_reason == BY_THE_USER else f"paused: {self.pause_reason}"

    @property
    def why_waiting(self) -> str:
        """The reason why no queued run starts, and what to press; empty if the queue moves."""
        if self.pause_reason is not None:
            return f"{self.pause_words}, H resumes"
        if self.unserved and not self.running:
            return "no worker, W starts one"
        return f"waits: {'; '.join(self.waits)}" if self.waits else ""


def waiting_text(state: QueueState | None, run_id: int) -> str:
    """`2nd, starts in 2:10`: a queued run's place, and its start or the reason to wait; empty for other runs."""
    place = state.places.get(run_id) if state is not None else None
    return place.words(state.why_waiting) if state is not None and place is not None else ""


def read_queue_state(store: Store, forecast: QueueForecast) -> QueueState:
    """Reads the state of the queue in a few milliseconds. Raises `StoreError`."""
    pause, counts = store.queue.current_pause(), store.runs.status_counts()
    has_queued = counts.get("queued", 0) > 0
    unserved = devices_without_worker(store, store.queue.devices()) if has_queued and pause is None else []
    waits = tuple(wait.short for wait in queue_waits(store))
    is_moving = pause is None and not unserved and not waits
    return QueueState(
        counts,
        frozenset(run.run_id for run in store.queue.running()),
        tuple(unserved),
        pause.reason if pause is not None else None,
        waits if has_queued else (),
        sum(store.queue.held().values()) if counts.get("paused") else 0,
        forecast.places(store, is_moving=is_moving) if has_queued else {},
    )


def ended_runs(store: Store, before: QueueState, after: QueueState) -> list[RunRow]:
    """The runs that were running `before` and ended since. Raises `StoreError`."""
    rows = [store.runs.get(run_id) for run_id in sorted(before.running - after.running)]
    return [row for row in rows if row.status in ("done", "failed", "diverged")]


def ending_sentence(row: RunRow) -> str:
    """A sentence about the end of a run: its MAE if it is done, else the reason."""
    if row.status == "done":
        mae = row.summary.mae
        return f"{row.name} is done" + (f": MAE {number(mae)} years on {row.summary.split}" if mae is not None else "")
    why = f": {row.error.splitlines()[0]}" if row.error else ""
    return f"{row.name} {row.status}{why}; open it to read its log"


def eta_text(row: RunRow) -> str:
    """The time left in the stage, with `+` if another stage follows."""
    return duration(row.summary.eta_seconds) + ("+" if row.has_later_stage else "")
