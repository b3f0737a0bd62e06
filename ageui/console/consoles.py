"""The consoles for messages and results."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def messages() -> "Console":
    """The console for progress and messages: stderr."""
    from rich.console import Console

    return Console(stderr=True, markup=False, highlight=False)


def print_prose(console: "Console", text: str, style: str = "") -> None:
    """Prints text, cleaned. A terminal breaks its lines between words; files and pipes get them whole."""
    from rich.text import Text

    from ageui.text.clean import clean

    console.print(Text(clean(text, lines=True), style=style), soft_wrap=not console.is_terminal)


def sayer(console: "Console") -> Callable[[str], None]:
    """A function that cleans and prints text of one or more lines."""
    from ageui.text.clean import clean

    return lambda text: console.print(clean(text, lines=True), soft_wrap=True)


def results() -> "Console":
    """The console for results: stdout. Files and pipes are 200 columns wide unless `COLUMNS` is set."""
    import sys

    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 200
    return Console(markup=False, highlight=False, width=width)
