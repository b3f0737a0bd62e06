"""Checks that the files of new runs fit on the disk before the runs are queued."""

import shutil
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from ageui.planning.known_networks import KnownNetworks
from ageui.store import FullError, NewRun, Store
from ageui.store.attempt_writer import STATES_KEPT
from ageui.text.sentences import counted, gigabytes
from engine.checked_networks import NetworkFacts
from engine.config import RunConfig

_FLOAT: Final = 4
_MOST_OUTPUTS: Final = 101
_SLOTS: Final = {"adam": 2, "adamw": 2, "adadelta": 2, "sgd": 0}
"""The numbers that an optimizer keeps for each weight."""


class FileSizes(NamedTuple):
    """The bytes of a run's kept weights, and of a training state: current, best and averaged weights, and optimizer."""

    weights: int
    state: int


def free_bytes(folder: Path) -> int | None:
    """The free space for files in a folder, which may not exist yet; None if unknown."""
    existing = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    try:
        return shutil.disk_usage(existing).free
    except OSError:
        return None


def refuse_small_disk(
    store: Store,
    runs: Sequence[NewRun],
    networks: KnownNetworks,
    free: Callable[[Path], int | None] = free_bytes,
    *,
    override: str = "",
) -> None:
    """Raises `FullError` if the runs need more space than is free. `override` names the option that queues them anyway.

    Each run keeps its best weights. Training states exist for one run at a time: the kept states, and the next one
    while it is written. Networks not checked yet are ignored.
    """
    checked_runs = [(run.config, networks.facts(run.config)) for run in runs]
    sizes = [file_sizes(config, facts) for config, facts in checked_runs if facts is not None]
    available = free(store.folder)
    if not sizes or available is None:
        return
    weights, states = sum(size.weights for size in sizes), (STATES_KEPT + 1) * max(size.state for size in sizes)
    if weights + states > available:
        raise FullError(
            f"{counted(len(runs), 'run')} need about {gigabytes(weights + states)} in {store.folder} "
            f"({gigabytes(weights)} of weights, and {gigabytes(states)} of training states while one trains), but only "
            f"{gigabytes(available)} are free; free some space, for example with ageui db prune"
            + (", or queue fewer runs" if len(runs) > 1 else "")
            + (f" ({override} queues them anyway)" if override else "")
        )


def file_sizes(config: RunConfig, network: NetworkFacts) -> FileSizes:
    """The bytes of a run's files when it trains all weights."""
    widths = [network.features, *(config.widths or ()), _MOST_OUTPUTS]
    head = sum((inputs + 1) * units for inputs, units in pairwise(widths)) * _FLOAT
    weights, trained = network.state_bytes + head, network.parameters * _FLOAT + head
    slots = 1 if config.optimizer == "sgd" and config.momentum else _SLOTS[config.optimizer]
    return FileSizes(weights, 2 * weights + trained * (slots + bool(config.ema)))
