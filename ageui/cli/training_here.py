"""Trains a run in this terminal, prints it, and exits with the code of its outcome."""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from ageui.cli.options import print_json
from ageui.console.consoles import sayer
from ageui.console.foreground_training import print_ending, working_here

if TYPE_CHECKING:
    from rich.console import Console

    from ageui.store import Claim, Store
    from ageui.worker.foreground import Foreground
    from ageui.worker.places.local import Engines
    from ageui.worker.supervisor import Outcome


def work_here(
    store: "Store",
    device: str,
    engines: "Engines",
    claim: "Callable[[Foreground], Claim]",
    checkpoint_seconds: float | None,
    *,
    share: bool | None,
    console: "Console",
    as_json: bool,
) -> None:
    """Trains the run that `claim` claims, prints it, and exits with the code of its outcome."""
    with working_here(store, device, engines, checkpoint_seconds, share=share, console=console) as work:
        claimed, outcome = work(claim)
    detail = store.runs.detail(claimed.run_id)
    if as_json:
        print_json(detail.to_json())
    elif detail.history or detail.results:
        from ageui.cli.run_page import print_run
        from ageui.planning.run_command import repeat_command

        print_run(detail, repeat_command(store, detail))
    end_here(store, claimed, outcome, console)


def end_here(store: "Store", claimed: "Claim", outcome: "Outcome", console: "Console") -> None:
    """Says how a run ended, waits for the end commands, and exits with the run's code unless it is done."""
    say = sayer(console)
    print_ending(say, store, claimed, outcome)
    with suppress(KeyboardInterrupt):
        if outcome.commands is not None and (problem := outcome.commands.problem()):
            say(f"ageui: {problem}")
    if outcome.status != "done":
        raise typer.Exit(outcome.ending.exit_code)
