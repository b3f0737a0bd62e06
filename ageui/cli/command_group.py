"""Groups of commands and their help: plain text that fits any width and breaks lines between words.

A help page longer than two screens leaves out the options of the panel `FURTHER`; `--help-all` shows them.
"""

import inspect
import os
import re
import shutil
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

from ageui.files.home import from_home

FURTHER: Final = "Further options"
"""The panel of options that few people use."""

_HELP_ALL = "--help-all"
_TWO_SCREENS = 48
"""The lines of two small terminals."""
_WIDEST = 100
_LONGEST_TERM = 28
"""The help of an option with a longer name begins on the next line."""
_INDENT = "  "
_UNBREAKABLE = "\xa0"
_COMPLETION = ("install_completion", "show_completion")
"""The names of Typer's own options."""
_SHOW_ALL = f"{__name__}.show_all"
"""The key in a context's `meta` that `--help-all` sets."""


class CommandGroup(typer.Typer):
    """A `typer.Typer` whose commands print the help of this file and accept `~` in every path."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            cls=_Group,
            pretty_exceptions_enable=False,
            rich_markup_mode=None,
            context_settings={"help_option_names": ["-h", "--help", _HELP_ALL]},
            **settings,
        )

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        return super().command(name, cls=_Command, **settings)


def examples(help_text: str) -> list[str]:
    """The command lines in a docstring, from paragraphs that contain nothing else."""
    return [line.strip() for block in _blocks(help_text) if _is_code(block) for line in block.splitlines()]


def all_commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """A command and all commands below it, each after the words that name it."""
    yield words, command
    for name, child in getattr(command, "commands", {}).items():
        yield from all_commands(child, (*words, name))


class _Command(TyperCommand):
    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return _usage_pieces(self, ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(_help(self, ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[_SHOW_ALL] = _HELP_ALL in args
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

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[_SHOW_ALL] = _HELP_ALL in args
        return super().parse_args(ctx, args)


def _at_home(value: Any) -> Any:
    """A path or a list of paths with `~` replaced by the home folder; any other value unchanged."""
    if isinstance(value, Path):
        return from_home(value)
    return [_at_home(item) for item in value] if isinstance(value, list) else value


def _usage_pieces(command: Any, ctx: Any) -> list[str]:
    arguments = [param for param in command.get_params(ctx) if isinstance(param, TyperArgument)]
    return ["[OPTIONS]", *(term(one) if one.required else f"[{term(one)}]" for one in arguments)]


def _help(command: Any, ctx: Any) -> str:
    params = [param for param in command.get_params(ctx) if not param.hidden]
    text = _help_text(command, ctx, params)
    has_further = any(_panel(param) == FURTHER for param in params)
    if ctx.meta.get(_SHOW_ALL) or not has_further or text.count("\n") <= _TWO_SCREENS:
        return text
    usual = [param for param in params if _panel(param) != FURTHER and _HELP_ALL not in param.opts]
    return f"{_help_text(command, ctx, usual)}\nAll options: {ctx.command_path} {_HELP_ALL}\n"


def _help_text(command: Any, ctx: Any, params: Sequence[Any]) -> str:
    width = max(40, min(shutil.get_terminal_size().columns, _WIDEST))
    text = command.help or ""
    parts = [f"Usage: {ctx.command_path} {' '.join(command.collect_usage_pieces(ctx))}\n"]
    parts += [f"{_wrapped(paragraph, width, _INDENT)}\n" for paragraph in _paragraphs(text)]
    panels: dict[str, list[tuple[str, str]]] = {}
    for param in params:
        panels.setdefault(_panel(param), []).append((term(param), meaning(param)))
    commands: dict[str, list[tuple[str, str]]] = {}
    for name in command.list_commands(ctx) if isinstance(command, TyperGroup) else ():
        found: Any = command.get_command(ctx, name)
        commands.setdefault(found.rich_help_panel or "Commands", []).append((name, _first_sentence(found.help or "")))
    if commands:
        parts.append("".join(_section(title, rows, width) for title, rows in commands.items()))
    # A command's own panels come first, then the options of most commands, then rare ones.
    for title in ("Options", FURTHER):
        if title in panels:
            panels[title] = panels.pop(title)
    parts += [_section(title, rows, width) for title, rows in panels.items()]
    if shown := examples(text):
        parts.append("\n".join((f"{_styled('Examples')}:", *(f"{_INDENT}{line}" for line in shown), "")))
    return "\n".join(parts)


def _panel(param: Any) -> str:
    if param.name in _COMPLETION:
        return FURTHER
    usual = "Arguments" if isinstance(param, TyperArgument) else "Options"
    return str(param.rich_help_panel or usual)


def _blocks(text: str) -> list[str]:
    return inspect.cleandoc(text).split("\n\n")


def _is_code(block: str) -> bool:
    return all(line.strip().startswith("ageui ") for line in block.splitlines())


def _paragraphs(text: str) -> Iterable[str]:
    return (" ".join(block.split()) for block in _blocks(text) if block and not _is_code(block))


def _section(title: str, rows: Sequence[tuple[str, str]], width: int) -> str:
    beside = max((len(name) for name, _ in rows if len(name) <= _LONGEST_TERM), default=0)
    column = " " * (len(_INDENT) + beside + 2)
    lines = [f"{_styled(title)}:"]
    for name, said in rows:
        text = _wrapped(said, width, column)
        if len(name) <= beside:
            lines.append(f"{_INDENT}{_styled(name)}{text[len(_INDENT) + len(name) :]}")
        else:
            lines += [f"{_INDENT}{_styled(name)}", text]
    return "\n".join((*lines, ""))


def _wrapped(text: str, width: int, indent: str) -> str:
    lines = textwrap.fill(
        text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )
    return lines.replace(_UNBREAKABLE, " ")


def term(param: Any) -> str:
    """An argument, or the names of an option and its value: `-n, --limit N`."""
    metavar = param.metavar or param.name.upper()
    if isinstance(param, TyperArgument):
        return str(metavar)
    names = ", ".join(sorted({*param.opts, *param.secondary_opts} - {_HELP_ALL}, key=lambda name: (len(name), name)))
    return names if param.is_flag else f"{names} {metavar}"


def meaning(param: Any) -> str:
    """The help of an argument or option, and its default."""
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
    """Bold text; a pipe strips the style."""
    return text if os.environ.get("NO_COLOR") else typer.style(text, bold=True)
