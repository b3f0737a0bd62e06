"""Options that several commands share, the database they open, and the consoles they print on."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.files.database_path import database_path

if TYPE_CHECKING:
    from rich.console import Console

    from ageui.store import Store

Database = Annotated[
    Path | None,
    typer.Option("--db", metavar="FILE", help="Database; else $AGEUI_DB, else runs.db here.", show_default=False),
]
Files = Annotated[
    Path | None,
    typer.Option(
        "--files", metavar="DIR", help="Folder for weights and logs of a new database; else runs beside runs.db.",
        show_default=False,
    ),
]  # fmt: skip
CheckpointSeconds = Annotated[
    float | None,
    typer.Option(
        min=0, metavar="N", help="Seconds between checkpoints; else $AGEUI_CHECKPOINT_SECONDS, else 60.",
        show_default=False,
    ),
]  # fmt: skip
Reference = Annotated[str, typer.Argument(metavar="RUN", help="An id, a name, or a filter that fits one run.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
Split = Annotated[
    str | None, typer.Option(metavar="train|valid|test", help="Split, or DATA/SPLIT of other data.", show_default=False)
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
    """Opens the database. `files` is the folder of one that is created.

    Lost runs are reported on stderr, after they were requeued or explained unless the command is `read_only`; so is the
    lack of a worker for them, unless this command `starts_worker`. Results of an earlier version are scored again in
    the background.
    """
    from ageui.store import Store
    from ageui.text.clean import clean
    from ageui.worker.background_workers import workers
    from ageui.worker.lost_runs import find_lost, lost_sentence, recover_lost
    from ageui.worker.rescorer import start_rescoring

    with Store.open(database_path(option), create=create, read_only=read_only, files=files) as store:
        if read_only and (lost := find_lost(store)):
            messages().print(lost_sentence(lost), soft_wrap=True)
        recovered = list(recover_lost(store))
        for found in recovered:
            messages().print(clean(found.sentence()), soft_wrap=True)
        are_left = not starts_worker and any(found.status == "queued" for found in recovered)
        if are_left and not any(state.is_alive for state in workers(store)):
            messages().print("no worker lives that would take what is queued: ageui worker start")
        if rescores and (sentence := start_rescoring(store)):
            messages().print(clean(sentence), soft_wrap=True)
        yield store


def print_json(value: object) -> None:
    import json

    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def messages() -> "Console":
    """The console for progress and messages: stderr."""
    from rich.console import Console

    return Console(stderr=True, markup=False, highlight=False)


def sayer(console: "Console") -> Callable[[str], None]:
    """A function that prints cleaned text, which may have several lines."""
    from ageui.text.clean import clean

    return lambda text: console.print(clean(text, lines=True), soft_wrap=True)


def results() -> "Console":
    """The console for results: stdout. Files and pipes are 200 columns wide unless `COLUMNS` is set."""
    import sys

    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 200
    return Console(markup=False, highlight=False, width=width)
