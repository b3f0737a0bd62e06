"""`ageui demo`: opens the application on a copy of the shipped runs."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    keep: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the copy in this folder, and open it from there.", show_default=False),
    ] = None,
) -> None:
    """Open the application on a copy of the shipped runs.

    Change the copy and queue runs in it as you like: it lies in a temporary folder. Quitting ends its runs and removes
    it. Your own database is not opened.

        ageui demo
        ageui demo --keep demo
    """
    from ageui.cli.application import has_terminal, prepare_application
    from ageui.tui.launch import launch_demo
    from engine.errors import ConfigError

    if not has_terminal():
        raise ConfigError("ageui demo opens the application, which needs a terminal")
    prepare_application()
    typer.echo(launch_demo(keep), err=True)
