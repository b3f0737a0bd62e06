"""Options that several commands share, and the database they open."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ParamSpec

import typer

from ageui.cli import completion
from ageui.cli.command_group import FURTHER
from ageui.cli.streams import keep_exit_code, write_data
from ageui.console.opened_store import opened_store
from engine import choices

if TYPE_CHECKING:
    from ageui.store import Store

_P = ParamSpec("_P")
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


def _of_command(
    opened: "Callable[_P, AbstractContextManager[Store]]",
) -> "Callable[_P, AbstractContextManager[Store]]":
    """`opened`, for a command. If the command changes the database, its exit code does not depend on its output, see
    `ageui.cli.streams`."""

    @wraps(opened)
    def open_(*args: _P.args, **kwargs: _P.kwargs) -> "AbstractContextManager[Store]":
        if not kwargs.get("read_only"):
            keep_exit_code()
        return opened(*args, **kwargs)

    return open_


open_store = _of_command(opened_store)


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
