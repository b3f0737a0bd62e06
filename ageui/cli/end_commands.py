"""The options that start a shell command when a run ends or the queue is empty."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.command_group import FURTHER

if TYPE_CHECKING:
    from ageui.store import Store

_METAVAR = "COMMAND"
_ON_END = "Shell command to start when a run ends."
_ON_QUEUE_END = "Shell command to start once, when the queue is empty."

OnEnd = Annotated[
    str | None, typer.Option("--on-end", help=_ON_END, metavar=_METAVAR, show_default=False, rich_help_panel=FURTHER)
]
OnQueueEnd = Annotated[
    str | None,
    typer.Option("--on-queue-end", help=_ON_QUEUE_END, metavar=_METAVAR, show_default=False, rich_help_panel=FURTHER),
]


def remember_commands(
    store: "Store", run_ids: Sequence[int], on_end: str | None, on_queue_end: str | None = None
) -> None:
    """Stores the commands to start when these runs end and when the queue is empty."""
    from ageui.worker.end_commands import remember, remember_for_queue

    if on_end is not None and run_ids:
        remember(store, run_ids, on_end)
    if on_queue_end is not None and run_ids:
        remember_for_queue(store, on_queue_end)
