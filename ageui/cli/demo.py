"""`ageui demo`: opens the application on a copy of the shipped runs."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    keep: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the copy in this folder.", show_default=False),
    ] = None,
) -> None:
    """Open the application on a copy of the shipped runs.

    You can change the copy and queue runs in it. It lies in a temporary folder; quitting ends its runs and deletes it.
    Your own database stays closed.

        ageui demo
        ageui demo --keep demo
    """
    from ageui.cli.application import has_terminal, prepare_application
    from ageui.tui.launch import launch_demo
    from engine.errors import ConfigError

    if not has_terminal():
        raise ConfigError("ageui demo needs a terminal for the application; start it in a terminal, without pipes")
    prepare_application()
    typer.echo(launch_demo(keep), err=True)
