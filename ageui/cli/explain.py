"""`ageui explain`: the manual, one Markdown file per page in the folder `explained`."""

import os
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from ageui.cli.completion import words

FOLDER = Path(__file__).parent / "explained"
PAGES = (
    "start",
    "data",
    "losses",
    "config",
    "flags",
    "queue",
    "cluster",
    "studies",
    "results",
    "compare",
    "bias",
    "keys",
    "serve",
    "speed",
    "files",
    "exchange",
    "python",
    "questions",
)
"""The names of the pages, in reading order."""
_WIDEST = 100


def explain(
    page: Annotated[
        str | None,
        typer.Argument(metavar="PAGE", help=f"The page: {', '.join(PAGES)}.", autocompletion=words(*PAGES)),
    ] = None,
) -> None:
    """Read the manual, page by page; the first page is start.

    Without PAGE, list the pages. On a terminal, a long page opens in $PAGER; in a pipe, it stays Markdown.

        ageui explain
        ageui explain bias
    """
    from rich.console import Console
    from rich.markdown import Markdown

    from ageui.store.names import did_you_mean
    from engine.errors import ConfigError

    if page is not None and page not in PAGES:
        raise ConfigError(
            f"unknown page {page!r}{did_you_mean(page, list(PAGES)) or ';'} choose one of {', '.join(PAGES)}"
        )
    text = _contents() if page is None else _text(page)
    if not sys.stdout.isatty():
        sys.stdout.write(text)
        return
    console = Console(markup=False, highlight=False)
    os.environ.setdefault("LESS", "FRX")  # as git sets it: in colour, and a page that fits needs no key
    with console.pager(styles=True):
        console.print(Markdown(_with_commands(text), hyperlinks=False), width=min(console.width, _WIDEST))


def _contents() -> str:
    """The list of pages as Markdown, each with its title."""
    titles = (f"- **{page}**: {_text(page).partition(chr(10))[0].removeprefix('# ')}\n" for page in PAGES)
    return f"# The manual\n\n`ageui explain PAGE` shows one of these pages:\n\n{''.join(titles)}"


def _text(page: str) -> str:
    return (FOLDER / f"{page}.md").read_text(encoding="utf-8")


def _with_commands(text: str) -> str:
    """A page with the command that shows a page in place of each link to it."""

    def command(link: re.Match[str]) -> str:
        shown = f"`ageui explain {link[2]}`"
        return shown if link[1] == link[2] else f"{link[1]} ({shown})"

    return re.sub(r"\[([^\]]+)\]\((\w+)\.md\)", command, text)
