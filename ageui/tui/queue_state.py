"""The state of the queue, which every screen shows: runs by status, living workers, and runs that just ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ageui.store import RunRow, Store
from ageui.worker.background_workers import workers


@dataclass(frozen=True)
class QueueState:
    """`counts` are numbers of runs by status, `running` the ids of running runs, `working` the devices that have a
    living worker, `held` the reason why the queue is held, if it is."""

    counts: Mapping[str, int] = field(default_factory=dict)
    running: frozenset[int] = frozenset()
    working: tuple[str, ...] = ()
    held: str | None = None

    @property
    def needs_worker(self) -> bool:
        """Whether runs are queued that no worker will take."""
        return bool(self.counts.get("queued")) and not self.working and self.held is None


def read_queue_state(store: Store) -> QueueState:
    """Takes a few milliseconds. Raises `StoreError`."""
    held = store.queue.current_pause()
    return QueueState(
        store.runs.status_counts(),
        frozenset(run.run_id for run in store.queue.running()),
        tuple(state.row.device for state in workers(store) if state.is_alive),
        held.reason if held is not None else None,
    )


def ended_runs(store: Store, before: QueueState, after: QueueState) -> list[RunRow]:
    """The runs that were running `before` and have ended since. Raises `StoreError`."""
    rows = [store.runs.get(run_id) for run_id in sorted(before.running - after.running)]
    return [row for row in rows if row.status in ("done", "failed", "diverged")]


def ending_sentence(row: RunRow) -> str:
    """How a run ended: its MAE if it is done, else the reason."""
    if row.status == "done":
        mae = row.summary.mae
        return f"{row.name} is done" + (f": MAE {mae:.2f} years on {row.summary.split}" if mae is not None else "")
    why = f": {row.error.splitlines()[0]}" if row.error else ""
    return f"{row.name} {row.status}{why}; open it to read its log"
