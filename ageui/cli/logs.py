"""`ageui logs`: prints a run's log."""

import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from ageui.cli.options import Database, Reference, open_store
from ageui.cli.streams import lost_output
from ageui.console.consoles import messages

if TYPE_CHECKING:
    from ageui.store import Store

_SECONDS_BETWEEN_LOOKS = 0.2
_READ_AT_ONCE = 1 << 16


def show_logs(
    reference: Reference,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Follow the log until the run ends.")] = False,
    attempt: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Attempt (default: the newest).", show_default=False)
    ] = None,
    db: Database = None,
) -> None:
    """Print a run's log: epochs, warnings, and output of libraries.

    ageui logs first
    ageui logs -f first
    """
    from ageui.text.sentences import counted
    from engine.errors import ConfigError, DataError

    with open_store(db, read_only=True) as store:
        run_id = store.runs.find_one(reference)
        newest = store.runs.get(run_id).attempt
        if newest == 0 and not follow:
            raise DataError(f"run {run_id} has no log yet, because it has not started; see ageui queue")
        if attempt is not None and not 1 <= attempt <= newest:
            attempts = counted(newest, "attempt")
            raise ConfigError(f"--attempt {attempt}: run {run_id} has {attempts}; choose a number from 1 to {newest}")
        if attempt is not None or not follow:
            path = _file(store, run_id, attempt or newest)
            if not path.exists():
                raise DataError(f"run {run_id}: {path} is missing; it was removed, or the run was copied without it")
            with path.open("rb") as log:
                _print_rest(log, ended=True)
            return
        _follow(store, run_id)


def _follow(store: "Store", run_id: int) -> None:
    """Prints the newest attempt's log as it grows, and the logs of later attempts, until the run has ended."""
    attempt, log, told = 0, None, False
    while True:
        row = store.runs.get(run_id)
        if row.attempt != attempt:
            if log is not None:
                _print_rest(log, ended=True)
                messages().print(f"attempt {row.attempt}", style="dim")
            attempt, log = row.attempt, None
        if log is None and attempt and _file(store, run_id, attempt).exists():
            log = _file(store, run_id, attempt).open("rb")
        has_ended = row.status not in ("queued", "running")
        if log is not None:
            _print_rest(log, ended=has_ended)
        if lost_output() is not None:
            return
        if has_ended:
            messages().print(f"run {run_id} is {row.status}{f': {row.error}' if row.status == 'lost' else ''}")
            return
        if row.status == "queued" and not told:
            messages().print(f"run {run_id} is queued; waiting for a worker to take it")
            told = True
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _file(store: "Store", run_id: int, attempt: int) -> Path:
    from ageui.worker.run_files import log_file

    return log_file(store, run_id, attempt)


def _print_rest(log: IO[bytes], *, ended: bool) -> None:
    """Prints the unread rest of a log, cleaned for a terminal. Holds an incomplete last line back until `ended`."""
    from ageui.text.clean import clean

    while content := log.readline(_READ_AT_ONCE):
        if not ended and not content.endswith(b"\n") and len(content) < _READ_AT_ONCE:
            log.seek(-len(content), 1)
            break
        sys.stdout.write(clean(content.decode("utf-8", "replace").rstrip("\n")) + "\n")
    sys.stdout.flush()
