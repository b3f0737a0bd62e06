"""Actions on one run that several screens share; changes of the queue alone are in `changes`."""

from ageui.store import RunRow
from ageui.tui import changes
from ageui.tui.base_app import BaseApp
from ageui.tui.dialogs.prompts import confirmation
from engine.config import build_config
from engine.errors import ConfigError


def copy_run_command(app: BaseApp, row: RunRow) -> None:
    """Copies the command that repeats a run, and says so."""
    try:
        app.copy_command(build_config(row.config).command())
    except ConfigError as error:
        app.tell(str(error), severity="error")


def retry_run(app: BaseApp, row: RunRow) -> None:
    """Retries a run. A diverged run only restarts from the beginning, which discards its figures, so this asks."""
    if row.status != "diverged":
        app.change(changes.retry([row.id]))
        return

    def answered(answer: str | None) -> None:
        if answer == "yes":
            app.change(changes.retry([row.id], from_start=True))

    question = f"{row.name} diverged; the same config gives the same losses. Repeat it, and forget its figures?"
    app.push_screen(confirmation(question, "Yes, from the start"), answered)
