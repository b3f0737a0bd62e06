"""Queues runs that a command or the Python interface made, after the checks of `ageui sweep`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ageui.console.background import start_missing_workers
from ageui.console.memory import check_runs, print_memory

if TYPE_CHECKING:
    from rich.console import Console

    from ageui.store import NewRun, Store


def queue_checked(
    store: "Store", new: "Sequence[NewRun]", console: "Console", *, tags: Sequence[str] = (), priority: int = 0
) -> list[int]:
    """Queues runs, starts missing workers, and returns the ids.

    Raises the errors of `refuse_invalid`, `check_runs` and `refuse_small_disk`.
    """
    from ageui.planning.disk_space import refuse_small_disk

    store.runs.refuse_invalid(new, tags=tags, priority=priority)
    networks = check_runs(console, new)
    print_memory(console, store, new, networks)
    refuse_small_disk(store, new, networks)
    ids = store.runs.add_many(new, tags=tags, priority=priority)
    start_missing_workers(store, [run.config.device for run in new], None, console)
    return ids
