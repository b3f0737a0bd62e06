"""Options that several commands share, the database they open, and the consoles they print to."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli import completion
from ageui.cli.command_group import FURTHER
from ageui.cli.streams import keep_exit_code, write_data
from ageui.files.database_path import database_path, real_path
from engine import choices

if TYPE_CHECKING:
    from rich.console import Console

    from ageui.store import Store

DEVICES = ("auto", "cpu", "cuda")


def _or_before_the_command(context: typer.Context, value: Path | None) -> Path | None:
    """The option's value, or the value before the command, as in `ageui --db FILE ls`."""
    return value if value is not None else context.find_root().params.get("db")


Database = Annotated[
    Path | None,
    typer.Option(
        "--db",
        metavar="FILE",
        help="Database (default: $AGEUI_DB, ./runs.local.db or ./runs.db).",
        callback=_or_before_the_command,
        show_default=False,
    ),
]
Files = Annotated[
    Path | None,
    typer.Option(
        "--files", metavar="DIR", help="Folder for weights and logs of a new database (default: runs, beside it).",
        show_default=False, rich_help_panel=FURTHER,
    ),
]  # fmt: skip
CheckpointSeconds = Annotated[
    float | None,
    typer.Option(
        min=0, metavar="N", help="Seconds between checkpoints (default: $AGEUI_CHECKPOINT_SECONDS or 60).",
        show_default=False, rich_help_panel=FURTHER,
    ),
]  # fmt: skip
Limit = Annotated[
    int | None,
    typer.Option(
        "-n", "--limit", min=1, metavar="N", help="List at most N runs (default: 50 on a terminal, else all).",
        show_default=False,
    ),
]  # fmt: skip
Reference = Annotated[
    str,
    typer.Argument(metavar="RUN", help="Id, name, or a filter that matches one run.", autocompletion=completion.runs),
]
DeviceToUse = Annotated[
    str,
    typer.Option(
        "--device", metavar="auto|cpu|cuda[:N]", help="Device to use.", autocompletion=completion.words(*DEVICES)
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Split = Annotated[
    str | None,
    typer.Option(
        metavar="train|valid|test",
        help="Split, or DATA/SPLIT of another data set (default: test, valid or train).",
        autocompletion=completion.words(*choices.SPLITS),
        show_default=False,
    ),
]


@contextmanager
def open_store(
    option: Path | None,
    *,
    create: bool = False,
    files: Path | None = None,
    read_only: bool = False,
    starts_worker: bool = False,
    rescores: bool = True,
) -> "Iterator[Store]":
    """Opens the database; a new database uses the folder `files`.

    Requeues lost runs unless `read_only`. Reports on stderr: a shipped example whose copy is opened instead, lost runs,
    and, unless this command `starts_worker`, runs whose worker was killed. Scores results of an earlier version again
    in the background. The exit code of a command that changes the database does not depend on its output, see
    `ageui.cli.streams`.
    """
    from ageui.store import Store
    from ageui.store.example import copy_sentence, opened_path
    from ageui.text.clean import clean
    from ageui.worker.left_behind import left_behind_sentence
    from ageui.worker.lost_runs import find_lost, lost_sentence, recover_lost
    from ageui.worker.rescorer import start_rescoring

    if not read_only:
        keep_exit_code()
    named = real_path(database_path(option))
    path = opened_path(named, to_change=not read_only)
    if path != named:
        print_prose(messages(), copy_sentence(named, path))
    with Store.open(path, create=create, read_only=read_only, files=files) as store:
        lost = find_lost(store) if read_only else []
        if lost:
            messages().print(lost_sentence(lost), soft_wrap=True)
        for found in recover_lost(store):
            messages().print(clean(found.sentence()), soft_wrap=True)
        if not starts_worker and (offer := left_behind_sentence(store, lost)):
            messages().print(offer, soft_wrap=True)
        if rescores and (sentence := start_rescoring(store)):
            messages().print(clean(sentence), soft_wrap=True)
        yield store


def warn_of_variables() -> None:
    """Warns of unknown AGEUI_ environment variables, unless a program reads this command's messages."""
    from ageui.planning.environment import unknown_variables
    from ageui.text import message_lines

    if not message_lines.are_wanted():
        for sentence in unknown_variables():
            typer.echo(f"ageui: {sentence}", err=True)


def print_json(value: object) -> None:
    from ageui.present import json

    write_data(json.text(value))


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
