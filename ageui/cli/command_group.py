"""Groups of commands, and the help that they print: plain text that fits any width and breaks lines between words."""

import inspect
import os
import re
import shutil
import textwrap
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

from ageui.files.home import from_home

_WIDEST = 100
_LONGEST_TERM = 28
"""The help of an option with a longer name begins on the next line."""
_INDENT = "  "
_UNBREAKABLE = "\xa0"


class CommandGroup(typer.Typer):
    """A `typer.Typer` whose commands print the help of this file, and take `~` in every path."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            cls=_Group,
            pretty_exceptions_enable=False,
            rich_markup_mode=None,
            context_settings={"help_option_names": ["-h", "--help"]},
            **settings,
        )

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        return super().command(name, cls=_Command, **settings)


def examples(help_text: str) -> list[str]:
    """The command lines in a docstring, from paragraphs that hold nothing else."""
    return [line.strip() for block in _blocks(help_text) if _is_code(block) for line in block.splitlines()]


class _Command(TyperCommand):
    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return _usage_pieces(self, ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(_help(self, ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            rest = super().parse_args(ctx, args)
        except typer.BadParameter as error:
            error.message = re.sub(r"Input should be ([^,]*).*", r"it must be \1", error.message)
            raise
        if not ctx.resilient_parsing:  # a shell that completes expects no errors
            ctx.params = {name: _at_home(value) for name, value in ctx.params.items()}
        return rest


class _Group(TyperGroup):
    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [*_usage_pieces(self, ctx), self.subcommand_metavar]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(_help(self, ctx))


def _at_home(value: Any) -> Any:
    """A path, or the paths in a list, with `~` as the home folder; any other value unchanged."""
    if isinstance(value, Path):
        return from_home(value)
    return [_at_home(item) for item in value] if isinstance(value, list) else value


def _usage_pieces(command: Any, ctx: Any) -> list[str]:
    arguments = [_term(param) for param in command.get_params(ctx) if isinstance(param, TyperArgument)]
    return ["[OPTIONS]", *arguments]


def _help(command: Any, ctx: Any) -> str:
    width = max(40, min(shutil.get_terminal_size().columns, _WIDEST))
    text = command.help or ""
    parts = [f"Usage: {ctx.command_path} {' '.join(command.collect_usage_pieces(ctx))}\n"]
    parts += [f"{_wrapped(paragraph, width, _INDENT)}\n" for paragraph in _paragraphs(text)]
    panels: dict[str, list[tuple[str, str]]] = {}
    for param in command.get_params(ctx):
        if not getattr(param, "hidden", False):
            usual = "Arguments" if isinstance(param, TyperArgument) else "Options"
            title = getattr(param, "rich_help_panel", None) or usual
            panels.setdefault(title, []).append((_term(param), _meaning(param)))
    for name in command.list_commands(ctx) if isinstance(command, TyperGroup) else ():
        found: Any = command.get_command(ctx, name)
        title = found.rich_help_panel or "Commands"
        panels.setdefault(title, []).append((name, _first_sentence(found.help or "")))
    # A command's own panels come first, options that most commands share come last.
    options = panels.pop("Options", [])
    for title, rows in {**panels, "Options": options}.items():
        parts.append(_section(title, rows, width))
    if shown := examples(text):
        parts.append("\n".join((f"{_styled('Examples')}:", *(f"{_INDENT}{line}" for line in shown), "")))
    return "\n".join(parts)


def _blocks(text: str) -> list[str]:
    return inspect.cleandoc(text).split("\n\n")


def _is_code(block: str) -> bool:
    return all(line.strip().startswith("ageui ") for line in block.splitlines())


def _paragraphs(text: str) -> Iterable[str]:
    return (" ".join(block.split()) for block in _blocks(text) if block and not _is_code(block))


def _section(title: str, rows: Sequence[tuple[str, str]], width: int) -> str:
    beside = max((len(term) for term, _ in rows if len(term) <= _LONGEST_TERM), default=0)
    column = " " * (len(_INDENT) + beside + 2)
    lines = [f"{_styled(title)}:"]
    for term, meaning in rows:
        text = _wrapped(meaning, width, column)
        if len(term) <= beside:
            lines.append(f"{_INDENT}{_styled(term)}{text[len(_INDENT) + len(term) :]}")
        else:
            lines += [f"{_INDENT}{_styled(term)}", text]
    return "\n".join((*lines, ""))


def _wrapped(text: str, width: int, indent: str) -> str:
    lines = textwrap.fill(
        text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )
    return lines.replace(_UNBREAKABLE, " ")


def _term(param: Any) -> str:
    """An argument, or the names of an option and what it takes: `-n, --limit N`."""
    metavar = param.metavar or param.name.upper()
    if isinstance(param, TyperArgument):
        return str(metavar)
    names = ", ".join(sorted((*param.opts, *param.secondary_opts), key=len))
    return names if param.is_flag else f"{names} {metavar}"


def _meaning(param: Any) -> str:
    parts = [" ".join((param.help or "").split())]
    if param.required and not isinstance(param, TyperArgument):
        parts.append("[required]")
    if getattr(param, "show_default", False) and param.default is not False and param.default not in (None, (), []):
        parts.append(f"[default:{_UNBREAKABLE}{param.default}]")
    return " ".join(filter(None, parts))


def _first_sentence(text: str) -> str:
    paragraph = next(iter(_paragraphs(text)), "")
    return re.split(r"(?<=\.)\s", paragraph)[0]


def _styled(text: str) -> str:
    """Bold, which a pipe strips."""
    return text if os.environ.get("NO_COLOR") else typer.style(text, bold=True)
