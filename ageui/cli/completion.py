"""Shell completion of runs, data sets, studies and option values.

It imports no database library and ignores a missing or damaged database.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from shlex import quote
from urllib.parse import quote as quoted_in_uri

import typer

from ageui.files.database_path import database_path
from engine.errors import ConfigError

Complete = Callable[[typer.Context, str], list[str]]

_MOST = 200
_BUSY_SECONDS = 0.2
_STUDIES = Path(__file__).parent.parent / "studies"


def words(*known: str) -> Complete:
    """Completes one of the words."""

    def complete(context: typer.Context, typed: str) -> list[str]:
        return [word for word in known if word.startswith(typed)]

    return complete


def lists(*known: str) -> Complete:
    """Completes the last word of a list such as `mse,mape` or `gender+age`."""

    def complete(context: typer.Context, typed: str) -> list[str]:
        start = max(typed.rfind(","), typed.rfind("+")) + 1
        return [typed[:start] + word for word in known if word.startswith(typed[start:])]

    return complete


def runs(context: typer.Context, typed: str) -> list[str]:
    """Completes the names of runs that are not archived, newest first."""
    newest = "SELECT name FROM run WHERE archived_at IS NULL AND substr(name, 1, ?) = ? ORDER BY id DESC LIMIT ?"
    return _names(context, newest, (len(typed), typed, _MOST))


def runs_or(*known: str) -> Complete:
    """Completes one of the words or the name of a run."""

    def complete(context: typer.Context, typed: str) -> list[str]:
        return [*words(*known)(context, typed), *runs(context, typed)]

    return complete


def registered_data(context: typer.Context, typed: str) -> list[str]:
    """Completes the names of registered data sets."""
    return _names(context, "SELECT name FROM data_set WHERE substr(name, 1, ?) = ? ORDER BY name", (len(typed), typed))


def data_sets(context: typer.Context, typed: str) -> list[str]:
    """Completes the names of registered data sets and of the built-in data set."""
    return [*words("synthetic")(context, typed), *registered_data(context, typed)]


def studies(context: typer.Context, typed: str) -> list[str]:
    """Completes the names of studies."""
    return sorted(file.stem for file in _STUDIES.glob("*.toml") if file.stem.startswith(typed))


def _names(context: typer.Context, query: str, parameters: Sequence[object]) -> list[str]:
    """The names found by a query, except names that need quotes in a shell; none from an unreadable database."""
    for mode in ("mode=ro", "mode=ro&immutable=1"):
        try:
            uri = f"file:{quoted_in_uri(str(database_path(context.params.get('db'))))}?{mode}"
            with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)) as connection:
                found = [name for (name,) in connection.execute(query, parameters)]
        except (sqlite3.Error, OSError, ValueError, ConfigError):
            continue
        return [name for name in found if isinstance(name, str) and quote(name) == name]
    return []
