"""What several screens can do with one run, beside the changes of the queue."""

from typing import TYPE_CHECKING

from ageui.store import RunRow
from ageui.tui import changes
from ageui.tui.dialogs.prompts import confirmation
from engine.config import build_config
from engine.errors import ConfigError

if TYPE_CHECKING:
    from ageui.tui.app import AgeUIApp


def copy_command(app: "AgeUIApp", row: RunRow) -> None:
    """Puts the command that repeats a run on the clipboard, and says so."""
    try:
        command = build_config(row.config).command()
    except ConfigError as error:
        app.tell(str(error), severity="error")
        return
    app.copy_to_clipboard(command)
    app.tell(f"copied: {command}")


def retry(app: "AgeUIApp", row: RunRow) -> None:
    """Tries a run again; one that diverged only from the start and once that was confirmed, as its figures go."""
    if row.status != "diverged":
        app.change(changes.retry([row.id]))
        return

    def answered(answer: str | None) -> None:
        if answer == "yes":
            app.change(changes.retry([row.id], from_start=True))

    question = f"{row.name} diverged; the same config gives the same losses. Repeat it, and forget its figures?"
    app.push_screen(confirmation(question, "Yes, from the start"), answered)
