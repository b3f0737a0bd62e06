"""Checks that the files of new runs fit on the disk, before the runs are queued."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from ageui.memory.forecast import Forecaster
from ageui.store import FullError, NewRun, Store
from ageui.store.attempt_writer import STATES_KEPT
from ageui.text.sentences import counted, gigabytes
from engine.memory_model import file_sizes


def free_bytes(folder: Path) -> int | None:
    """The free space for files in a folder, which may not exist yet; None if that cannot be found out."""
    existing = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    try:
        return shutil.disk_usage(existing).free
    except OSError:
        return None


def refuse_small_disk(
    store: Store,
    runs: Sequence[NewRun],
    forecaster: Forecaster,
    free: Callable[[Path], int | None] = free_bytes,
    *,
    override: str = "",
) -> None:
    """Raises `FullError` if the runs need more space than is free. `override` names the option that queues them anyway.

    Each run keeps its best weights. Training states exist for one run at a time: those that are kept, and the next one
    while it is written. Networks that are not counted yet are left out.
    """
    counted_runs = [(run.config, forecaster.footprint(run.config)) for run in runs]
    sizes = [file_sizes(config, footprint) for config, footprint in counted_runs if footprint is not None]
    available = free(store.folder)
    if not sizes or available is None:
        return
    weights, states = sum(size.weights for size in sizes), (STATES_KEPT + 1) * max(size.state for size in sizes)
    if weights + states > available:
        raise FullError(
            f"{counted(len(runs), 'run')} need about {gigabytes(weights + states)} in {store.folder} "
            f"({gigabytes(weights)} of weights, and {gigabytes(states)} of training states while one trains), but only "
            f"{gigabytes(available)} are free: free some space, for example with ageui db prune"
            + (", or queue fewer runs" if len(runs) > 1 else "")
            + (f" ({override} queues them anyway)" if override else "")
        )
