"""The state of the queue that every screen shows, and texts about its runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ageui.present.figures import duration, number
from ageui.store import RunRow, Store
from ageui.worker.background_workers import workers


@dataclass(frozen=True)
class QueueState:
    """`counts` are numbers of runs by status, `running` the ids of running runs, and `working` the devices with a
    living worker. `pause_reason` is None unless the queue is paused."""

    counts: Mapping[str, int] = field(default_factory=dict)
    running: frozenset[int] = frozenset()
    working: tuple[str, ...] = ()
    pause_reason: str | None = None

    @property
    def needs_worker(self) -> bool:
        """Whether queued runs wait for a worker that does not exist."""
        return bool(self.counts.get("queued")) and not self.working and self.pause_reason is None


def read_queue_state(store: Store) -> QueueState:
    """Reads the state of the queue in a few milliseconds. Raises `StoreError`."""
    pause = store.queue.current_pause()
    return QueueState(
        store.runs.status_counts(),
        frozenset(run.run_id for run in store.queue.running()),
        tuple(state.row.device for state in workers(store) if state.is_alive),
        pause.reason if pause is not None else None,
    )


def ended_runs(store: Store, before: QueueState, after: QueueState) -> list[RunRow]:
    """The runs that were running `before` and have ended since. Raises `StoreError`."""
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
    stages = len(row.config.get("epochs") or ()) or 1
    return duration(row.summary.eta_seconds) + ("+" if (row.summary.stage or 1) < stages else "")
