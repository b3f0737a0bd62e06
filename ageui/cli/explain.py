"""`ageui explain`: prints a page on the meaning of figures, one of the Markdown files in the folder `explained`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ageui.cli.completion import words

PAGES = Path(__file__).parent / "explained"
_WIDEST = 100


def topics() -> list[str]:
    """The names of the pages, in order."""
    return sorted(page.stem for page in PAGES.glob("*.md"))


def explain(
    topic: Annotated[
        str, typer.Argument(metavar="TOPIC", help="The page to print: bias.", autocompletion=words("bias"))
    ],
) -> None:
    """Explain the figures of runs and comparisons, and how certain they are.

    The page is Markdown, laid out on a terminal and unchanged in a pipe.

        ageui explain bias
    """
    from rich.console import Console
    from rich.markdown import Markdown

    from engine.errors import ConfigError

    if topic not in topics():
        raise ConfigError(f"there is no page about {topic!r}; choose one of: {', '.join(topics())}")
    text = (PAGES / f"{topic}.md").read_text(encoding="utf-8")
    if not sys.stdout.isatty():
        sys.stdout.write(text)
        return
    console = Console(markup=False, highlight=False)
    console.print(Markdown(text, hyperlinks=False), width=min(console.width, _WIDEST))
