"""Prints the runs that a command changed: a line per run, or a summary of many runs."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from ageui.console.consoles import messages, sayer
from ageui.text.sentences import counted

if TYPE_CHECKING:
    from ageui.store import Changed, Store

_LISTED = 10


def print_changed(store: "Store", changed: "Changed", *, asked: str = "") -> None:
    """Prints the statuses of changed runs and the problems of the others, which make the exit code 2.

    `asked` is the pending request to running runs, such as "to stop at once".
    """
    say, ids = sayer(messages()), changed.ids
    words = {"running": f"still running; it was asked {asked}; see ageui queue"}
    if len(ids) <= _LISTED:
        for row in store.runs.get_many(ids).values():
            say(f"run {row.id} {row.name} is {words.get(row.status, row.status)}")
    else:
        for status, count in Counter(store.runs.statuses(ids)).items():
            say(f"{counted(count, 'run')} {'is' if count == 1 else 'are'} {words.get(status, status)}")
    print_problems(changed.problems)


def print_problems(problems: Sequence[str]) -> None:
    """Prints the first problems and the number of further ones. Exits with 2 after any problem."""
    say = sayer(messages())
    for problem in problems[:_LISTED]:
        say(f"ageui: {problem}")
    if len(problems) > _LISTED:
        say(f"ageui: and {counted(len(problems) - _LISTED, 'more problem')}")
    if problems:
        raise typer.Exit(2)
