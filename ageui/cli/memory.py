"""Prints the predicted memory of new runs before they are queued."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from ageui.store import NewRun


def print_memory(console: "Console", runs: "Sequence[NewRun]") -> None:
    """Prints the predicted peak memory of `runs`, with a warning if less is free.

    Counting a backbone takes some seconds, once.
    """
    from ageui.memory.forecast import Forecaster
    from ageui.text.clean import clean

    forecaster = Forecaster()
    if missing := forecaster.forecast(runs).missing:
        with console.status("working out the peak memory"):
            forecaster.count(missing)
    found = forecaster.forecast(runs)
    if found.text:
        console.print(clean(f"warning: {found.text}" if found.is_too_much else found.text), soft_wrap=True)
