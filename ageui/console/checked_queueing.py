"""Checks new runs, prints their expected memory, and queues them, as `ageui sweep` does."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ageui.console.background import start_missing_workers

if TYPE_CHECKING:
    from rich.console import Console

    from ageui.planning.known_networks import KnownNetworks
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


def check_runs(console: "Console", runs: "Sequence[NewRun]") -> "KnownNetworks":
    """Raises the `AgeUIError` of `refuse_unfit` if any of `runs` would fail on this machine.

    Prints warnings about unsuitable labels. The first check of a backbone and its first weights takes some seconds.
    Returns the facts about the networks.
    """
    from ageui.planning.environment import refuse_wrong_variables
    from ageui.planning.known_networks import KnownNetworks
    from ageui.planning.run_checks import label_warnings, refuse_unfit
    from ageui.text.clean import clean

    refuse_wrong_variables()
    networks = KnownNetworks()
    refuse_unfit(runs, networks)  # with the known facts, before the slow check of networks
    if missing := networks.missing(runs):
        with console.status("checking the networks and their first weights"):
            networks.check(missing)
        refuse_unfit(runs, networks)
    for text in label_warnings(runs):
        console.print(clean(f"warning: {text}"), soft_wrap=True)
    return networks


def print_memory(console: "Console", store: "Store", runs: "Sequence[NewRun]", networks: "KnownNetworks") -> None:
    """Prints the first weights that `runs` load and the peak memory of similar earlier runs, with warnings."""
    from ageui.memory.expected_memory import CurrentPeaks, expected_memory
    from ageui.text.clean import clean

    memory = expected_memory(CurrentPeaks().of(store), runs)
    loaded = (f"first weights: {text}" for text in networks.loaded(runs))
    warnings = (f"warning: {text}" for text in networks.warnings(runs))
    for line in (*loaded, *warnings, f"{'warning: ' if memory.is_too_much else ''}{memory.text}"):
        if line:
            console.print(clean(line), soft_wrap=True)
