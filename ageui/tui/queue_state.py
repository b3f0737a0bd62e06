"""What the application keeps an eye on whichever screen is open: the queue, its workers, and runs that end."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ageui.store import RunRow, Store
from ageui.worker.background_workers import workers


@dataclass(frozen=True)
class QueueState:
    """`counts` of runs by status, the devices that have a living worker, and why the queue is held, if it is."""

    counts: Mapping[str, int] = field(default_factory=dict)
    running: frozenset[int] = frozenset()
    working: tuple[str, ...] = ()
    held: str | None = None

    @property
    def waits_for_nobody(self) -> bool:
        """Whether runs are queued that no worker will take."""
        return bool(self.counts.get("queued")) and not self.working and self.held is None


def read_queue(store: Store) -> QueueState:
    """Takes a few milliseconds. Raises `StoreError`."""
    held = store.queue.current_pause()
    return QueueState(
        store.runs.status_counts(),
        frozenset(run.run_id for run in store.queue.running()),
        tuple(state.row.device for state in workers(store) if state.is_alive),
        held.reason if held is not None else None,
    )


def ended(store: Store, before: QueueState, after: QueueState) -> list[RunRow]:
    """The runs that ran before and have come to an end since. Raises `StoreError`."""
    rows = [store.runs.get(run_id) for run_id in sorted(before.running - after.running)]
    return [row for row in rows if row.status in ("done", "failed", "diverged")]


def told(row: RunRow) -> tuple[str, bool]:
    """How a run ended, in a sentence, and whether that is bad news."""
    if row.status == "done":
        mae = row.summary.mae
        return (
            f"{row.name} is done" + (f": MAE {mae:.2f} years on {row.summary.split}" if mae is not None else "")
        ), False
    why = f": {row.error.splitlines()[0]}" if row.error else ""
    return f"{row.name} {row.status}{why}; open it to read its log", True
