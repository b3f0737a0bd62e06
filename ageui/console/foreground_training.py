"""Trains runs in this process's terminal or notebook, and says how they ended."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from ageui.console.consoles import sayer

if TYPE_CHECKING:
    from rich.console import Console

    from ageui.store import Claim, Store
    from ageui.worker.foreground import Foreground
    from ageui.worker.places.local import Engines
    from ageui.worker.supervisor import Outcome


@contextmanager
def working_here(
    store: "Store",
    device: str,
    engines: "Engines",
    checkpoint_seconds: float | None,
    *,
    share: bool | None,
    console: "Console",
) -> "Iterator[Callable[[Callable[[Foreground], Claim]], tuple[Claim, Outcome]]]":
    """Holds the device, and gives a function that trains the run which another function claims."""
    from ageui.console.progress import progress_display
    from ageui.devices import resolve_device
    from ageui.planning.settings import checkpoint_interval
    from ageui.worker.background_workers import refuse_missing_device
    from ageui.worker.foreground import in_foreground
    from ageui.worker.supervisor import Policy

    policy = Policy(checkpoint_seconds=checkpoint_interval(checkpoint_seconds))
    resolved = resolve_device(device)
    refuse_missing_device(resolved)

    say = sayer(console)
    with (
        in_foreground(store, resolved, policy=policy, engines=engines, share=share, say=say) as foreground,
        _stop_on_interrupt(say) as (should_stop, should_kill),
    ):

        def work(claim: "Callable[[Foreground], Claim]") -> "tuple[Claim, Outcome]":
            claimed = claim(foreground)
            _import_for_the_end()
            with progress_display(console, sum(claimed.config["epochs"])) as show:
                return claimed, foreground.work_on(
                    claimed, emit=show, say=say, should_stop=should_stop, should_kill=should_kill
                )

        yield work


def _import_for_the_end() -> None:
    """Imports the modules that store and print the run's end, while the engine still imports its own libraries."""
    import pandas  # noqa: F401

    import ageui.compare.run_tables
    import ageui.planning.run_command  # noqa: F401


def print_ending(say: Callable[[str], None], store: "Store", claim: "Claim", outcome: "Outcome") -> None:
    """Says why a run is not done, and what to do."""
    from ageui.text.clean import clean
    from ageui.worker.run_files import log_file
    from engine.errors import AgeUIError

    run_id, ending = claim.run_id, outcome.ending
    reason = clean(ending.reason, lines=True)
    match outcome.status:
        case "done":
            return
        case "diverged":
            say(f"run {run_id} diverged: {reason}")
        case "interrupted":
            say(f"run {run_id} was interrupted: {reason}\n{how_to_resume(store, run_id)}")
        case "failed" if ending.failure == AgeUIError.failure and "\n" in reason:
            first, *_ = reason.splitlines()
            say(f"ageui: run {run_id} failed with {first}\nfor the traceback: ageui show {run_id}")
        case "failed":
            say(f"ageui: run {run_id} failed: {reason}")
        case "lost":
            say(f"ageui: {reason}")
        case status:
            say(f"run {run_id} is {status}")
    if ending.failure in ("protocol", "killed"):
        say(f"log: {log_file(store, run_id, claim.attempt)}")


def how_to_resume(store: "Store", run_id: int) -> str:
    """The command that resumes an interrupted run, and the point from which the run then continues."""
    has_state = any(row.kind == "state" for row, _, _ in store.runs.checkpoints(run_id))
    what = "to continue from its last checkpoint" if has_state else "it has no checkpoint; to start over"
    return f"{what}: ageui resume {run_id} --here (or, in the background, without --here)"


@contextmanager
def _stop_on_interrupt(
    say: Callable[[str], None],
) -> Iterator[tuple[Callable[[], bool], Callable[[], bool]]]:
    """Gives two functions: whether SIGINT, SIGTERM or SIGHUP has arrived, and whether a second signal has."""
    asked = 0

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked += 1
        if number != signal.SIGHUP and asked == 1:
            say("stopping after this step with a checkpoint; interrupt again to stop at once without a checkpoint")
        elif number != signal.SIGHUP and asked == 2:
            say("stopping at once")

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, ask_to_stop) for number in numbers}
    try:
        yield lambda: asked > 0, lambda: asked > 1
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
