"""All flags of all commands as a table for the manual."""

import typer.main
from typer.core import TyperArgument

from ageui.cli import app
from ageui.cli.command_group import all_commands, meaning, term
from ageui.present.markdown import code

_MOST_NAMED = 12
"""A flag of more commands names none of them."""


def markdown() -> str:
    """A Markdown table with a row per flag and meaning, in the order of their names."""
    named: dict[tuple[str, str], list[str]] = {}
    for words, command in all_commands(typer.main.get_command(app)):
        for param in command.params:
            if not param.hidden and not isinstance(param, TyperArgument):
                named.setdefault((term(param), meaning(param)), []).append(" ".join(words) or "ageui")
    lines = ["| flag | commands | meaning |", "|---|---|---|"]
    for (flag, said), commands in sorted(named.items(), key=lambda row: _key(row[0][0])):
        which = "most" if len(commands) > _MOST_NAMED else ", ".join(map(code, commands))
        flag = flag.replace("|", " | ")  # a narrow terminal breaks lines at spaces, and cuts longer words
        lines.append(f"| {code(flag)} | {which} | {said} |")
    return "\n".join(lines)


def _key(flag: str) -> str:
    """Sorts by the long name: `-n, --limit N` as `limit`."""
    return flag.partition("--")[2]
