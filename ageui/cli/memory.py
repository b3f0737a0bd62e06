"""Checks new runs before they are queued, and prints their predicted memory."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from ageui.memory.forecast import Forecaster
    from ageui.store import NewRun


def check_runs(console: "Console", runs: "Sequence[NewRun]") -> "Forecaster":
    """Raises the `AgeUIError` of `refuse_unfit` if some of `runs` would fail on this machine.

    Prints warnings about labels that some will not cope with. Counting a backbone and checking its first weights takes
    some seconds, once. Returns the forecaster of their memory.
    """
    from ageui.memory.forecast import Forecaster
    from ageui.planning.environment import refuse_wrong_variables
    from ageui.planning.run_checks import label_warnings, refuse_unfit
    from ageui.text.clean import clean

    refuse_wrong_variables()
    forecaster = Forecaster()
    refuse_unfit(runs, forecaster)  # with the facts at hand, before networks are checked
    if missing := forecaster.forecast(runs).missing:
        with console.status("checking the networks and working out the peak memory"):
            forecaster.count(missing)
        refuse_unfit(runs, forecaster)
    for text in label_warnings(runs):
        console.print(clean(f"warning: {text}"), soft_wrap=True)
    return forecaster


def print_memory(console: "Console", runs: "Sequence[NewRun]", forecaster: "Forecaster") -> None:
    """Prints what `runs` load of their weights files and their predicted peak memory, with warnings."""
    from ageui.text.clean import clean

    found = forecaster.forecast(runs)
    memory = f"warning: {found.text}" if found.is_too_much else found.text
    loaded = (f"first weights: {text}" for text in found.loaded)
    for line in (*loaded, *(f"warning: {text}" for text in found.warnings), memory):
        if line:
            console.print(clean(line), soft_wrap=True)
